//! The time of the codec alone: reads and writes the content of a record with minicbor and as
//! little other code as possible. `src/record/encoding.rs` describes the content.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder, decode, encode};

/// One authenticator and a backup-code set, without a pending enrollment.
pub(crate) struct Content {
    from_creation: bool,
    revisions: Vec<i64>,
    throttle: (u32, u64, u32, u64),
    authenticators: Vec<Authenticator>,
    code_set: BackupCodeSet,
}

struct Authenticator {
    id: [u8; 8],
    name: Box<str>,
    secret: Box<[u8]>,
    parameters: (u8, u8, u64),
    added_at: u64,
    last_used_at: Option<u64>,
    last_step: Option<u64>,
}

struct BackupCodeSet {
    version: u32,
    salt: [u8; 16],
    params: [u32; 3],
    format: [u8; 4],
    issued_at: u64,
    hashes: Vec<[u8; 16]>,
}

type Read<T> = Result<T, decode::Error>;
type Written = Result<(), encode::Error<std::convert::Infallible>>;

impl Content {
    pub(crate) fn read(bytes: &[u8]) -> Read<Self> {
        let d = &mut Decoder::new(bytes);
        d.array()?;
        let revisions = count(d)?.saturating_sub(1);
        let from_creation = d.bool()?;
        let revisions = (0..revisions).map(|_| d.i64()).collect::<Read<_>>()?;
        d.array()?;
        let throttle = (d.u32()?, d.u64()?, d.u32()?, d.u64()?);
        let authenticators = count(d)?;
        let authenticators = (0..authenticators)
            .map(|_| Authenticator::read(d))
            .collect::<Read<_>>()?;
        let code_set = BackupCodeSet::read(d)?;
        d.null()?;
        Ok(Self {
            from_creation,
            revisions,
            throttle,
            authenticators,
            code_set,
        })
    }

    /// Writes into a buffer with enough capacity.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) -> Written {
        let e = &mut Encoder::new(buffer);
        e.array(5)?
            .array(self.revisions.len() as u64 + 1)?
            .bool(self.from_creation)?;
        for revision in &self.revisions {
            e.i64(*revision)?;
        }
        let (failures, failed_at, guesses_left, refilled_at) = self.throttle;
        e.array(4)?
            .u32(failures)?
            .u64(failed_at)?
            .u32(guesses_left)?
            .u64(refilled_at)?;
        e.array(self.authenticators.len() as u64)?;
        for authenticator in &self.authenticators {
            authenticator.write(e)?;
        }
        self.code_set.write(e)?;
        e.null()?.ok()
    }
}

impl Authenticator {
    fn read(d: &mut Decoder<'_>) -> Read<Self> {
        d.array()?;
        let id = bytes(d)?;
        let name = d.str()?.into();
        let secret = d.bytes()?.into();
        d.array()?;
        Ok(Self {
            id,
            name,
            secret,
            parameters: (d.u8()?, d.u8()?, d.u64()?),
            added_at: d.u64()?,
            last_used_at: optional(d)?,
            last_step: optional(d)?,
        })
    }

    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        e.array(7)?
            .bytes(&self.id)?
            .str(&self.name)?
            .bytes(&self.secret)?;
        let (algorithm, digits, period) = self.parameters;
        e.array(3)?
            .u8(algorithm)?
            .u8(digits)?
            .u64(period)?
            .u64(self.added_at)?;
        for number in [self.last_used_at, self.last_step] {
            match number {
                Some(number) => e.u64(number)?,
                None => e.null()?,
            };
        }
        Ok(())
    }
}

impl BackupCodeSet {
    fn read(d: &mut Decoder<'_>) -> Read<Self> {
        d.array()?;
        let version = d.u32()?;
        let salt = bytes(d)?;
        let params = [d.u32()?, d.u32()?, d.u32()?];
        let format = [d.u8()?, d.u8()?, d.u8()?, d.u8()?];
        let issued_at = d.u64()?;
        d.null()?;
        let hashes = d.bytes()?.as_chunks().0.to_vec();
        d.map()?;
        Ok(Self {
            version,
            salt,
            params,
            format,
            issued_at,
            hashes,
        })
    }

    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        e.array(13)?.u32(self.version)?.bytes(&self.salt)?;
        for param in self.params {
            e.u32(param)?;
        }
        for part in self.format {
            e.u8(part)?;
        }
        e.u64(self.issued_at)?.null()?;
        e.bytes(self.hashes.as_flattened())?.map(0)?.ok()
    }
}

fn count(d: &mut Decoder<'_>) -> Read<u64> {
    d.array()?
        .ok_or_else(|| decode::Error::message("an array without a length"))
}

fn bytes<const N: usize>(d: &mut Decoder<'_>) -> Read<[u8; N]> {
    d.bytes()?
        .try_into()
        .map_err(|_| decode::Error::message("a wrong length"))
}

fn optional(d: &mut Decoder<'_>) -> Read<Option<u64>> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    d.u64().map(Some)
}
