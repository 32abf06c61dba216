//! One attempt with a code: the rate limit, the passcodes, and the backup codes.
//!
//! An attempt with a passcode takes one write, and so does one with a backup code whose digest is
//! fast. An attempt takes two writes if only a password hash can show whether the code is a backup
//! code. The first of the two writes counts the attempt as a
//! failure. So a dropped request costs a guess too, and nobody can make the server compute a hash
//! for free.

use super::code_set::CodeSet;
use super::rate_limit::{Charge, RateLimitState};
use super::second_factor::{Accepted, Outcome, SecondFactor, Step};
use crate::backup::{CodeMatch, HashJob, Hashes};
use crate::factor::BackupCodeSetId;
use crate::otp::{Code, PasscodeMatch};
use crate::store::WriteKind;
use crate::{AcceptedBy, DeviceId, Policy, Rejection, Timestamp};

/// The progress of an attempt.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Nothing is stored yet.
    Start,
    /// The attempt is stored as a failure, and the hash of its code is computed.
    Hashed(HashedCode),
}

/// The hash of a code, and the first set that had the salt of the hash.
#[derive(Debug)]
pub(crate) struct HashedCode {
    pub(crate) hashes: Hashes,
    pub(crate) set: BackupCodeSetId,
    pub(crate) charge: Charge,
    /// Whether an earlier call with the same request counted the attempt.
    pub(crate) joined: bool,
}

impl Progress {
    /// Whether an earlier call with the same request counted the failure that has this reason.
    pub(super) const fn repeats(&self, rejection: Rejection) -> bool {
        let is_failure = matches!(rejection, Rejection::WrongCode | Rejection::BackupCodeUsed);
        matches!(self, Self::Hashed(hashed) if hashed.joined) && is_failure
    }
}

