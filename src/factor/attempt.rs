//! One attempt: from a parsed passcode to a verdict, or to the digest that a verdict needs.

use super::proof::set_id;
use super::{Paid, SecondFactor};
use crate::backup::{CodeMatch, HashJob};
use crate::factor::RateLimitState;
use crate::otp::{Code, StepMatch};
use crate::{AcceptedBy, Policy, Rejection, Timestamp};

/// What an attempt comes to.
#[derive(Debug)]
pub(super) enum Judgement {
    /// The state has changed so that the code is used up.
    Accepted(AcceptedBy),
    /// The state is as it was.
    Refused(Rejection),
    /// The state has changed: a failure is counted.
    Counted(Rejection),
    /// The state has changed: the attempt is counted as a failure until the digest says otherwise.
    Reserved { job: HashJob, set: [u8; 16] },
}

impl SecondFactor {
    /// Judges an attempt, from the throttle to the passcode windows.
    pub(super) fn attempt(
        &mut self,
        passcode: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Judgement {
        if !self.is_enabled() {
            return Judgement::Refused(Rejection::Disabled);
        }
        match self.throttle.hold(now, policy) {
            RateLimitState::Free => {}
            RateLimitState::Locked => return Judgement::Refused(Rejection::Locked),
            RateLimitState::ClockFault => return Judgement::Refused(Rejection::ClockFault),
            RateLimitState::Waiting { retry_after } => {
                return Judgement::Refused(Rejection::Waiting { retry_after });
            }
            RateLimitState::BudgetSpent { retry_after } => {
                return Judgement::Refused(Rejection::BudgetSpent { retry_after });
            }
        }
        match self.scan_authenticators(passcode, now, policy) {
            Scanned::Accepted(by) => {
                self.throttle.succeed();
                Judgement::Accepted(by)
            }
            Scanned::Replayed => Judgement::Refused(Rejection::Replayed),
            Scanned::Nothing { fits } => {
                let job = self
                    .ledger
                    .as_ref()
                    .and_then(|ledger| Some((ledger.redeem_job(passcode, None)?, *ledger.salt())));
                // What any account of the service could have is counted for every account. Otherwise the
                // answer would tell, for free, which accounts have backup codes.
                let possible = passcode.has_passcode_shape(policy.digits())
                    || policy.code_format().matches_shape(passcode);
                if !fits && !possible && job.is_none() {
                    return Judgement::Refused(Rejection::Malformed);
                }
                self.throttle.fail(now, policy);
                match job {
                    Some((job, set)) => Judgement::Reserved { job, set },
                    None => Judgement::Counted(Rejection::WrongCode),
                }
            }
        }
    }

    /// Computes every step of every window of every authenticator of the passcode's shape, and moves all
    /// that match to their highest matching step. No early exit.
    fn scan_authenticators(&mut self, passcode: &Code, now: Timestamp, policy: &Policy) -> Scanned {
        let mut accepted_by = None;
        let mut replayed = false;
        let mut fits = false;
        for authenticator in &mut self.authenticators {
            if !passcode.has_passcode_shape(authenticator.parameters.digits) {
                continue;
            }
            fits = true;
            let totp = authenticator.parameters.totp(&authenticator.secret);
            match totp.match_step(passcode, now, policy.window(), authenticator.last_step) {
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
            Some(by) => Scanned::Accepted(by),
            None if replayed => Scanned::Replayed,
            None => Scanned::Nothing { fits },
        }
    }

    /// Judges an attempt again whose failure is on record and whose digest is computed. What was paid for
    /// is not throttled: not the wait, the budget or the lock.
    pub(super) fn settle(&mut self, paid: &Paid, now: Timestamp, policy: &Policy) -> Judgement {
        if !self.is_enabled() {
            return Judgement::Refused(Rejection::Disabled);
        }
        let Some(ledger) = self
            .ledger
            .as_mut()
            .filter(|ledger| *ledger.salt() == paid.set)
        else {
            return Judgement::Refused(Rejection::WrongCode);
        };
        match ledger.find(&paid.digests) {
            CodeMatch::Unused(index) => {
                ledger.mark_used(index, now);
                let by = AcceptedBy::BackupCode {
                    set: set_id(ledger),
                    number: u8::try_from(index.saturating_add(1)).unwrap_or(u8::MAX),
                    remaining: u8::try_from(ledger.remaining()).unwrap_or(u8::MAX),
                };
                self.throttle.succeed_after_reserving(policy);
                Judgement::Accepted(by)
            }
            CodeMatch::Used(_) => Judgement::Refused(Rejection::BackupCodeUsed),
            CodeMatch::None => Judgement::Refused(Rejection::WrongCode),
        }
    }
}

enum Scanned {
    Accepted(AcceptedBy),
    Replayed,
    Nothing { fits: bool },
}
