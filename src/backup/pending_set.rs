//! A set of backup codes that is pending: it shares the digester of the current set, so one digest
//! of a typed code is compared with both sets.

use super::argon2::CodeHash;
use super::code_set::{Entry, find_hash};
use crate::Timestamp;
use crate::backup::{BackupCodeSet, BackupCodeSetDecodeError, CodeMatch, Hashes};
use crate::constant_time::reveal;
use crate::stack_wipe::with_wiped_stack;
use alloc::vec::Vec;
use core::fmt;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// The hashes of a pending set. Digester and format are those of the current set. No code
/// is used: the first used code makes the set the current one.
#[derive(Clone)]
pub(crate) struct PendingCodeSet {
    /// 128 random bits. Two sets with one digester need distinct ids.
    id: [u8; 16],
    issued_at: Timestamp,
    hashes: Vec<CodeHash>,
}

/// The set in which a hash was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoundIn {
    /// The current set, or none.
    Current(CodeMatch),
    /// The pending set. The index counts from 0.
    Pending(usize),
}

impl PendingCodeSet {
    /// Makes a new set pending next to the current one.
    ///
    /// Returns `None` if one hash cannot serve both sets: digester or format differ, or the two
    /// sets have a code in common.
    pub(crate) fn new(new: &BackupCodeSet, current: &BackupCodeSet, id: [u8; 16]) -> Option<Self> {
        let shares_digest = new.digester == current.digester
            && new.format == current.format
            && new.pepper == current.pepper;
        if !shares_digest || has_common_code(new, current) {
            return None;
        }
        let hashes = with_wiped_stack::<512, _>(|| {
            let mut hashes = Vec::with_capacity(new.entries.len());
            hashes.extend(new.entries.iter().map(|entry| entry.hash));
            hashes
        });
        Some(Self {
            id,
            issued_at: new.issued_at,
            hashes,
        })
    }

    /// Makes the set the current one, in place of the current set.
    pub(crate) fn replace(&self, current: &BackupCodeSet) -> BackupCodeSet {
        let entries = with_wiped_stack::<512, _>(|| {
            let mut entries = Vec::with_capacity(self.hashes.len());
            entries.extend(self.hashes.iter().map(|hash| Entry {
                hash: *hash,
                used_at: None,
            }));
            entries
        });
        BackupCodeSet {
            digester: current.digester.clone(),
            format: current.format,
            issued_at: self.issued_at,
            pepper: current.pepper,
            entries,
        }
    }

    /// Finds the code with a hash in the current set or in this one. Compares the hash with every
    /// code of both sets, in constant time.
    pub(crate) fn find(&self, current: &BackupCodeSet, hashes: &Hashes) -> FoundIn {
        let mut hashes = hashes.iter();
        let (Some(hash), None) = (hashes.next(), hashes.next()) else {
            return FoundIn::Current(CodeMatch::None);
        };
        let of_current = current.entries.iter();
        let of_current = of_current.map(|entry| (&entry.hash, entry.used_at.is_some()));
        let of_pending = self.hashes.iter().map(|hash| (hash, false));
        let pairs = (0_u16..).zip(of_current.chain(of_pending));
        let found = find_hash(pairs.map(|(index, (stored, used))| (index, stored, hash, used)));
        match found {
            CodeMatch::Unused(index) => match index.checked_sub(current.entries.len()) {
                Some(index) => FoundIn::Pending(index),
                None => FoundIn::Current(found),
            },
            CodeMatch::Used(_) | CodeMatch::None => FoundIn::Current(found),
        }
    }

    pub(crate) const fn id(&self) -> &[u8; 16] {
        &self.id
    }

    pub(crate) const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns how many codes there are. None is used.
    pub(crate) const fn remaining(&self) -> usize {
        self.hashes.len()
    }

    /// Encodes the set as two items of a record: the time of the issue and the hashes. The record
    /// has the id.
    pub(crate) fn encode_into<W: Write>(
        &self,
        e: &mut Encoder<W>,
    ) -> Result<(), encode::Error<W::Error>> {
        e.u64(self.issued_at.as_unix())?;
        let bytes = self.hashes.len().saturating_mul(size_of::<CodeHash>());
        e.bytes_len(u64::try_from(bytes).unwrap_or(u64::MAX))?;
        for hash in &self.hashes {
            e.writer_mut()
                .write_all(hash)
                .map_err(encode::Error::write)?;
        }
        Ok(())
    }

    /// Decodes the items of a set. It has as many codes as the current set.
    pub(crate) fn decode_from(
        d: &mut Decoder<'_>,
        id: [u8; 16],
    ) -> Result<Self, BackupCodeSetDecodeError> {
        let malformed = |_| BackupCodeSetDecodeError::Malformed;
        let issued_at = Timestamp::from_unix(d.u64().map_err(malformed)?);
        let (hashes, []) = d.bytes().map_err(malformed)?.as_chunks() else {
            return Err(BackupCodeSetDecodeError::Malformed);
        };
        Ok(Self {
            id,
            issued_at,
            hashes: hashes.to_vec(),
        })
    }
}

