//! A login with consecutive passcodes.

use super::caller::Caller;
use super::error::{Denied, report};
use super::verifier::{Verifier, with_wiped_stack};
use super::vigilance::LoginFacts;
use crate::factor::{Accepted, Row, Step};
use crate::store::Store;
use crate::{AccountId, Receipt, Rejection};
use core::pin::pin;

impl<S: Store> Verifier<S> {
    /// Checks consecutive passcodes of one authenticator, in the order in which the app showed
    /// them. If they are accepted, all of them are used up.
    ///
    /// Ask for them if [`verify`](Self::verify) answers with a wait, a spent budget, a lock-out or
    /// [`Rejection::ClockFault`], and at no other time. An attacker who knows the password can
    /// cause such an answer all year. This method checks the passcodes nevertheless.
    ///
    /// - Three passcodes are enough for a TOTP authenticator ([`Policy::consecutive_codes`]).
    /// - Four also end a lock-out, unless the policy forbids it
    ///   ([`PolicyBuilder::consecutive_codes_unlock`]).
    /// - A HOTP authenticator needs four. It may be 100 counters ahead of the next one.
    ///
    /// The passcodes must be later than the last accepted one, and at most 10 min and 20 time steps
    /// away from now. If they are correct, the consecutive failures are 0 afterwards. The budget
    /// stays as it is. Wrong passcodes write nothing, and no limit counts them. The verifier checks
    /// all passcodes together, so no answer says that some of them are correct.
    ///
    /// # Errors
    /// [`Denied`]: do not let the user in. [`Rejection::Replayed`] if all passcodes are correct,
    /// but not all are later than the last accepted one. [`Rejection::Malformed`] if there are too
    /// few or too many.
    ///
    /// [`Policy::consecutive_codes`]: crate::Policy::consecutive_codes
    /// [`PolicyBuilder::consecutive_codes_unlock`]: crate::PolicyBuilder::consecutive_codes_unlock
    pub async fn verify_consecutive(
        &self,
        account: &AccountId,
        codes: &[&str],
    ) -> Result<Receipt, Denied> {
        let facts = self.facts();
        let outcome = with_wiped_stack(pin!(self.log_in_with_row(account, codes, &facts))).await;
        // A wrong row cannot be a guess that succeeds, and it must write nothing.
        let outcome = match outcome {
            Ok(_) => self.observe(account, facts, outcome).await,
            Err(_) => outcome,
        };
        let accepted = report(account, "verify_consecutive", outcome)?;
        Ok(Receipt::of(account.clone(), accepted))
    }

    async fn log_in_with_row(
        &self,
        account: &AccountId,
        codes: &[&str],
        facts: &LoginFacts,
    ) -> Result<Accepted, Denied> {
        let policy = &self.core.policy;
        let row = Row::parse(codes, policy)?;
        self.attempt(
            account,
            Caller::default(),
            |loaded, progress, now| match loaded {
                None => Step::reject(Rejection::Absent),
                Some(loaded) => {
                    facts.note(&loaded.factor, progress, now);
                    loaded.factor.log_in_with_row(&row, now, policy)
                }
            },
        )
        .await
    }
}
