//! An imported set of backup codes as an account has it.

use super::argon2::CodeHash;
use super::code_set::find_hash;
use super::foreign_hash::ForeignHash;
use super::imported_codes::Content;
use crate::Timestamp;
use crate::backup::{
    Argon2Params, CodeMatch, CodeShape, Digester, HashError, HashJob, Hashes, ImportedCodes,
};
use crate::constant_time::reveal;
use crate::otp::Code;
use crate::stack_wipe::with_wiped_stack;
use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// An imported set of backup codes: its shape, the hash of each code, and when each code was used.
#[derive(Clone)]
pub(crate) struct ImportedCodeSet {
    /// 128 random bits. They are the salt, too, if this crate computed the hashes.
    pub(super) id: [u8; 16],
    pub(super) shape: CodeShape,
    pub(super) issued_at: Timestamp,
    pub(super) hashes: StoredHashes,
    pub(super) used_at: Vec<Option<Timestamp>>,
}

#[derive(Clone)]
pub(super) enum StoredHashes {
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
                let digester = Digester::argon2id(self.id, *params);
                Some(HashJob::new(&digester, None, symbols, length))
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

#[cfg(test)]
mod tests {
    use super::*;
    use core::slice;
    use sha2::{Digest, Sha256};
    use std::format;
    use std::string::String;

    const THEN: Timestamp = Timestamp::from_unix(1_700_000_000);
    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const CODES: [&str; 3] = ["0123456789ab", "ffffeeeedddd", "000000000000"];

    fn shape() -> CodeShape {
        CodeShape::new("0123456789abcdef", 12).unwrap()
    }

    fn set(codes: &ImportedCodes) -> ImportedCodeSet {
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let job = codes.hash_job([7; 16], params);
        let hashes = job.map(|job| job.run().unwrap());
        ImportedCodeSet::new(codes, [7; 16], params, hashes.as_ref(), NOW).unwrap()
    }

    fn sha256(salt: u8, code: &str) -> String {
        let salt = [salt; 12];
        let hash = Sha256::new().chain_update(salt).chain_update(code);
        let base64 = |bytes: &[u8]| data_encoding::BASE64_NOPAD.encode(bytes);
        format!("$sha256${}${}", base64(&salt), base64(&hash.finalize()))
    }

    /// A plain set and a hashed set of the same codes. The third code was used.
    fn sets() -> [ImportedCodeSet; 2] {
        let used = [None, None, Some(THEN)];
        let plain = ImportedCodes::plain(shape(), CODES.into_iter().zip(used)).unwrap();
        let hashes = CODES.map(|code| sha256(1, code));
        let hashes = hashes.iter().map(String::as_str).zip(used);
        let hashed = ImportedCodes::hashed(shape(), hashes).unwrap();
        [set(&plain), set(&hashed.issued_at(THEN))]
    }

    fn redeem(set: &mut ImportedCodeSet, typed: &str) -> Option<CodeMatch> {
        let job = set.redeem_job(&Code::parse(typed).unwrap())?;
        Some(set.redeem(&job.run().unwrap(), NOW))
    }

    #[test]
    fn each_imported_code_is_accepted_once() {
        for mut set in sets() {
            let used = match set.hashes {
                StoredHashes::Own { .. } => |index| Some(CodeMatch::Used(index)),
                StoredHashes::Foreign(_) => |_| Some(CodeMatch::None),
            };
            assert_eq!(set.remaining(), 2);
            assert_eq!(
                redeem(&mut set, "FFFF-EEEE DDDD"),
                Some(CodeMatch::Unused(1))
            );
            assert_eq!(redeem(&mut set, CODES[1]), used(1), "again");
            assert_eq!(redeem(&mut set, CODES[0]), Some(CodeMatch::Unused(0)));
            assert_eq!(redeem(&mut set, CODES[0]), used(0), "again");
            assert_eq!(
                redeem(&mut set, CODES[2]),
                used(2),
                "used before the import"
            );
            assert_eq!(redeem(&mut set, "0123456789ac"), Some(CodeMatch::None));
            assert_eq!(set.used_at(), [Some(NOW), Some(NOW), Some(THEN)]);
        }
    }

