//! A ledger in CBOR (RFC 8949): by itself, or inside a sealed record.
//!
//! An array of a version and the fields. Digests stand in one byte string, in the order of the codes; the
//! codes that were used in a map from index to time. There is one encoding of a ledger: the shortest form
//! of every number, definite lengths, ascending indexes. Any other is refused.

use super::argon2::Digest;
use super::code_set::Entry;
use crate::Timestamp;
use crate::backup::{
    Alphabet, Argon2Params, Argon2ParamsError, BackupCodeSet, CodeFormat, CodeFormatError, PepperId,
};
use crate::constant_time::reveal;
use alloc::vec::Vec;
use minicbor::data::Type;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};
use subtle::{Choice, ConstantTimeEq};

const VERSION: u32 = 1;
const FIELDS: u64 = 13;

impl BackupCodeSet {
    /// The ledger as bytes to store: under 200 for a new set of ten codes, six more for each used one.
    ///
    /// They hold no code, but short codes can be searched for by their digests: keep them as you keep
    /// password hashes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_bound());
        encode_into_vec(self, &mut bytes);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`BackupCodeSetDecodeError`] if the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, BackupCodeSetDecodeError> {
        let mut decoder = Decoder::new(bytes);
        let ledger = Self::decode_from(&mut decoder)?;
        if decoder.position() == bytes.len() && ledger.is_encoded_as(bytes) {
            Ok(ledger)
        } else {
            Err(BackupCodeSetDecodeError::Malformed)
        }
    }

    /// No more bytes than this are needed to encode it.
    pub(crate) fn encoded_bound(&self) -> usize {
        const FIXED: usize = 80;
        const EACH: usize = size_of::<Digest>() + 2 + 9;
        self.entries
            .len()
            .saturating_mul(EACH)
            .saturating_add(FIXED)
    }

    pub(crate) fn encode_into<W: Write>(
        &self,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(FIELDS)?.u32(VERSION)?.bytes(&self.salt)?;
        e.u32(self.params.memory_kib())?
            .u32(self.params.passes())?
            .u32(self.params.lanes())?;
        e.u8(alphabet_number(self.format.alphabet()))?
            .u8(self.format.length())?
            .u8(self.format.group())?
            .u8(self.format.count())?;
        e.u64(self.issued_at.as_unix())?;
        match self.pepper {
            Some(id) => e.u32(id.get())?,
            None => e.null()?,
        };

        let digests = || self.entries.iter().map(|entry| entry.digest.as_slice());
        e.bytes_len(digests().map(|digest| length(digest.len())).sum())?;
        for digest in digests() {
            e.writer_mut()
                .write_all(digest)
                .map_err(minicbor::encode::Error::write)?;
        }

        let used = || {
            (0_u64..)
                .zip(&self.entries)
                .filter_map(|(index, entry)| Some((index, entry.used_at?)))
        };
        e.map(length(used().count()))?;
        for (index, at) in used() {
            e.u64(index)?.u64(at.as_unix())?;
        }
        Ok(())
    }

    /// Reads a ledger that nobody else can have written: another encoding of it passes.
    pub(crate) fn decode_from(d: &mut Decoder<'_>) -> Result<Self, BackupCodeSetDecodeError> {
        Self::read(d).map_err(|Unreadable(error)| error)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, Unreadable> {
        let fields = d.array()?.ok_or(BackupCodeSetDecodeError::Malformed)?;
        let version = d.u32()?;
        if version != VERSION {
            return Err(BackupCodeSetDecodeError::UnknownVersion { version }.into());
        }
        if fields != FIELDS {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        }
        let salt = array(d.bytes()?)?;
        let params = Argon2Params::new(d.u32()?, d.u32()?, d.u32()?)
            .map_err(BackupCodeSetDecodeError::from)?;
        let alphabet = numbered_alphabet(d.u8()?)?;
        let format = CodeFormat::new(alphabet, d.u8()?, d.u8()?, d.u8()?)
            .map_err(BackupCodeSetDecodeError::from)?;
        let issued_at = Timestamp::from_unix(d.u64()?);
        let pepper = match d.datatype()? {
            Type::Null => {
                d.null()?;
                None
            }
            _ => Some(PepperId::new(d.u32()?)),
        };

        let (digests, []) = d.bytes()?.as_chunks() else {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        };
        if digests.len() != usize::from(format.count()) {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        }
        let mut entries = Vec::with_capacity(digests.len());
        entries.extend(digests.iter().map(|digest| Entry {
            digest: *digest,
            used_at: None,
        }));

        let used = d.map()?.ok_or(BackupCodeSetDecodeError::Malformed)?;
        if used > length(entries.len()) {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        }
        for _ in 0..used {
            let index = usize::from(d.u8()?);
            let at = Timestamp::from_unix(d.u64()?);
            let entry = entries
                .get_mut(index)
                .ok_or(BackupCodeSetDecodeError::Malformed)?;
            entry.used_at = Some(at);
        }

        Ok(Self {
            salt,
            params,
            format,
            issued_at,
            pepper,
            entries,
        })
    }

    fn is_encoded_as(&self, bytes: &[u8]) -> bool {
        let mut expected = Expected {
            rest: bytes,
            same: Choice::from(1),
        };
        self.encode_into(&mut Encoder::new(&mut expected)).is_ok()
            && expected.rest.is_empty()
            && reveal(expected.same)
    }
}

