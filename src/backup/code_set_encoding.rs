//! The encoding of a backup-code set in CBOR (RFC 8949), alone or inside an encrypted record.
//!
//! The encoding is an array of a version and the fields. The version depends on the digest: version
//! 1 has the parameters of Argon2id and the pepper, version 2 has the key of HMAC-SHA-256. One byte
//! string holds the hashes, in the order of the codes. A map holds the used codes, from index to
//! time. Each set has one encoding: the shortest form of every number, definite lengths, ascending
//! indexes. `decode` refuses any other encoding.

use super::argon2::CodeHash;
use super::code_set::Entry;
use super::digester::{Digester, Function};
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

impl BackupCodeSet {
    /// Encodes the set to bytes to store.
    ///
    /// A new set of ten codes takes less than 230 bytes, and each used code six more. The bytes
    /// hold no code, but an attacker who has them can search for short codes. So protect them like
    /// password hashes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_bound());
        encode_into_vec(self, &mut bytes);
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`BackupCodeSetDecodeError`] if the bytes are not the encoding of a set.
    pub fn decode(bytes: &[u8]) -> Result<Self, BackupCodeSetDecodeError> {
        let mut decoder = Decoder::new(bytes);
        let set = Self::decode_from(&mut decoder)?;
        if decoder.position() == bytes.len() && set.is_encoded_as(bytes) {
            Ok(set)
        } else {
            Err(BackupCodeSetDecodeError::Malformed)
        }
    }

    /// Returns an upper bound of the encoded length in bytes.
    pub(crate) fn encoded_bound(&self) -> usize {
        const FIXED: usize = 80;
        const EACH: usize = size_of::<CodeHash>() + 2 + 9;
        self.entries
            .len()
            .saturating_mul(EACH)
            .saturating_add(FIXED)
    }

    /// Encodes the set as one item of a longer encoding.
    pub(crate) fn encode_into<W: Write>(
        &self,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let salt = self.digester.salt();
        match &self.digester.function {
            Function::Argon2id(params) => {
                e.array(FIELDS)?.u32(VERSION)?.bytes(salt)?;
                e.u32(params.memory_kib())?
                    .u32(params.passes())?
                    .u32(params.lanes())?;
            }
            Function::HmacSha256(key) => {
                e.array(KEYED_FIELDS)?.u32(KEYED_VERSION)?.bytes(salt)?;
                e.bytes(key.0.as_slice())?;
            }
        }
        e.u8(alphabet_number(self.format.alphabet()))?
            .u8(self.format.length())?
            .u8(self.format.group())?
            .u8(self.format.count())?;
        e.u64(self.issued_at.as_unix())?;
        match (&self.digester.function, self.pepper) {
            (Function::Argon2id(_), Some(id)) => e.u32(id.get())?,
            (Function::Argon2id(_), None) => e.null()?,
            (Function::HmacSha256(_), _) => e,
        };

        let hashes = || self.entries.iter().map(|entry| entry.hash.as_slice());
        e.bytes_len(hashes().map(|hash| length(hash.len())).sum())?;
        for hash in hashes() {
            e.writer_mut()
                .write_all(hash)
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

    /// Decodes a set inside an authenticated record. Does not check that the encoding is the
    /// shortest.
    pub(crate) fn decode_from(d: &mut Decoder<'_>) -> Result<Self, BackupCodeSetDecodeError> {
        Self::decode_fields(d).map_err(|DecodeFailure(error)| error)
    }

    fn decode_fields(d: &mut Decoder<'_>) -> Result<Self, DecodeFailure> {
        let fields = d.array()?.ok_or(BackupCodeSetDecodeError::Malformed)?;
        let version = d.u32()?;
        let expected = match version {
            VERSION => FIELDS,
            KEYED_VERSION => KEYED_FIELDS,
            _ => return Err(BackupCodeSetDecodeError::UnknownVersion { version }.into()),
        };
        if fields != expected {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        }
        let is_keyed = version == KEYED_VERSION;
        let salt = array(d.bytes()?)?;
        let digester = match is_keyed {
            true => {
                let key = d.bytes()?.try_into();
                let key = key.map_err(|_| BackupCodeSetDecodeError::Malformed)?;
                Digester::hmac_sha256(salt, key)
            }
            false => {
                let params = Argon2Params::new(d.u32()?, d.u32()?, d.u32()?);
                Digester::argon2id(salt, params.map_err(BackupCodeSetDecodeError::from)?)
            }
        };
        let alphabet = alphabet_with_number(d.u8()?)?;
        let format = CodeFormat::new(alphabet, d.u8()?, d.u8()?, d.u8()?)
            .map_err(BackupCodeSetDecodeError::from)?;
        // A fast digest would give short codes away.
        if is_keyed && !Digester::is_keyed_for(format) {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        }
        let issued_at = Timestamp::from_unix(d.u64()?);
        let pepper = match is_keyed {
            true => None,
            false if d.datatype()? == Type::Null => {
                d.null()?;
                None
            }
            false => Some(PepperId::new(d.u32()?)),
        };

        let (hashes, []) = d.bytes()?.as_chunks() else {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        };
        if hashes.len() != usize::from(format.count()) {
            return Err(BackupCodeSetDecodeError::Malformed.into());
        }
        let mut entries = Vec::with_capacity(hashes.len());
        entries.extend(hashes.iter().map(|hash| Entry {
            hash: *hash,
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
            digester,
            format,
            issued_at,
            pepper,
            entries,
        })
    }

    /// Whether the encoding of this set is exactly these bytes.
    fn is_encoded_as(&self, bytes: &[u8]) -> bool {
        let mut comparer = Comparer {
            expected: bytes,
            equal: Choice::from(1),
        };
        self.encode_into(&mut Encoder::new(&mut comparer)).is_ok()
            && comparer.expected.is_empty()
            && reveal(comparer.equal)
    }
}

/// The error for bytes that are not the encoding of a backup-code set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupCodeSetDecodeError {
    /// A later version of the library wrote the bytes, or they are not a backup-code set.
    #[error(
        "the backup-code set has version {version}, which this version of the library cannot read"
    )]
    UnknownVersion {
        /// The version in the bytes.
        version: u32,
    },
    /// The bytes are damaged, cut short, or have more bytes after the set.
    #[error("the backup-code set is damaged")]
    Malformed,
    /// The format of the codes is out of bounds.
    #[error("the backup-code set has a code format that is out of bounds")]
    Format(#[from] CodeFormatError),
    /// The parameters of the password hash are out of bounds.
    #[error("the backup-code set has Argon2 parameters that are out of bounds")]
    Params(#[from] Argon2ParamsError),
}

/// A writer that compares its input with expected bytes, in constant time because they hold hashes.
struct Comparer<'a> {
    expected: &'a [u8],
    equal: Choice,
}

