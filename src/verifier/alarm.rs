//! The alarm for guesses on many accounts: the verifier tells the vigilance, and asks it.

use super::error::{Denied, Report, VerifierError};
use super::verifier::Verifier;
use super::vigilance::LoginFacts;
use crate::AccountId;
use crate::vigilance::Observation;

impl<S> Verifier<S> {
    /// Returns whether there is an alarm: far more accounts than usual had a right password and a
    /// wrong code today. See [`vigilance`](crate::vigilance).
    ///
    /// Ask before you show the code page. During an alarm, ask for consecutive passcodes if the
    /// browser is not known: [`verify_consecutive`](Self::verify_consecutive). A backup code may
    /// still be enough, because a guess at a backup code is right 30 times less often. Without a
    /// vigilance, the answer is `false`.
    ///
    /// # Errors
    /// [`VerifierError::Vigilance`] if the vigilance failed. To go on as without an alarm is safe
    /// for each account: its own limits still hold.
    pub async fn is_under_alarm(&self) -> Result<bool, VerifierError> {
        let Some(vigilance) = &self.core.vigilance else {
            return Ok(false);
        };
        let now = self.core.clock.now();
        let status = vigilance.erased_observe(Observation::None, now).await;
        Ok(status.map_err(VerifierError::Vigilance)?.is_alarm())
    }

    /// The facts of a login, which begins now.
    pub(super) fn facts(&self) -> LoginFacts {
        LoginFacts::new(self.core.vigilance.is_some())
    }

    /// Tells the vigilance about a login. A failure of the vigilance changes no answer.
    pub(super) async fn observe<T>(
        &self,
        account: &AccountId,
        facts: LoginFacts,
        outcome: Result<T, Denied>,
    ) -> Result<T, Denied> {
        if let Some(vigilance) = &self.core.vigilance
            && let Some(seen) = facts.observation(account, &outcome)
        {
            let observed = vigilance.erased_observe(seen, self.core.clock.now());
            if let Err(error) = observed.await {
                VerifierError::Vigilance(error).report(account, "vigilance");
            }
        }
        outcome
    }
}
