//! The encoding of an imported set in CBOR (RFC 8949), inside an encrypted record.
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
//! Hash functions are 1 for SHA-1, 2 for SHA-256 and 3 for SHA-512. Argon2 has the variants 0 (d),
//! 1 (i) and 2 (id). Each hash has 16 bytes. The hashes of kind 0 are one byte string.

use super::foreign_hash::{ForeignHash, HashForm, HashInput, Sha2};
use super::imported_set::{ImportedCodeSet, StoredHashes};
use crate::Timestamp;
use crate::backup::{Argon2Params, CodeShape, ImportedCodes};
use crate::otp::Algorithm;
use alloc::boxed::Box;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder, decode};

impl ImportedCodeSet {
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use std::vec;

    const AT: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn shape() -> CodeShape {
        CodeShape::new("0123456789abcdef", 12).unwrap()
    }

    fn set(shape: CodeShape, hashes: StoredHashes, used_at: &[Option<u64>]) -> ImportedCodeSet {
        ImportedCodeSet {
            id: [1; 16],
            shape,
            issued_at: AT,
            hashes,
            used_at: used_at
                .iter()
                .map(|at| at.map(Timestamp::from_unix))
                .collect(),
        }
    }

    fn foreign(form: HashForm, salt: &[u8]) -> ForeignHash {
        let input = HashInput {
            form,
            salt: salt.into(),
        };
        ForeignHash {
            input,
            hash: [2; 16],
        }
    }

    /// A set for each kind and each form of hash, with the known encoding after id, alphabet
    /// and length.
    fn known() -> Vec<(ImportedCodeSet, &'static str)> {
        let own = |memory_kib, hashes| StoredHashes::Own {
            params: Argon2Params::new(memory_kib, 2, 1).unwrap(),
            hashes,
        };
        let one = |form, salt: &[u8]| {
            set(
                shape(),
                StoredHashes::Foreign(vec![foreign(form, salt)]),
                &[None],
            )
        };
        let grouped = |separator| shape().with_groups(4, separator).unwrap();
        vec![
            (
                set(
                    shape(),
                    own(19_456, vec![[3; 16], [4; 16]]),
                    &[None, Some(5)],
                ),
                "00001a6b49d2000084194c00020158200303030303030303030303030303030304040404040404040404040404040404a10105",
            ),
            (
                set(grouped('-'), own(8, vec![[3; 16]]), &[None]),
                "04001a6b49d20000840802015003030303030303030303030303030303a0",
            ),
            (
                set(grouped(' '), own(8, vec![[3; 16]]), &[None]),
                "04011a6b49d20000840802015003030303030303030303030303030303a0",
            ),
            (
                one(HashForm::Bcrypt { cost: 12 }, &[9; 16]),
                "00001a6b49d200018184010c50090909090909090909090909090909095002020202020202020202020202020202a0",
            ),
            (
                one(
                    HashForm::Pbkdf2 {
                        function: Algorithm::Sha1,
                        iterations: 1,
                    },
                    b"salt",
                ),
                "00001a6b49d2000181850201014473616c745002020202020202020202020202020202a0",
            ),
            (
                one(
                    HashForm::Pbkdf2 {
                        function: Algorithm::Sha256,
                        iterations: 1_000_000,
                    },
                    &[9; 24],
                ),
                "00001a6b49d20001818502021a000f424058180909090909090909090909090909090909090909090909095002020202020202020202020202020202a0",
            ),
            (
                one(
                    HashForm::Argon2 {
                        variant: argon2::Algorithm::Argon2id,
                        memory_kib: 65_536,
                        passes: 3,
                        lanes: 4,
                        output: 32,
                    },
                    &[9; 16],
                ),
                "00001a6b49d20001818803021a000100000304182050090909090909090909090909090909095002020202020202020202020202020202a0",
            ),
            (
                one(HashForm::Sha2(Sha2::Sha256), &[9; 8]),
                "00001a6b49d20001818404024809090909090909095002020202020202020202020202020202a0",
            ),
            (
                one(HashForm::Sha2(Sha2::Sha512), &[9; 8]),
                "00001a6b49d20001818404034809090909090909095002020202020202020202020202020202a0",
            ),
        ]
    }

    fn encoded(set: &ImportedCodeSet) -> Vec<u8> {
        let mut bytes = Vec::new();
        set.encode_into(&mut Encoder::new(&mut bytes)).unwrap();
        bytes
    }

    /// Decodes one set and nothing more.
    fn decoded(bytes: &[u8]) -> Option<ImportedCodeSet> {
        let mut d = Decoder::new(bytes);
        let set = ImportedCodeSet::decode_from(&mut d).ok()?;
        (d.position() == bytes.len()).then_some(set)
    }