/// Whether a code is in both sets, which have one digester. Compares in constant time.
fn has_common_code(one: &BackupCodeSet, other: &BackupCodeSet) -> bool {
    let mut common = Choice::from(0);
    for entry in &one.entries {
        for before in &other.entries {
            common |= entry.hash.ct_eq(&before.hash);
        }
    }
    reveal(common)
}

impl fmt::Debug for PendingCodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCodeSet")
            .field("issued_at", &self.issued_at)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

impl Drop for PendingCodeSet {
    fn drop(&mut self) {
        self.hashes.iter_mut().for_each(Zeroize::zeroize);
    }
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
mod tests {
    use super::*;
    use crate::backup::{Argon2Params, BackupCodes, CodeFormat, Digester};
    use crate::otp::Code;
    use std::format;
    use std::string::String;

    const AT: Timestamp = Timestamp::from_unix(1_800_000_000);
    const SALT: [u8; 16] = [3; 16];

    fn params() -> Argon2Params {
        Argon2Params::new(8, 1, 1).unwrap()
    }

    fn set_of(codes: &BackupCodes, salt: [u8; 16]) -> BackupCodeSet {
        let digester = Digester::argon2id(salt, params());
        let hashes = BackupCodeSet::issue_job(codes, &digester, None).run();
        BackupCodeSet::from_hashes(codes.format(), digester, AT, None, hashes.unwrap())
    }

    fn generated() -> BackupCodes {
        BackupCodes::generate(CodeFormat::BITS_64).unwrap()
    }

    fn hashes(set: &BackupCodeSet, code: &str) -> Hashes {
        let code = Code::parse(code).unwrap();
        set.redeem_job(&code, None).unwrap().run().unwrap()
    }

    #[test]
    fn one_hash_finds_a_code_of_either_set() {
        let (old, new) = (generated(), generated());
        let mut current = set_of(&old, SALT);
        let pending = PendingCodeSet::new(&set_of(&new, SALT), &current, [1; 16]).unwrap();
        current.mark_used(2, AT);
        for (place, code) in old.iter().enumerate() {
            let hashes = hashes(&current, code);
            assert_eq!(hashes.iter().len(), 1);
            let expected = match place {
                2 => CodeMatch::Used(2),
                place => CodeMatch::Unused(place),
            };
            let found = pending.find(&current, &hashes);
            assert_eq!(found, FoundIn::Current(expected));
        }
        for (place, code) in new.iter().enumerate() {
            let found = pending.find(&current, &hashes(&current, code));
            assert_eq!(found, FoundIn::Pending(place));
        }
        let other = generated();
        let found = pending.find(&current, &hashes(&current, other.iter().next().unwrap()));
        assert_eq!(found, FoundIn::Current(CodeMatch::None));
        let replaced = pending.replace(&current);
        assert!(replaced == set_of(&new, SALT));
        assert_eq!(replaced.remaining(), 10);
    }

    #[test]
    fn sets_that_need_two_hashes_are_not_pending() {
        let codes = generated();
        let current = set_of(&codes, SALT);
        let pending = |new: &BackupCodeSet| PendingCodeSet::new(new, &current, [1; 16]).is_some();
        assert!(pending(&set_of(&generated(), SALT)));
        assert!(!pending(&set_of(&generated(), [4; 16])), "another salt");
        assert!(!pending(&current), "common codes");
        let more = CodeFormat::new(codes.format().alphabet(), 13, 4, 10).unwrap();
        let longer = BackupCodes::generate(more).unwrap();
        assert!(!pending(&set_of(&longer, SALT)), "another format");
        let mut costly = set_of(&generated(), SALT);
        costly.digester = Digester::argon2id(SALT, Argon2Params::new(16, 1, 1).unwrap());
        assert!(!pending(&costly), "another cost");
    }

    #[test]
    fn a_single_common_code_is_found() {
        let (old, new) = (set_of(&generated(), SALT), set_of(&generated(), SALT));
        for (place, other) in [(0, 9), (9, 0), (4, 4)] {
            let mut new = new.clone();
            new.entries[place].hash = old.entries[other].hash;
            assert!(PendingCodeSet::new(&new, &old, [1; 16]).is_none());
        }
    }

    #[test]
    fn debug_shows_no_hash_of_a_pending_set() {
        let current = set_of(&generated(), SALT);
        let pending = PendingCodeSet::new(&set_of(&generated(), SALT), &current, [1; 16]);
        let shown: String = format!("{:?}", pending.unwrap());
        assert!(shown.ends_with("remaining: 10, .. }"), "{shown}");
        assert!(!shown.contains("hash") && !shown.contains("id"), "{shown}");
    }
}
