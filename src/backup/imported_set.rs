//! An imported set of backup codes as an encrypted record holds it.
//!
//! ```text
//! set    = [1*16 id, shape, issued at, kind, codes, {* index => used at}]
//! shape  = [alphabet: 62 bits, length, group / 0, separator: 0 hyphen, 1 space]
//! kind 0 = [memory in KiB, passes, lanes, 1*100 hash]     codes in clear text, hashed at import
//! kind 1 = [1*32 [form, ..., salt, hash]]                 hashes of another system
//! form 1 = bcrypt: cost
//! form 2 = PBKDF2: hash function, iterations
//! form 3 = Argon2: variant, memory in KiB, passes, lanes, bytes of the whole hash
//! form 4 = SHA-2: hash function
//! ```
//! Hash functions are 1 for SHA-1, 2 for SHA-256 and 3 for SHA-512. Each hash has 16 bytes.

use super::argon2::CodeHash;
use super::code_set::find_hash;
use super::foreign_hash::{ForeignHash, HashForm, HashInput, Sha2};
use super::imported_codes::Content;
use crate::Timestamp;
use crate::backup::{
    Argon2Params, CodeMatch, CodeShape, HashError, HashJob, Hashes, ImportedCodes,
};
use crate::constant_time::reveal;
use crate::otp::{Algorithm, Code};
use crate::stack_wipe::with_wiped_stack;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder, decode};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// An imported set of backup codes: its shape, the hash of each code, and when each code was used.
#[derive(Clone)]
pub(crate) struct ImportedCodeSet {
    /// 128 random bits. They are the salt, too, if this crate computed the hashes.
    id: [u8; 16],
    shape: CodeShape,
    issued_at: Timestamp,
    hashes: StoredHashes,
    used_at: Vec<Option<Timestamp>>,
}

#[derive(Clone)]
enum StoredHashes {
    /// Argon2id hashes with one salt.
    Own {
        params: Argon2Params,
        hashes: Vec<CodeHash>,
    },
    Foreign(Vec<ForeignHash>),
}

impl ImportedCodeSet {
    /// Makes the set that an import stores.
    ///
    /// `id` is 16 new random bytes, and `hashes` is the result of [`ImportedCodes::hash_job`] with
    /// these bytes and parameters.
    ///
    /// # Errors
    /// [`HashError::Refused`] if the hashes do not belong to the codes.
    #[allow(dead_code, reason = "for the import of accounts")]
    pub(crate) fn new(
        codes: &ImportedCodes,
        id: [u8; 16],
        params: Argon2Params,
        hashes: Option<&Hashes>,
        now: Timestamp,
    ) -> Result<Self, HashError> {
        let hashes = with_wiped_stack::<1024, _>(|| match (&codes.content, hashes) {
            (Content::Plain(_), Some(hashes)) if hashes.iter().len() == codes.len() => {
                let hashes = hashes.iter().copied().collect();
                Ok(StoredHashes::Own { params, hashes })
            }
            (Content::Hashed(hashes), None) => Ok(StoredHashes::Foreign(hashes.clone())),
            _ => Err(HashError::Refused),
        })?;
        Ok(Self {
            id,
            shape: codes.shape,
            issued_at: codes.issued_at.unwrap_or(now),
            hashes,
            used_at: codes.used_at.clone(),
        })
    }

    pub(crate) const fn id(&self) -> &[u8; 16] {
        &self.id
    }

    pub(crate) const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns when each code was used, in the order of the import.
    pub(crate) fn used_at(&self) -> &[Option<Timestamp>] {
        &self.used_at
    }

    /// Returns how many codes are unused.
    pub(crate) fn remaining(&self) -> usize {
        self.used_at.iter().filter(|used| used.is_none()).count()
    }

    /// Returns the job that hashes a typed code, for [`redeem`](Self::redeem); `None` if the code
    /// does not have the shape of the set.
    ///
    /// The job has one hash if this crate computed the hashes, otherwise one for each unused code.
    pub(crate) fn redeem_job(&self, code: &Code) -> Option<HashJob> {
        match &self.hashes {
            StoredHashes::Own { params, .. } => {
                let symbols = self.shape.canonical(code)?;
                let length = self.shape.length();
                Some(HashJob::new(self.id, *params, None, symbols, length))
            }
            StoredHashes::Foreign(hashes) => {
                let text = self.shape.hashed_text(code)?;
                let unused = || {
                    (0_u8..)
                        .zip(hashes.iter().zip(&self.used_at))
                        .filter(|(_, (_, used_at))| used_at.is_none())
                };
                let places = unused().map(|(place, _)| place).collect();
                let inputs = unused().map(|(_, (hash, _))| hash.input.clone()).collect();
                Some(HashJob::imported(text, places, inputs))
            }
        }
    }

