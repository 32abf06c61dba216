//! The backup codes of an account: a set that this crate issued, or an imported set.

use crate::Timestamp;
use crate::backup::{BackupCodeSet, CodeDigest, CodeMatch, HashJob, Hashes, ImportedCodeSet};
use crate::factor::BackupCodeSetId;
use crate::otp::Code;
use alloc::vec::Vec;

/// The backup codes of an account.
#[derive(Clone, Debug)]
pub(crate) enum CodeSet {
    /// This crate issued the set.
    Issued(BackupCodeSet),
    /// This crate issued the set while another one was current. It has the digester of that one,
    /// and an id of its own.
    Successor {
        set: BackupCodeSet,
        id: BackupCodeSetId,
    },
    /// Another system issued the set.
    Imported(ImportedCodeSet),
}

impl CodeSet {
    /// Returns the id of the set: 128 random bits. The id of the first set with a salt is the salt.
    pub(crate) const fn id(&self) -> BackupCodeSetId {
        match self {
            Self::Successor { id, .. } => *id,
            Self::Issued(_) | Self::Imported(_) => self.first_id(),
        }
    }

    /// Returns the id of the first set with the salt of this set. Sets with one salt share the hash
    /// of a typed code.
    pub(crate) const fn first_id(&self) -> BackupCodeSetId {
        BackupCodeSetId::from_bytes(match self {
            Self::Issued(set) | Self::Successor { set, .. } => *set.digester().salt(),
            Self::Imported(set) => *set.id(),
        })
    }

    /// Returns the set, if this crate issued it.
    pub(crate) const fn issued(&self) -> Option<&BackupCodeSet> {
        match self {
            Self::Issued(set) | Self::Successor { set, .. } => Some(set),
            Self::Imported(_) => None,
        }
    }

    /// Gives an issued set an id of its own.
    pub(crate) fn with_id(self, id: BackupCodeSetId) -> Self {
        match self {
            Self::Issued(set) | Self::Successor { set, .. } => Self::Successor { set, id },
            Self::Imported(set) => Self::Imported(set),
        }
    }

    pub(crate) const fn is_imported(&self) -> bool {
        matches!(self, Self::Imported(_))
    }

    pub(crate) const fn issued_at(&self) -> Timestamp {
        match self {
            Self::Issued(set) | Self::Successor { set, .. } => set.issued_at(),
            Self::Imported(set) => set.issued_at(),
        }
    }

    /// Returns when each code was used, in the order of the set.
    pub(crate) fn used_at(&self) -> Vec<Option<Timestamp>> {
        match self {
            Self::Issued(set) | Self::Successor { set, .. } => {
                set.status().map(|code| code.used_at).collect()
            }
            Self::Imported(set) => set.used_at().to_vec(),
        }
    }

    /// Returns how many codes are unused.
    pub(crate) fn remaining(&self) -> usize {
        match self {
            Self::Issued(set) | Self::Successor { set, .. } => set.remaining(),
            Self::Imported(set) => set.remaining(),
        }
    }

    /// Whether a code is compared at once, without a job.
    pub(crate) fn is_keyed(&self) -> bool {
        self.issued()
            .is_some_and(|set| set.digest() == CodeDigest::HmacSha256)
    }

    /// Returns the job that hashes a typed code, or `None` if the code does not have the shape of
    /// the set, or needs no job.
    pub(super) fn redeem_job(&self, code: &Code) -> Option<HashJob> {
        match self {
            Self::Issued(_) | Self::Successor { .. } if self.is_keyed() => None,
            Self::Issued(set) | Self::Successor { set, .. } => set.redeem_job(code, None),
            Self::Imported(set) => set.redeem_job(code),
        }
    }

    /// Returns the digest of a typed code, or `None` if the code does not have the shape of the
    /// set, or needs a job.
    pub(super) fn fast_digest(&self, code: &Code) -> Option<Hashes> {
        self.issued()?.fast_digest(code)
    }

    /// Marks a code of a set that this crate issued as used. `index` counts from 0.
    pub(super) fn mark_used(&mut self, index: usize, at: Timestamp) {
        if let Self::Issued(set) | Self::Successor { set, .. } = self {
            set.mark_used(index, at);
        }
    }

