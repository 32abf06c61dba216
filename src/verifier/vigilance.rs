//! What a login tells the vigilance of the service.

use super::error::Denied;
use crate::factor::{Progress, SecondFactor};
use crate::vigilance::{DayStatus, Observation, Vigilance};
use crate::{AccountId, Rejection, Timestamp};
use core::pin::Pin;
use core::sync::atomic::{AtomicU8, Ordering};
use std::boxed::Box;
use std::error::Error;

type BoxError = Box<dyn Error + Send + Sync>;
type Observed<'a> = Pin<Box<dyn Future<Output = Result<DayStatus, BoxError>> + Send + 'a>>;

/// [`Vigilance`] with boxed futures, which makes it dyn compatible.
pub(super) trait ErasedVigilance: Send + Sync {
    fn erased_observe<'a>(&'a self, seen: Observation<'a>, now: Timestamp) -> Observed<'a>;
}

impl<V: Vigilance> ErasedVigilance for V {
    fn erased_observe<'a>(&'a self, seen: Observation<'a>, now: Timestamp) -> Observed<'a> {
        Box::pin(async move { self.observe(seen, now).await.map_err(Into::into) })
    }
}

/// What a login showed about its account, before it changed anything.
pub(super) struct LoginFacts {
    /// Whether anybody wants to know.
    wanted: bool,
    flags: AtomicU8,
}

/// An attacker who makes accounts in order to raise an alarm must keep them for so many seconds.
const ESTABLISHED_AFTER: u64 = 30 * 86_400;

const ESTABLISHED: u8 = 1;
const HAS_FAILURES: u8 = 2;

impl LoginFacts {
    pub(super) const fn new(wanted: bool) -> Self {
        Self {
            wanted,
            flags: AtomicU8::new(0),
        }
    }

    /// Notes the facts of a record that was loaded. An attempt that notes nothing is not told. So
    /// do not call this for a device that the account knows: an attacker has none.
    pub(super) fn note(&self, factor: &SecondFactor, progress: &Progress, now: Timestamp) {
        // A hash follows the failure that was counted for it, so only the start shows the facts.
        if self.wanted && matches!(progress, Progress::Start) {
            let mut flags = 0;
            if is_established(factor, now) {
                flags |= ESTABLISHED;
            }
            if factor.rate_limit.failures > 0 {
                flags |= HAS_FAILURES;
            }
            self.flags.store(flags, Ordering::Relaxed);
        }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// What to tell about an outcome, if anything.
    pub(super) fn observation<'a, T>(
        &self,
        account: &'a AccountId,
        outcome: &Result<T, Denied>,
    ) -> Option<Observation<'a>> {
        let seen = match outcome {
            Ok(_) if self.has(HAS_FAILURES) => Observation::AcceptedAfterWrongCode { account },
            // A repeat counts too: its first request may have been dropped before it was told.
            Err(
                Denied::Rejected(Rejection::WrongCode) | Denied::Repeated(Rejection::WrongCode),
            ) => Observation::WrongCode { account },
            _ => return None,
        };
        self.has(ESTABLISHED).then_some(seen)
    }
}

/// Whether an authenticator is at least 30 days old, and a code was accepted after a confirmation.
fn is_established(factor: &SecondFactor, now: Timestamp) -> bool {
    let mut all = factor.authenticators.iter();
    let is_old = all.any(|one| now.saturating_since(one.added_at) >= ESTABLISHED_AFTER);
    let mut all = factor.authenticators.iter();
    let mut codes = factor.code_set.iter().flat_map(|codes| codes.used_at());
    is_old
        && (all.any(|one| one.last_used_at > Some(one.added_at))
            || codes.any(|used_at| used_at.is_some()))
}