    #[test]
    fn other_shapes_are_not_hashed() {
        for mut set in sets() {
            for typed in ["0123456789a", "0123456789abc", "0123456789ag", "123456"] {
                assert_eq!(redeem(&mut set, typed), None, "{typed}");
            }
        }
    }

    #[test]
    fn an_attempt_hashes_unused_codes_only() {
        let code = Code::parse(CODES[0]).unwrap();
        let hashes = |set: &ImportedCodeSet| set.redeem_job(&code).unwrap().run().unwrap();
        let [plain, mut hashed] = sets();
        assert_eq!(hashes(&plain).iter().len(), 1);
        assert_eq!(hashes(&hashed).iter().len(), 2);
        assert_eq!(redeem(&mut hashed, CODES[0]), Some(CodeMatch::Unused(0)));
        assert_eq!(hashes(&hashed).iter().len(), 1);
    }

    #[test]
    fn concurrent_attempts_with_a_code_succeed_once() {
        for mut set in sets() {
            let code = Code::parse(CODES[0]).unwrap();
            let hashes = || set.redeem_job(&code).unwrap().run().unwrap();
            let (first, second) = (hashes(), hashes());
            assert_eq!(set.redeem(&first, NOW), CodeMatch::Unused(0));
            assert_eq!(set.redeem(&second, NOW), CodeMatch::Used(0));
        }
    }

    #[test]
    fn a_code_hashed_twice_is_accepted_once() {
        let hashes = [1, 2].map(|salt| sha256(salt, CODES[0]));
        let other = sha256(3, CODES[1]);
        let hashes = hashes.iter().chain(slice::from_ref(&other));
        let codes = ImportedCodes::hashed(shape(), hashes.map(|hash| (hash.as_str(), None)));
        let mut set = set(&codes.unwrap());
        assert_eq!(redeem(&mut set, CODES[0]), Some(CodeMatch::Unused(1)));
        assert_eq!(set.used_at(), [Some(NOW), Some(NOW), None]);
        assert_eq!(redeem(&mut set, CODES[0]), Some(CodeMatch::None));
        assert_eq!(redeem(&mut set, CODES[1]), Some(CodeMatch::Unused(2)));
    }

    #[test]
    fn the_issue_time_is_known_or_the_import() {
        let [plain, hashed] = sets();
        assert_eq!((plain.issued_at(), hashed.issued_at()), (NOW, THEN));
    }

    #[test]
    fn hashes_of_other_codes_are_refused() {
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let codes = |count| {
            let codes = CODES.into_iter().take(count).map(|code| (code, None));
            ImportedCodes::plain(shape(), codes).unwrap()
        };
        let (two, three) = (codes(2), codes(3));
        let hashes = two.hash_job([7; 16], params).unwrap().run().unwrap();
        for hashes in [None, Some(&hashes)] {
            let refused = ImportedCodeSet::new(&three, [7; 16], params, hashes, NOW);
            assert_eq!(refused.map(drop), Err(HashError::Refused));
        }
        let hash = sha256(1, CODES[0]);
        let hashed = ImportedCodes::hashed(shape(), [(hash.as_str(), None)]).unwrap();
        let refused = ImportedCodeSet::new(&hashed, [7; 16], params, Some(&hashes), NOW);
        assert_eq!(refused.map(drop), Err(HashError::Refused));
    }

    #[test]
    fn debug_shows_no_hash() {
        for set in sets() {
            let shown = format!("{set:?}");
            assert!(
                shown.starts_with("ImportedCodeSet { shape: CodeShape"),
                "{shown}"
            );
            assert!(
                shown.ends_with("remaining: 2, .. }") && !shown.contains("hash"),
                "{shown}"
            );
        }
    }
}
