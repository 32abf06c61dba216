//! One attempt with a code: the rate limit, the passcodes, and the backup codes.
//!
//! An attempt with a passcode takes one write. An attempt takes two writes if only a password hash
//! can show whether the code is a backup code. The first of the two writes counts the attempt as a
//! failure. So a dropped request costs a guess too, and nobody can make the server compute a hash
//! for free.

use super::second_factor::{Accepted, Outcome, SecondFactor, Step};
use crate::backup::{CodeMatch, HashJob, Hashes};
use crate::factor::BackupCodeSetId;
use crate::otp::{Code, StepMatch};
use crate::store::WriteKind;
use crate::{AcceptedBy, Policy, Rejection, Timestamp};

/// The progress of an attempt.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Nothing is stored yet.
    Start,
    /// The attempt is stored as a failure, and the hash of its code is computed.
    Hashed(HashedCode),
}

/// The hash of a code, and the set whose salt was used for the hash.
#[derive(Debug)]
pub(crate) struct HashedCode {
    pub(crate) hashes: Hashes,
    pub(crate) set: BackupCodeSetId,
}

/// The reason why a code is not accepted, or not yet, and whether the state changed.
pub(super) enum Refusal {
    /// Nothing changed.
    Unchanged(Rejection),
    /// A failure is counted.
    Counted(Rejection),
    /// The attempt counts as a failure until this hash is compared.
    HashNeeded { job: HashJob, set: BackupCodeSetId },
}

impl SecondFactor {
    /// Signs in with a code.
    pub(crate) fn log_in(
        mut self,
        code: &Code,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Outcome<Accepted>> {
        match self.check(code, progress, now, policy) {
            Ok(by) => {
                let accepted = Outcome::Accepted(Accepted { by, at: now });
                Step::Write(self, WriteKind::Accepted, accepted)
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Checks a code. Marks an accepted code as used in this state.
    pub(super) fn check(
        &mut self,
        code: &Code,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<AcceptedBy, Refusal> {
        if !self.is_enabled() {
            return Err(Refusal::Unchanged(Rejection::Disabled));
        }
        match progress {
            Progress::Start => self.check_new(code, now, policy),
            Progress::Hashed(hashed) => self.check_hashed(hashed, now, policy),
        }
    }

    /// The step that follows a refusal.
    pub(super) fn refuse<T>(self, refusal: Refusal) -> Step<Outcome<T>> {
        match refusal {
            Refusal::Unchanged(rejection) => Step::reject(rejection),
            Refusal::Counted(rejection) => {
                Step::Write(self, WriteKind::Rejected, Outcome::Rejected(rejection))
            }
            Refusal::HashNeeded { job, set } => {
                Step::Write(self, WriteKind::Reserved, Outcome::HashNeeded { job, set })
            }
        }
    }

    /// Checks the rate limit and the passcodes. A code that can still be a backup code is counted
    /// as a failure before its hash is computed.
    fn check_new(
        &mut self,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<AcceptedBy, Refusal> {
        if let Some(rejection) = self.rate_limit.state(now, policy).rejection() {
            return Err(Refusal::Unchanged(rejection));
        }
        let has_passcode_shape = match self.match_authenticators(code, now, policy) {
            Matched::Accepted(by) => {
                self.rate_limit.succeed();
                return Ok(by);
            }
            Matched::Replayed => return Err(Refusal::Unchanged(Rejection::Replayed)),
            Matched::None { has_passcode_shape } => has_passcode_shape,
        };
        let job = self.code_set.as_ref().and_then(|codes| {
            let job = codes.redeem_job(code)?;
            Some((job, codes.id()))
        });
        // A wrong code is counted on every account if any account of the service could have such a
        // code. Otherwise an uncounted answer would show which accounts have backup codes.
        let is_possible =
            policy.could_be_backup_code(code) || code.has_passcode_shape(policy.digits());
        if !has_passcode_shape && !is_possible && job.is_none() {
            return Err(Refusal::Unchanged(Rejection::Malformed));
        }
        self.rate_limit.fail(now, policy);
        Err(match job {
            Some((job, set)) => Refusal::HashNeeded { job, set },
            None => Refusal::Counted(Rejection::WrongCode),
        })
    }

    /// Computes every time step in the window of every authenticator with this number of digits.
    /// Moves each authenticator that matches to its highest matching step. There is no early exit.
    fn match_authenticators(&mut self, code: &Code, now: Timestamp, policy: &Policy) -> Matched {
        let mut accepted_by = None;
        let mut replayed = false;
        let mut has_passcode_shape = false;
        for authenticator in &mut self.authenticators {
            if !code.has_passcode_shape(authenticator.parameters.digits) {
                continue;
            }
            has_passcode_shape = true;
            let totp = authenticator.parameters.totp(&authenticator.secret);
            match totp.match_step(code, now, policy.window(), authenticator.last_step) {
                StepMatch::Unused(step) => {
                    authenticator.last_step = Some(step);
                    authenticator.last_used_at = authenticator.last_used_at.max(Some(now));
                    accepted_by.get_or_insert(AcceptedBy::Authenticator {
                        id: authenticator.id,
                    });
                }
                StepMatch::Used => replayed = true,
                StepMatch::None => {}
            }
        }
        match accepted_by {
            Some(by) => Matched::Accepted(by),
            None if replayed => Matched::Replayed,
            None => Matched::None { has_passcode_shape },
        }
    }

    /// Checks a code that is counted as a failure and whose hash is computed. Does not check the
    /// rate limit again, because the attempt was counted already.
    fn check_hashed(
        &mut self,
        hashed: &HashedCode,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<AcceptedBy, Refusal> {
        let refuse = |rejection| Err(Refusal::Unchanged(rejection));
        let codes = self.code_set.as_mut();
        let Some(codes) = codes.filter(|codes| codes.id() == hashed.set) else {
            return refuse(Rejection::WrongCode);
        };
        match codes.redeem(&hashed.hashes, now) {
            CodeMatch::Unused(index) => {
                let by = AcceptedBy::BackupCode {
                    set: hashed.set,
                    number: u8::try_from(index.saturating_add(1)).unwrap_or(u8::MAX),
                    remaining: u8::try_from(codes.remaining()).unwrap_or(u8::MAX),
                };
                self.rate_limit.succeed_after_counting(policy);
                Ok(by)
            }
            CodeMatch::Used(_) => refuse(Rejection::BackupCodeUsed),
            CodeMatch::None => refuse(Rejection::WrongCode),
        }
    }
}

/// The result of comparing a code with all authenticators.
enum Matched {
    Accepted(AcceptedBy),
    Replayed,
    None { has_passcode_shape: bool },
}
