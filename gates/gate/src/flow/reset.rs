//! A reset by your staff, which needs no proof.

use countersign::session::FactorFlag;
use countersign::{AccountId, Actor, Rejection};

use super::Flow;
use crate::accounts::{Accounts, BoxError};
use crate::notice::{Client, Notice, What};
use crate::sign_ins::{RowsOfRequest, SignInRows, SignInStore};

impl<S: SignInStore, A: Accounts> Flow<S, A> {
    /// Switches the second factor off, and ends all sign-ins: before, so that nobody keeps one if
    /// the rest fails, and after, because one may have begun.
    pub(super) async fn reset(&self, account: &AccountId, actor: &Actor) -> Result<(), BoxError> {
        let rows = self.rows();
        rows.end_others(account, None).await?;
        if !S::IN_TRANSACTION {
            rows.set_flag(account, FactorFlag::Ending).await?;
        }
        let verifier = self.verifier_with(RowsOfRequest::default());
        let is_lost = match verifier.force_disable(account, actor).await {
            Ok(()) => false,
            // Without a record, only the flag keeps the owner out.
            Err(denied) if denied.rejection() == Some(Rejection::Absent) => true,
            Err(denied) => return Err(denied.into()),
        };
        let now = self.settings.clock.now();
        let notice = Notice {
            actor: Some(actor.clone()),
            ..Notice::new(What::Disabled, now, Client::default())
        };
        self.accounts.notify(account, notice).await;
        if is_lost || !S::IN_TRANSACTION {
            rows.set_flag(account, FactorFlag::Off).await?;
        }
        rows.end_others(account, None).await
    }
}
