//! A login whose form can arrive twice.

use super::error::{Denied, report_repeat};
use super::verifier::{Verifier, with_wiped_stack};
use super::vigilance::LoginFacts;
use super::wrong_code::WrongCode;
use crate::factor::{RequestAccepted, RequestTag, Step};
use crate::otp::Code;
use crate::store::Store;
use crate::{AccountId, Receipt, Rejection, RequestId};
use core::pin::pin;

impl<S: Store> Verifier<S> {
    /// Like [`verify`](Self::verify), for a form that a user can send twice, for example by a
    /// double click.
    ///
    /// For 30 s, the same request id with the same code gets the same result again:
    ///
    /// - An accepted code gets a receipt with the same content. See [`Receipt::is_repeat`].
    /// - A wrong code gets the same rejection, in [`Denied::Repeated`], and no second failure is
    ///   counted.
    /// - While a call computes the hash of a backup code, up to four repeats compute it too. The
    ///   code is accepted once.
    ///
    /// Everything else is an attempt, as with `verify`: another code, another id, a repeat after 30
    /// s, or a repeat after another write to the account.
    ///
    /// Install a version with this method on every server before you use the method. An earlier
    /// version cannot read the record of such an attempt.
    ///
    /// # Errors
    /// [`Denied`]: do not let the user in.
    pub async fn verify_request(
        &self,
        account: &AccountId,
        code: &str,
        request: &RequestId,
    ) -> Result<Receipt, Denied> {
        const ACTION: &str = "verify_request";
        let (facts, wrong) = (self.facts(), WrongCode::default());
        let outcome = self.log_in_request(account, code, request, &facts, &wrong);
        let outcome = with_wiped_stack(pin!(outcome)).await;
        let outcome = self.observe(account, facts, outcome).await;
        let RequestAccepted {
            accepted,
            is_repeat,
        } = match outcome {
            Ok(repeat) if repeat.is_repeat => {
                report_repeat(account, ACTION);
                repeat
            }
            outcome => wrong.report(account, ACTION, outcome)?,
        };
        let receipt = Receipt::of(account.clone(), accepted);
        Ok(if is_repeat {
            receipt.repeated()
        } else {
            receipt
        })
    }

    async fn log_in_request(
        &self,
        account: &AccountId,
        code: &str,
        request: &RequestId,
        facts: &LoginFacts,
        wrong: &WrongCode,
    ) -> Result<RequestAccepted, Denied> {
        let code = Code::parse(code).map_err(|_| Rejection::Malformed)?;
        let tag = RequestTag::new(request, &code);
        let policy = &self.core.policy;
        self.attempt(account, Some(wrong), |loaded, progress, now| {
            let step = match loaded {
                None => Step::reject(Rejection::Absent),
                Some(loaded) => {
                    facts.note(&loaded.factor, progress, now);
                    let factor = loaded.factor;
                    factor.log_in_request(&code, &tag, progress, now, policy)
                }
            };
            wrong.search(&step, &code, now, policy);
            step
        })
        .await
    }
}
