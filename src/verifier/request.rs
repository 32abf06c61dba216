//! A login whose form can arrive twice.

use super::error::{Denied, report, report_repeat};
use super::verifier::{Verifier, with_wiped_stack};
use crate::factor::{RequestAccepted, RequestTag, Step};
use crate::otp::Code;
use crate::store::Store;
use crate::{AccountId, Receipt, Rejection, RequestId};

impl<S: Store> Verifier<S> {
    /// Like [`verify`](Self::verify), for a form that a user can send twice, for example by a
    /// double click.
    ///
    /// For 30 s, the same request id with the same code gets the same result again:
    ///
    /// - An accepted code gets a receipt with the same time, and nothing is written. See
    ///   [`Receipt::is_repeat`].
    /// - A wrong code gets [`Rejection::WrongCode`], and no second failure is counted.
    /// - While a call computes the hash of a backup code, a repeat computes it too. At most four
    ///   repeats do so for each counted attempt. The code is accepted once.
    ///
    /// Everything else is an attempt, as with `verify`: another code, another id, a repeat after 30
    /// s, or a repeat after another write to the account.
    ///
    /// Install a version with this method on every server before you use the method. An earlier
    /// version cannot read the record of such an attempt.
    ///
    /// ```
    /// # use countersign::testing::{ManualClock, Phone};
    /// # use countersign::{AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey};
    /// # use countersign::{Timestamp, Verifier, store::MemoryStore};
    /// use countersign::RequestId;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # countersign::testing::block_on(async {
    /// # let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    /// # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    /// # let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example");
    /// # let verifier = verifier.clock(clock.clone()).build()?;
    /// # let alice = AccountId::new("alice")?;
    /// # let proof = Proof::Password { checked_at: clock.now() };
    /// # let request = EnrollmentRequest::new("alice@example.com");
    /// # let enrollment = verifier.begin_enrollment(&alice, request, proof).await?;
    /// # let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
    /// # verifier.confirm_enrollment(&alice, enrollment.id(), &phone.passcode(clock.now())).await?;
    /// # clock.advance(std::time::Duration::from_secs(30));
    /// # let typed = phone.passcode(clock.now());
    ///
    /// // You show the form, and keep the id in the session on your server.
    /// let request = RequestId::generate()?;
    ///
    /// // A double click sends the form twice.
    /// let first = verifier.verify_request(&alice, &typed, &request).await?;
    /// let second = verifier.verify_request(&alice, &typed, &request).await?;
    /// assert!(!first.is_repeat() && second.is_repeat());
    /// assert_eq!(first.at(), second.at());
    /// # Ok(())
    /// # })
    /// # }
    /// ```
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
        let outcome = with_wiped_stack(self.log_in_request(account, code, request)).await;
        let RequestAccepted {
            accepted,
            is_repeat,
        } = match outcome {
            Ok(repeat) if repeat.is_repeat => {
                report_repeat(account, ACTION);
                repeat
            }
            outcome => report(account, ACTION, outcome)?,
        };
        let receipt = Receipt::new(account.clone(), accepted.at, accepted.by);
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
    ) -> Result<RequestAccepted, Denied> {
        let code = Code::parse(code).map_err(|_| Rejection::Malformed)?;
        let tag = RequestTag::new(request, &code);
        let policy = &self.core.policy;
        self.attempt(account, |loaded, progress, now| match loaded {
            None => Step::reject(Rejection::Absent),
            Some(loaded) => loaded
                .factor
                .log_in_request(&code, &tag, progress, now, policy),
        })
        .await
    }
}