impl Write for Comparer<'_> {
    type Error = TooLong;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let (expected, rest) = self.expected.split_at_checked(bytes.len()).ok_or(TooLong)?;
        self.equal &= expected.ct_eq(bytes);
        self.expected = rest;
        Ok(())
    }
}

struct TooLong;

fn encode_into_vec(set: &BackupCodeSet, bytes: &mut Vec<u8>) {
    #[expect(clippy::expect_used, reason = "writing to a Vec never fails")]
    set.encode_into(&mut Encoder::new(bytes))
        .expect("writing to a Vec never fails");
}

const fn alphabet_number(alphabet: Alphabet) -> u8 {
    match alphabet {
        Alphabet::Digits => 0,
        Alphabet::Unambiguous => 1,
    }
}

const fn alphabet_with_number(number: u8) -> Result<Alphabet, BackupCodeSetDecodeError> {
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

/// A decode error of this module, or of the CBOR library.
struct DecodeFailure(BackupCodeSetDecodeError);

impl From<BackupCodeSetDecodeError> for DecodeFailure {
    fn from(error: BackupCodeSetDecodeError) -> Self {
        Self(error)
    }
}

impl From<minicbor::decode::Error> for DecodeFailure {
    fn from(_: minicbor::decode::Error) -> Self {
        Self(BackupCodeSetDecodeError::Malformed)
    }
}

/// Of a set with password hashes.
const VERSION: u32 = 1;
const FIELDS: u64 = 13;
/// Of a set whose digests have a key.
const KEYED_VERSION: u32 = 2;
const KEYED_FIELDS: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn no_encoding_is_longer_than_the_bound() {
        let latest = Timestamp::from_unix(u64::MAX);
        let entry = Entry {
            hash: CodeHash::default(),
            used_at: Some(latest),
        };
        let params = Argon2Params::new(Argon2Params::MAX_MEMORY_KIB, 16, 4).unwrap();
        for digester in [
            Digester::argon2id([0; 16], params),
            Digester::hmac_sha256([0; 16], &[0; 32]),
        ] {
            let set = BackupCodeSet {
                digester,
                format: CodeFormat::new(Alphabet::Unambiguous, 32, 32, 100).unwrap(),
                issued_at: latest,
                pepper: Some(PepperId::new(u32::MAX)),
                entries: vec![entry.clone(); 100],
            };
            let (length, bound) = (set.encode().len(), set.encoded_bound());
            assert!(length <= bound, "{length} bytes, {bound} at most");
        }
    }
}