    /// Finds the code with these hashes, and marks it as used unless it was used before.
    pub(super) fn redeem(&mut self, hashes: &Hashes, at: Timestamp) -> CodeMatch {
        match self {
            Self::Issued(set) | Self::Successor { set, .. } => {
                let found = set.find(hashes);
                if let CodeMatch::Unused(index) = found {
                    set.mark_used(index, at);
                }
                found
            }
            Self::Imported(set) => set.redeem(hashes, at),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
mod tests {
    use super::*;
    use crate::backup::{
        Argon2Params, BackupCodes, CodeFormat, CodeShape, Digester, ImportedCodes,
    };
    use crate::factor::second_factor::{Accepted, Outcome, SecondFactor, Step};
    use crate::factor::{Authenticator, HashedCode, MovingFactor, Parameters, Progress};
    use crate::otp::Secret;
    use crate::store::WriteKind;
    use crate::{AcceptedBy, AuthenticatorId, AuthenticatorName, Policy, Rejection, Status};
    use sha2::{Digest, Sha512};
    use std::boxed::Box;
    use std::format;
    use std::vec;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const ID: [u8; 16] = [7; 16];
    const CODES: [&str; 2] = ["0123-4567-89ab", "ffff-eeee-dddd"];

    fn shape() -> CodeShape {
        CodeShape::new("0123456789abcdef", 12).unwrap()
    }

    fn policy() -> Policy {
        Policy::builder()
            .imported_code_shape(shape().with_groups(4, '-').unwrap())
            .build()
            .unwrap()
    }

    fn params() -> Argon2Params {
        Argon2Params::new(8, 1, 1).unwrap()
    }

    fn imported(codes: &ImportedCodes) -> CodeSet {
        let job = codes.hash_job(ID, params());
        let hashes = job.map(|job| job.run().unwrap());
        let set = ImportedCodeSet::new(codes, ID, params(), hashes.as_ref(), NOW);
        CodeSet::Imported(set.unwrap())
    }

    fn plain() -> CodeSet {
        imported(&ImportedCodes::plain(shape(), CODES.map(|code| (code, None))).unwrap())
    }

    /// The hashed texts have hyphens.
    fn hashed() -> CodeSet {
        let hashes = CODES.map(|code| {
            let base64 = |bytes: &[u8]| data_encoding::BASE64_NOPAD.encode(bytes);
            let hash = Sha512::new().chain_update([1; 8]).chain_update(code);
            format!("$sha512${}${}", base64(&[1; 8]), base64(&hash.finalize()))
        });
        let shape = shape().with_groups(4, '-').unwrap();
        let hashes = hashes.iter().map(|hash| (hash.as_str(), None));
        imported(&ImportedCodes::hashed(shape, hashes).unwrap())
    }

    fn issued() -> CodeSet {
        let codes = BackupCodes::generate(CodeFormat::default()).unwrap();
        let digester = Digester::argon2id([9; 16], params());
        let job = BackupCodeSet::issue_job(&codes, &digester, None);
        let hashes = job.run().unwrap();
        let set = BackupCodeSet::from_hashes(codes.format(), digester, NOW, None, hashes);
        CodeSet::Issued(set)
    }

    fn factor(code_set: Option<CodeSet>) -> SecondFactor {
        let mut factor = SecondFactor::new(NOW, &policy());
        factor.authenticators.push(Authenticator {
            id: AuthenticatorId::from_bytes([1; 8]),
            name: AuthenticatorName::default(),
            secret: Secret::from_bytes(&[7; 20]).unwrap(),
            parameters: Parameters::of(&policy()),
            added_at: NOW,
            last_used_at: None,
            moving: MovingFactor::time(&policy()),
            imported: false,
        });
        factor.code_set = code_set;
        factor
    }

    /// What an attempt answers, and the stored state afterwards.
    type Attempted = (Result<AcceptedBy, Rejection>, SecondFactor);

    /// The first step of an attempt: the state that is stored, and the hashes, or the answer.
    fn reserve(
        factor: &SecondFactor,
        typed: &str,
    ) -> Result<(SecondFactor, HashedCode), Box<Attempted>> {
        let code = Code::parse(typed).unwrap();
        let start = Progress::Start;
        match factor.clone().log_in(&code, &start, NOW, &policy()) {
            Step::Write(
                stored,
                kind,
                Outcome::HashNeeded {
                    job,
                    set,
                    charge,
                    joined,
                },
            ) => {
                assert_eq!(kind, WriteKind::Reserved);
                let hashes = job.run().unwrap();
                Ok((
                    stored,
                    HashedCode {
                        hashes,
                        set,
                        charge,
                        joined,
                    },
                ))
            }
            Step::Write(stored, WriteKind::Rejected, Outcome::Rejected(rejection)) => {
                Err(Box::new((Err(rejection), stored)))
            }
            Step::Answer(Outcome::Rejected(rejection)) => {
                Err(Box::new((Err(rejection), factor.clone())))
            }
            _ => panic!("{typed} is neither rejected nor hashed"),
        }
    }

    /// The second step.
    fn finish(stored: &SecondFactor, typed: &str, hashed: HashedCode) -> Attempted {
        let code = Code::parse(typed).unwrap();
        let progress = Progress::Hashed(hashed);
        match stored.clone().log_in(&code, &progress, NOW, &policy()) {
            Step::Write(after, WriteKind::Accepted, Outcome::Accepted(Accepted { by, .. })) => {
                (Ok(by), after)
            }
            Step::Answer(Outcome::Rejected(rejection)) => (Err(rejection), stored.clone()),
            _ => panic!("{typed} is neither accepted nor rejected"),
        }
    }

    fn attempt(factor: &SecondFactor, typed: &str) -> Attempted {
        match reserve(factor, typed) {
            Ok((stored, hashed)) => finish(&stored, typed, hashed),
            Err(answer) => *answer,
        }
    }

    fn accepted(number: u8, remaining: u8) -> Result<AcceptedBy, Rejection> {
        Ok(AcceptedBy::BackupCode {
            set: BackupCodeSetId::from_bytes(ID),
            number,
            remaining,
        })
    }

    #[test]
    fn an_imported_code_signs_in_once() {
        for (set, again) in [
            (plain(), Rejection::BackupCodeUsed),
            (hashed(), Rejection::WrongCode),
        ] {
            let factor = factor(Some(set));
            let (answer, factor) = attempt(&factor, CODES[1]);
            assert_eq!(answer, accepted(2, 1));
            assert_eq!(factor.rate_limit.failures, 0);
            assert_eq!(factor.rate_limit.guesses_left, 10);
            let (answer, factor) = attempt(&factor, "FFFF EEEE DDDD");
            assert_eq!(answer, Err(again));
            assert_eq!(factor.rate_limit.failures, 1);
            let (answer, _) = attempt(&factor, CODES[0]);
            assert_eq!(answer, accepted(1, 0));
        }
    }

    #[test]
    fn an_attempt_is_counted_before_its_hashes() {
        for set in [plain(), hashed()] {
            let before = factor(Some(set));
            for typed in [CODES[0], "0000-0000-0000"] {
                let (stored, _dropped) = reserve(&before, typed).unwrap();
                assert_eq!(stored.rate_limit.failures, 1, "{typed}");
                assert_eq!(stored.rate_limit.guesses_left, 9, "{typed}");
                assert_eq!(stored.codes_left(), 2, "{typed}");
            }
        }
    }

    #[test]
    fn concurrent_attempts_sign_in_once() {
        for set in [plain(), hashed()] {
            let before = factor(Some(set));
            let (stored, first) = reserve(&before, CODES[0]).unwrap();
            let (stored, second) = reserve(&stored, CODES[0]).unwrap();
            let (answer, stored) = finish(&stored, CODES[0], first);
            assert_eq!(answer, accepted(1, 1));
            let (answer, _) = finish(&stored, CODES[0], second);
            assert_eq!(answer, Err(Rejection::BackupCodeUsed));
        }
    }

    #[test]
    fn a_hash_does_not_outlive_its_set() {
        for set in [plain(), hashed()] {
            let before = factor(Some(set));
            let (mut stored, hashed) = reserve(&before, CODES[0]).unwrap();
            stored.code_set = Some(issued());
            let (answer, _) = finish(&stored, CODES[0], hashed);
            assert_eq!(answer, Err(Rejection::WrongCode));
        }
    }

    #[test]
    fn codes_of_the_policys_shape_count_for_every_account() {
        for set in [None, Some(issued()), Some(plain()), Some(hashed())] {
            let has_no_set = set.is_none();
            let (answer, after) = attempt(&factor(set), "0000-1111-2222");
            assert_eq!(answer, Err(Rejection::WrongCode), "{has_no_set}");
            assert_eq!(after.rate_limit.failures, 1, "{has_no_set}");
            let (answer, after) = attempt(&after, "0000-1111-222");
            assert_eq!(answer, Err(Rejection::Malformed), "{has_no_set}");
            assert_eq!(after.rate_limit.failures, 1, "{has_no_set}");
        }
    }

    #[test]
    fn the_status_says_that_a_set_is_imported() {
        for (set, imported) in [(plain(), true), (hashed(), true), (issued(), false)] {
            let remaining = set.remaining();
            let Status::Enabled(enabled) = factor(Some(set)).status(NOW, &policy()) else {
                panic!("the factor is enabled");
            };
            let codes = enabled.backup_codes.unwrap();
            assert_eq!(codes.imported, imported);
            assert_eq!((codes.issued_at, codes.remaining), (NOW, remaining));
            assert_eq!(codes.used_at, vec![None; remaining]);
        }
    }

    #[test]
    fn disabling_ends_an_imported_set() {
        let Step::Write(after, WriteKind::Disabled, Ok(())) =
            factor(Some(plain())).force_disable(NOW)
        else {
            panic!("a factor can be disabled");
        };
        assert!(after.code_set.is_none());
    }
}