/// Compares what is written with the bytes that it expects; among them are digests.
struct Expected<'a> {
    rest: &'a [u8],
    same: Choice,
}

impl Write for Expected<'_> {
    type Error = TooLong;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let (expected, rest) = self.rest.split_at_checked(bytes.len()).ok_or(TooLong)?;
        self.same &= expected.ct_eq(bytes);
        self.rest = rest;
        Ok(())
    }
}

struct TooLong;

fn encode_into_vec(ledger: &BackupCodeSet, bytes: &mut Vec<u8>) {
    #[expect(clippy::expect_used, reason = "a Vec takes whatever is written")]
    ledger
        .encode_into(&mut Encoder::new(bytes))
        .expect("a Vec takes whatever is written");
}

const fn alphabet_number(alphabet: Alphabet) -> u8 {
    match alphabet {
        Alphabet::Digits => 0,
        Alphabet::Unambiguous => 1,
    }
}

const fn numbered_alphabet(number: u8) -> Result<Alphabet, BackupCodeSetDecodeError> {
    match number {
        0 => Ok(Alphabet::Digits),
        1 => Ok(Alphabet::Unambiguous),
        _ => Err(BackupCodeSetDecodeError::Malformed),
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], BackupCodeSetDecodeError> {
    bytes
        .try_into()
        .map_err(|_| BackupCodeSetDecodeError::Malformed)
}

/// Bytes that are not a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupCodeSetDecodeError {
    /// A later version of the library wrote it, or it is not a ledger at all.
    #[error("the ledger has version {version}, which this version of the library does not know")]
    UnknownVersion {
        /// The version found.
        version: u32,
    },
    /// It is not in the form that a ledger has: damaged, cut short, or with something after it.
    #[error("the ledger is damaged")]
    Malformed,
    /// The format of the codes is out of bounds.
    #[error("the ledger has a format that codes cannot have")]
    Format(#[from] CodeFormatError),
    /// The parameters of the digest are out of bounds.
    #[error("the ledger has parameters that the digest cannot have")]
    Params(#[from] Argon2ParamsError),
}

/// Why reading ended. The errors of the encoding library end here.
struct Unreadable(BackupCodeSetDecodeError);

impl From<BackupCodeSetDecodeError> for Unreadable {
    fn from(error: BackupCodeSetDecodeError) -> Self {
        Self(error)
    }
}

impl From<minicbor::decode::Error> for Unreadable {
    fn from(_: minicbor::decode::Error) -> Self {
        Self(BackupCodeSetDecodeError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Alphabet;
    use crate::backup::code_set::Entry;
    use alloc::vec;

    #[test]
    fn the_longest_ledger_fits_where_it_is_encoded() {
        let latest = Timestamp::from_unix(u64::MAX);
        let entry = Entry {
            digest: Digest::default(),
            used_at: Some(latest),
        };
        let ledger = BackupCodeSet {
            salt: [0; 16],
            params: Argon2Params::new(Argon2Params::MAX_MEMORY_KIB, 16, 4).unwrap(),
            format: CodeFormat::new(Alphabet::Unambiguous, 32, 32, 100).unwrap(),
            issued_at: latest,
            pepper: Some(PepperId::new(u32::MAX)),
            entries: vec![entry; 100],
        };
        let (length, bound) = (ledger.encode().len(), ledger.encoded_bound());
        assert!(length <= bound, "{length} bytes, {bound} at most");
    }
}