    /// Finds the code with these hashes, and marks it as used unless it was used before.
    ///
    /// The other system may have hashed one code twice, with two salts. Such a code is accepted
    /// once: all hashes that match are marked.
    pub(crate) fn redeem(&mut self, computed: &Hashes, at: Timestamp) -> CodeMatch {
        let found = self.find(computed);
        let CodeMatch::Unused(index) = found else {
            return found;
        };
        if let StoredHashes::Foreign(hashes) = &self.hashes {
            for (place, hash) in computed.with_places() {
                let place = usize::from(place);
                let (Some(stored), Some(used_at)) =
                    (hashes.get(place), self.used_at.get_mut(place))
                else {
                    continue;
                };
                if reveal(stored.hash.ct_eq(hash)) {
                    used_at.get_or_insert(at);
                }
            }
        } else if let Some(used_at) = self.used_at.get_mut(index) {
            used_at.get_or_insert(at);
        }
        found
    }

    /// Compares the hashes with all codes that have them.
    fn find(&self, computed: &Hashes) -> CodeMatch {
        let is_used = |index: u16| {
            let used_at = self.used_at.get(usize::from(index));
            used_at.is_none_or(Option::is_some)
        };
        match &self.hashes {
            StoredHashes::Own { hashes, .. } => {
                let mut computed = computed.iter();
                let (Some(hash), None) = (computed.next(), computed.next()) else {
                    return CodeMatch::None;
                };
                let stored = (0_u16..).zip(hashes);
                find_hash(stored.map(|(index, stored)| (index, stored, hash, is_used(index))))
            }
            StoredHashes::Foreign(hashes) => {
                find_hash(computed.with_places().filter_map(|(place, hash)| {
                    let stored = hashes.get(usize::from(place))?;
                    let index = u16::from(place);
                    Some((index, &stored.hash, hash, is_used(index)))
                }))
            }
        }
    }

    /// Encodes the set as one item of a record.
    pub(crate) fn encode_into<W: Write>(
        &self,
        e: &mut Encoder<W>,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(6)?.bytes(&self.id)?;
        let (group, separator) = self.shape.groups().unwrap_or((0, '-'));
        e.array(4)?
            .u64(self.shape.symbol_bits())?
            .u8(self.shape.length())?
            .u8(group)?
            .u8(u8::from(separator == ' '))?;
        e.u64(self.issued_at.as_unix())?;
        match &self.hashes {
            StoredHashes::Own { params, hashes } => {
                e.u8(0)?.array(4)?;
                e.u32(params.memory_kib())?
                    .u32(params.passes())?
                    .u32(params.lanes())?;
                e.bytes_len(length(hashes.as_flattened().len()))?;
                e.writer_mut()
                    .write_all(hashes.as_flattened())
                    .map_err(encode::Error::write)?;
            }
            StoredHashes::Foreign(hashes) => {
                e.u8(1)?.array(length(hashes.len()))?;
                for hash in hashes {
                    write_hash(hash, e)?;
                }
            }
        }
        let used = || {
            (0_u64..)
                .zip(&self.used_at)
                .filter_map(|(index, used_at)| Some((index, (*used_at)?)))
        };
        e.map(length(used().count()))?;
        for (index, at) in used() {
            e.u64(index)?.u64(at.as_unix())?;
        }
        Ok(())
    }

    /// Decodes a set that [`encode_into`](Self::encode_into) wrote.
    pub(crate) fn decode_from(d: &mut Decoder<'_>) -> Result<Self, Malformed> {
        array(d, 6)?;
        let id = bytes(d)?;
        let shape = read_shape(d)?;
        let issued_at = Timestamp::from_unix(d.u64()?);
        let (hashes, count) = match d.u8()? {
            0 => {
                array(d, 4)?;
                let params =
                    Argon2Params::new(d.u32()?, d.u32()?, d.u32()?).map_err(|_| Malformed)?;
                let (hashes, []) = d.bytes()?.as_chunks() else {
                    return Err(Malformed);
                };
                let hashes = hashes.to_vec();
                let count = hashes.len();
                in_range(count, ImportedCodes::MAX_PLAIN)?;
                (StoredHashes::Own { params, hashes }, count)
            }
            1 => {
                let count = usize::try_from(d.array()?.ok_or(Malformed)?).map_err(|_| Malformed)?;
                in_range(count, ImportedCodes::MAX_HASHED)?;
                let hashes = (0..count).map(|_| read_hash(d, &shape));
                (
                    StoredHashes::Foreign(hashes.collect::<Result<_, _>>()?),
                    count,
                )
            }
            _ => return Err(Malformed),
        };
        let mut used_at = alloc::vec![None; count];
        let mut next = 0;
        for _ in 0..d.map()?.ok_or(Malformed)? {
            let index = usize::from(d.u8()?);
            if index < next {
                return Err(Malformed);
            }
            next = index.saturating_add(1);
            *used_at.get_mut(index).ok_or(Malformed)? = Some(Timestamp::from_unix(d.u64()?));
        }
        Ok(Self {
            id,
            shape,
            issued_at,
            hashes,
            used_at,
        })
    }
}