/// The reason why a code is not accepted, or not yet, and whether the state changed.
pub(super) enum Refusal {
    /// Nothing changed.
    Unchanged(Rejection),
    /// A failure is counted.
    Counted(Rejection),
    /// The attempt counts as a failure until this hash is compared.
    HashNeeded {
        job: HashJob,
        set: BackupCodeSetId,
        charge: Charge,
    },
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
        match self.check(code, None, progress, now, policy) {
            Ok(by) => {
                let accepted = Outcome::Accepted(self.accepted(by, now));
                Step::Write(self, WriteKind::Accepted, accepted)
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Checks a code, perhaps from a known device. Marks an accepted code as used in this state.
    pub(super) fn check(
        &mut self,
        code: &Code,
        device: Option<DeviceId>,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<AcceptedBy, Refusal> {
        self.last_request = None;
        if !self.is_enabled() {
            return Err(Refusal::Unchanged(Rejection::Disabled));
        }
        match progress {
            Progress::Start => self.check_new(code, device, now, policy),
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
            Refusal::HashNeeded { job, set, charge } => {
                let joined = false;
                let needed = Outcome::HashNeeded {
                    job,
                    set,
                    charge,
                    joined,
                };
                Step::Write(self, WriteKind::Reserved, needed)
            }
        }
    }

    /// Checks the rate limit and the passcodes. A code that can still be a backup code is counted
    /// as a failure before its hash is computed. Only a lock-out stops a known device.
    fn check_new(
        &mut self,
        code: &Code,
        device: Option<DeviceId>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<AcceptedBy, Refusal> {
        let limit = self.rate_limit.state(now, policy);
        let waits = device.is_none() || limit == RateLimitState::Locked;
        if let Some(rejection) = limit.rejection().filter(|_| waits) {
            return self
                .check_while_held(code, limit, now, policy)
                .ok_or(Refusal::Unchanged(rejection));
        }
        let has_passcode_shape = match self.match_authenticators(code, now, policy) {
            Matched::Accepted(by) => {
                self.rate_limit.succeed();
                return Ok(by);
            }
            Matched::Replayed(rejection) => return Err(Refusal::Unchanged(rejection)),
            Matched::None { has_passcode_shape } => has_passcode_shape,
        };
        if let Some(found) = self.redeem_at_once(code, now) {
            return self.accepted_code(found).map_err(|rejection| {
                self.count_failure(device, now, policy);
                Refusal::Counted(rejection)
            });
        }
        let job = self.redeem_job(code);
        // A wrong code is counted on every account if any account of the service could have such a
        // code. Otherwise an uncounted answer would show which accounts have backup codes.
        let is_possible =
            policy.could_be_backup_code(code) || code.has_passcode_shape(policy.digits());
        if !has_passcode_shape && !is_possible && job.is_none() {
            return Err(Refusal::Unchanged(Rejection::Malformed));
        }
        let charge = self.count_failure(device, now, policy);
        Err(match job {
            Some((job, set)) => Refusal::HashNeeded { job, set, charge },
            None => Refusal::Counted(Rejection::WrongCode),
        })
    }

    /// Checks a backup code that nobody can guess, while a limit holds other codes. A wrong one is
    /// not counted. It ends a lock-out only if the policy lets consecutive passcodes do so.
    fn check_while_held(
        &mut self,
        code: &Code,
        limit: RateLimitState,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<AcceptedBy> {
        if limit == RateLimitState::Locked && !policy.consecutive_codes().unlock {
            return None;
        }
        let found = self.redeem_at_once(code, now)?;
        self.accepted_code(found).ok()
    }

    /// Compares the code at once, if the digest of the set is fast and the code has its shape.
    fn redeem_at_once(&mut self, code: &Code, now: Timestamp) -> Option<CodeMatch> {
        let digest = self.code_set.as_ref()?.fast_digest(code)?;
        Some(self.redeem(&digest, now))
    }

    /// What accepted the code that was found at once.
    fn accepted_code(&mut self, found: CodeMatch) -> Result<AcceptedBy, Rejection> {
        let by = self.by_found(found)?;
        self.rate_limit.succeed();
        Ok(by)
    }

    /// The backup code that was found, or the reason why it is not accepted.
    fn by_found(&self, found: CodeMatch) -> Result<AcceptedBy, Rejection> {
        match (found, &self.code_set) {
            (CodeMatch::Unused(index), Some(codes)) => {
                let number = u8::try_from(index.saturating_add(1)).unwrap_or(u8::MAX);
                Ok(by_backup_code(codes, number))
            }
            (CodeMatch::Used(_), _) => Err(Rejection::BackupCodeUsed),
            (CodeMatch::Unused(_) | CodeMatch::None, _) => Err(Rejection::WrongCode),
        }
    }

    /// Counts a failure of a known device, or takes a guess of the budget.
    fn count_failure(
        &mut self,
        device: Option<DeviceId>,
        now: Timestamp,
        policy: &Policy,
    ) -> Charge {
        match device {
            Some(id) => {
                self.rate_limit.fail_on_known_device(now);
                self.devices.fail(id);
                Charge::Device(device)
            }
            None => {
                self.rate_limit.fail(now, policy);
                Charge::Budget
            }
        }
    }

    /// The hash to compute if the code can be a backup code of the account.
    pub(super) fn redeem_job(&self, code: &Code) -> Option<(HashJob, BackupCodeSetId)> {
        let codes = self.code_set.as_ref()?;
        Some((codes.redeem_job(code)?, codes.first_id()))
    }

    /// Compares the code with every passcode that counts now, of every authenticator with this
    /// number of digits. Moves each authenticator that matches to its highest matching time step or
    /// past its highest matching counter. There is no early exit.
    fn match_authenticators(&mut self, code: &Code, now: Timestamp, policy: &Policy) -> Matched {
        let mut accepted_by = None;
        let mut replayed = None;
        let mut has_passcode_shape = false;
        for authenticator in &mut self.authenticators {
            if !code.has_passcode_shape(authenticator.parameters.digits) {
                continue;
            }
            has_passcode_shape = true;
            match authenticator.check(code, now, policy) {
                PasscodeMatch::Unused(()) => {
                    accepted_by.get_or_insert(AcceptedBy::Authenticator {
                        id: authenticator.id,
                    });
                }
                PasscodeMatch::Used => replayed = Some(authenticator.replayed(now, policy)),
                PasscodeMatch::None => {}
            }
        }
        match (accepted_by, replayed) {
            (Some(by), _) => Matched::Accepted(by),
            (None, Some(rejection)) => Matched::Replayed(rejection),
            (None, None) => Matched::None { has_passcode_shape },
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
        let is_same_set = self.code_set.as_ref().map(CodeSet::first_id) == Some(hashed.set);
        let found = match is_same_set {
            true => self.redeem(&hashed.hashes, now),
            false => CodeMatch::None,
        };
        let by = self.by_found(found).map_err(Refusal::Unchanged)?;
        match hashed.charge {
            Charge::Budget => self.rate_limit.succeed_after_counting(policy),
            Charge::Device(id) => {
                self.rate_limit.succeed();
                self.devices.refund(id);
            }
        }
        Ok(by)
    }
}

/// The backup code with this number, as it is reported.
pub(super) fn by_backup_code(codes: &CodeSet, number: u8) -> AcceptedBy {
    AcceptedBy::BackupCode {
        set: codes.id(),
        number,
        remaining: u8::try_from(codes.remaining()).unwrap_or(u8::MAX),
    }
}

/// The result of comparing a code with all authenticators.
enum Matched {
    Accepted(AcceptedBy),
    Replayed(Rejection),
    None { has_passcode_shape: bool },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::{Authenticator, MovingFactor, Parameters};
    use crate::otp::{Hotp, Period, Secret, TimeStep};
    use crate::{AuthenticatorId, AuthenticatorName};
    use alloc::vec;
    use alloc::vec::Vec;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const STEP: u64 = 60_000_000;
    const KEY: [u8; 20] = [7; 20];

    fn time(last_step: Option<u64>) -> MovingFactor {
        MovingFactor::Time {
            period: Period::THIRTY_SECONDS,
            t0: Timestamp::UNIX_EPOCH,
            last_step: last_step.map(TimeStep::new),
        }
    }

    const fn counter(next: u64) -> MovingFactor {
        MovingFactor::Counter { next }
    }

    /// An account whose authenticators have one secret, so the passcode of a step is the passcode
    /// of the same counter.
    fn account(moving: &[MovingFactor]) -> SecondFactor {
        let mut factor = SecondFactor::new(NOW, &Policy::default());
        for (number, moving) in (1..).zip(moving) {
            factor.authenticators.push(Authenticator {
                id: AuthenticatorId::from_bytes([number; 8]),
                name: AuthenticatorName::default(),
                secret: Secret::from_bytes(&KEY).unwrap(),
                parameters: Parameters::of(&Policy::default()),
                added_at: NOW,
                last_used_at: None,
                moving: *moving,
                imported: false,
            });
        }
        factor
    }

    fn log_in(factor: SecondFactor, counter: u64) -> Step<Outcome<Accepted>> {
        let policy = Policy::default();
        let hotp = Hotp::new(&KEY, policy.algorithm(), policy.digits());
        let code = Code::parse(hotp.generate(counter).expose()).unwrap();
        factor.log_in(&code, &Progress::Start, NOW, &policy)
    }

    fn moved(step: Step<Outcome<Accepted>>) -> Vec<MovingFactor> {
        match step {
            Step::Write(factor, WriteKind::Accepted, Outcome::Accepted(_)) => {
                factor.authenticators.iter().map(|one| one.moving).collect()
            }
            _ => panic!("not accepted"),
        }
    }

    #[test]
    fn every_matching_authenticator_moves() {
        let both = [counter(STEP), time(None)];
        let [first, second] = both;
        for moving in [vec![first, second], vec![second, first]] {
            let expected = moving.iter().map(|one| match one {
                MovingFactor::Counter { .. } => counter(STEP + 1),
                MovingFactor::Time { .. } => time(Some(STEP)),
            });
            let expected: Vec<_> = expected.collect();
            assert_eq!(moved(log_in(account(&moving), STEP)), expected);
        }
    }

    #[test]
    fn a_match_wins_over_a_used_passcode() {
        for moving in [
            vec![counter(STEP + 1), time(None)],
            vec![time(Some(STEP)), counter(STEP)],
        ] {
            let expected = vec![counter(STEP + 1), time(Some(STEP))];
            let mut found = moved(log_in(account(&moving), STEP));
            if matches!(found.first(), Some(MovingFactor::Time { .. })) {
                found.reverse();
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_used_counter_is_no_failure() {
        for moving in [
            vec![counter(STEP + 1), time(Some(STEP + 1))],
            vec![counter(STEP + 1)],
        ] {
            let answer = log_in(account(&moving), STEP);
            assert!(matches!(
                answer,
                Step::Answer(Outcome::Rejected(Rejection::Replayed))
            ));
        }
    }
}
