//! For the event of a wrong code: whether the code is only too old or too early.
//!
//! The search runs after the rate limit has counted the failure, for every wrong code, over all
//! candidates in constant time. The answer and the record do not depend on the search.

use super::error::{Denied, report};
#[cfg(feature = "tracing")]
use crate::Rejection;
use crate::factor::{CodeOffset, Outcome, Step};
use crate::otp::Code;
use crate::store::WriteKind;
use crate::{AccountId, Policy, Timestamp};
use std::sync::Mutex;

/// What the event of an attempt says about a wrong code.
#[derive(Default)]
pub(super) struct WrongCode {
    offset: Mutex<Option<CodeOffset>>,
}

impl WrongCode {
    /// Searches for the code if this step counts it as a failure. Only events show the result.
    pub(super) fn search<T>(
        &self,
        step: &Step<Outcome<T>>,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) {
        let Step::Write(factor, WriteKind::Rejected | WriteKind::Reserved, _) = step else {
            return;
        };
        let found = factor.code_offset(code, now, policy);
        if let Ok(mut offset) = self.offset.lock() {
            *offset = found;
        }
    }

    /// What the last search found.
    pub(super) fn offset(&self) -> Option<CodeOffset> {
        self.offset.lock().ok().and_then(|found| *found)
    }

    /// Emits the event of the attempt, and returns the outcome.
    pub(super) fn report<T>(
        self,
        account: &AccountId,
        action: &'static str,
        outcome: Result<T, Denied>,
    ) -> Result<T, Denied> {
        #[cfg(feature = "tracing")]
        if let Err(Denied::Rejected(reason @ Rejection::WrongCode)) = &outcome {
            let account = account.as_str();
            match self.offset() {
                Some(CodeOffset::Seconds(seconds)) => {
                    tracing::warn!(account, action, %reason, clock_offset = seconds, "rejected");
                    return outcome;
                }
                Some(CodeOffset::Counters(counters)) => {
                    tracing::warn!(account, action, %reason, counter_offset = counters, "rejected");
                    return outcome;
                }
                None => {}
            }
        }
        report(account, action, outcome)
    }
}