    #[test]
    fn every_form_keeps_its_encoding() {
        for (set, expected) in known() {
            let bytes = encoded(&set);
            let (start, rest) = bytes.split_at(29);
            let shape = [0x84, 0x1B, 0, 0, 3, 0xF0, 0, 0, 3, 0xFF, 12];
            assert_eq!(start, [&[0x86, 0x50][..], &[1; 16], &shape].concat());
            assert_eq!(data_encoding::HEXLOWER.encode(rest), expected);
            assert_eq!(decoded(&bytes).map(|set| encoded(&set)), Some(bytes));
        }
    }

    #[test]
    fn a_cut_encoding_is_refused() {
        for (set, _) in known() {
            let bytes = encoded(&set);
            for length in 0..bytes.len() {
                assert!(decoded(&bytes[..length]).is_none(), "{length}");
            }
            let longer = [&bytes[..], &[0]].concat();
            assert!(decoded(&longer).is_none());
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_means_another_set() {
        for (set, name) in known() {
            let bytes = encoded(&set);
            for place in 0..bytes.len() {
                for value in 0..=255 {
                    let mut changed = bytes.clone();
                    changed[place] = value;
                    let Some(other) = decoded(&changed) else {
                        continue;
                    };
                    let again = encoded(&other);
                    let is_same = value == bytes[place];
                    assert_eq!(again == bytes, is_same, "{name}: {value} at {place}");
                    assert!(decoded(&again).is_some());
                }
            }
        }
    }

    #[test]
    fn used_codes_have_ascending_indexes() {
        let (set, _) = known().swap_remove(0);
        let bytes = encoded(&set);
        let start = &bytes[..bytes.len() - 3];
        let with = |used: &[u8]| decoded(&[start, used].concat()).is_some();
        assert!(with(&[0xA2, 0, 9, 1, 9]));
        assert!(!with(&[0xA2, 1, 9, 0, 9]), "descending");
        assert!(!with(&[0xA2, 1, 9, 1, 9]), "twice");
        assert!(!with(&[0xA1, 2, 9]), "no such code");
        assert!(
            !with(&[0xA3, 0, 9, 1, 9, 2, 9]),
            "more than there are codes"
        );
    }

    #[test]
    fn a_set_out_of_bounds_is_not_decoded() {
        let is_decoded = |set: &ImportedCodeSet| decoded(&encoded(set)).is_some();
        let params = Argon2Params::new(8, 1, 1).unwrap();
        for (count, fits) in [(0, false), (1, true), (100, true), (101, false)] {
            let hashes = vec![[3; 16]; count];
            let own = StoredHashes::Own { params, hashes };
            assert_eq!(
                is_decoded(&set(shape(), own, &vec![None; count])),
                fits,
                "{count}"
            );
        }
        let sha2 = HashForm::Sha2(Sha2::Sha256);
        for (count, fits) in [(0, false), (1, true), (32, true), (33, false)] {
            let hashes = StoredHashes::Foreign(vec![foreign(sha2, &[9; 8]); count]);
            assert_eq!(
                is_decoded(&set(shape(), hashes, &vec![None; count])),
                fits,
                "{count}"
            );
        }
        let argon2 = |memory_kib, passes, lanes, output| HashForm::Argon2 {
            variant: argon2::Algorithm::Argon2d,
            memory_kib,
            passes,
            lanes,
            output,
        };
        let pbkdf2 = |iterations| HashForm::Pbkdf2 {
            function: Algorithm::Sha512,
            iterations,
        };
        let cases: [(HashForm, usize, bool); 22] = [
            (HashForm::Bcrypt { cost: 4 }, 16, true),
            (HashForm::Bcrypt { cost: 16 }, 16, true),
            (HashForm::Bcrypt { cost: 3 }, 16, false),
            (HashForm::Bcrypt { cost: 17 }, 16, false),
            (HashForm::Bcrypt { cost: 4 }, 15, false),
            (pbkdf2(10_000_000), 1, true),
            (pbkdf2(10_000_001), 1, false),
            (pbkdf2(0), 1, false),
            (pbkdf2(1), 0, false),
            (pbkdf2(1), 65, false),
            (argon2(262_144, 64, 16, 64), 64, true),
            (argon2(8, 1, 1, 16), 8, true),
            (argon2(262_145, 1, 1, 16), 8, false),
            (argon2(15, 1, 2, 16), 8, false),
            (argon2(8, 0, 1, 16), 8, false),
            (argon2(8, 65, 1, 16), 8, false),
            (argon2(8, 1, 0, 16), 8, false),
            (argon2(8, 1, 1, 15), 8, false),
            (argon2(8, 1, 1, 65), 8, false),
            (argon2(8, 1, 1, 16), 7, false),
            (sha2, 7, false),
            (sha2, 65, false),
        ];
        for (form, salt, fits) in cases {
            let hash = foreign(form, &vec![9; salt]);
            let set = set(shape(), StoredHashes::Foreign(vec![hash]), &[None]);
            assert_eq!(is_decoded(&set), fits, "{form:?}, {salt}");
        }
    }
}