fn read_shape(d: &mut Decoder<'_>) -> Result<CodeShape, Malformed> {
    array(d, 4)?;
    let shape = CodeShape::from_symbol_bits(d.u64()?, d.u8()?).ok_or(Malformed)?;
    let separator = |group, separator| shape.with_groups(group, separator).map_err(|_| Malformed);
    match (d.u8()?, d.u8()?) {
        (0, 0) => Ok(shape),
        (group, 0) => separator(group, '-'),
        (group, 1) => separator(group, ' '),
        _ => Err(Malformed),
    }
}

fn write_hash<W: Write>(
    hash: &ForeignHash,
    e: &mut Encoder<W>,
) -> Result<(), encode::Error<W::Error>> {
    match hash.input.form {
        HashForm::Bcrypt { cost } => e.array(4)?.u8(1)?.u8(cost)?,
        HashForm::Pbkdf2 {
            function,
            iterations,
        } => e
            .array(5)?
            .u8(2)?
            .u8(match function {
                Algorithm::Sha1 => 1,
                Algorithm::Sha256 => 2,
                Algorithm::Sha512 => 3,
            })?
            .u32(iterations)?,
        HashForm::Argon2 {
            variant,
            memory_kib,
            passes,
            lanes,
            output,
        } => e
            .array(8)?
            .u8(3)?
            .u8(match variant {
                argon2::Algorithm::Argon2d => 0,
                argon2::Algorithm::Argon2i => 1,
                argon2::Algorithm::Argon2id => 2,
            })?
            .u32(memory_kib)?
            .u32(passes)?
            .u32(lanes)?
            .u8(output)?,
        HashForm::Sha2(function) => e.array(4)?.u8(4)?.u8(match function {
            Sha2::Sha256 => 2,
            Sha2::Sha512 => 3,
        })?,
    };
    e.bytes(&hash.input.salt)?.bytes(&hash.hash)?.ok()
}

fn read_hash(d: &mut Decoder<'_>, shape: &CodeShape) -> Result<ForeignHash, Malformed> {
    let parts = d.array()?.ok_or(Malformed)?;
    let form = match (d.u8()?, parts) {
        (1, 4) => HashForm::Bcrypt { cost: d.u8()? },
        (2, 5) => HashForm::Pbkdf2 {
            function: match d.u8()? {
                1 => Algorithm::Sha1,
                2 => Algorithm::Sha256,
                3 => Algorithm::Sha512,
                _ => return Err(Malformed),
            },
            iterations: d.u32()?,
        },
        (3, 8) => HashForm::Argon2 {
            variant: match d.u8()? {
                0 => argon2::Algorithm::Argon2d,
                1 => argon2::Algorithm::Argon2i,
                2 => argon2::Algorithm::Argon2id,
                _ => return Err(Malformed),
            },
            memory_kib: d.u32()?,
            passes: d.u32()?,
            lanes: d.u32()?,
            output: d.u8()?,
        },
        (4, 4) => HashForm::Sha2(match d.u8()? {
            2 => Sha2::Sha256,
            3 => Sha2::Sha512,
            _ => return Err(Malformed),
        }),
        _ => return Err(Malformed),
    };
    let salt: Box<[u8]> = d.bytes()?.into();
    form.check(&salt, shape).map_err(|_| Malformed)?;
    Ok(ForeignHash {
        input: HashInput { form, salt },
        hash: bytes(d)?,
    })
}

/// The input is not an encoding that [`ImportedCodeSet::encode_into`] writes.
#[derive(Debug)]
pub(crate) struct Malformed;

impl From<decode::Error> for Malformed {
    fn from(_: decode::Error) -> Self {
        Self
    }
}

fn in_range(count: usize, most: usize) -> Result<(), Malformed> {
    (1..=most).contains(&count).then_some(()).ok_or(Malformed)
}

fn array(d: &mut Decoder<'_>, length: u64) -> Result<(), Malformed> {
    (d.array()? == Some(length)).then_some(()).ok_or(Malformed)
}

fn bytes(d: &mut Decoder<'_>) -> Result<[u8; 16], Malformed> {
    d.bytes()?.try_into().map_err(|_| Malformed)
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl fmt::Debug for ImportedCodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedCodeSet")
            .field("shape", &self.shape)
            .field("issued_at", &self.issued_at)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

impl Drop for ImportedCodeSet {
    fn drop(&mut self) {
        if let StoredHashes::Own { hashes, .. } = &mut self.hashes {
            hashes.iter_mut().for_each(Zeroize::zeroize);
        }
        self.id.zeroize();
    }
}
