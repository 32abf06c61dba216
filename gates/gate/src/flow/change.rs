//! The flag of the account and its other sign-ins, around a change of the second factor. A store
//! that writes them in the transaction of the record needs none of this.

use countersign::factor::EnabledStatus;
use countersign::session::FactorFlag;
use countersign::{AccountId, Status};

use super::Stop;
use super::visit::Visit;
use crate::accounts::Accounts;
use crate::page::Message;
use crate::sign_ins::{SignInId, SignInRows, SignInStore};

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// The second factor of the account, if it is on. A lost record is not "off".
    pub(super) async fn enabled(&self, account: &AccountId) -> Result<Option<EnabledStatus>, Stop> {
        let verifier = &self.flow.verifier;
        for _ in 0..2 {
            let status = verifier.status(account).await?;
            if let Status::Enabled(enabled) = status {
                return Ok(Some(enabled));
            }
            let is_disabled = matches!(status, Status::Disabled);
            match self.flow.rows().flag(account).await? {
                FactorFlag::Off => return Ok(None),
                FactorFlag::Ending if is_disabled => return Ok(None),
                // Perhaps it was switched on between the two reads.
                FactorFlag::On | FactorFlag::Ending => {}
            }
        }
        tracing::error!(
            %account,
            "the flag is set, and the record of the second factor is lost or out of date"
        );
        Err(self.message(Message::RecordLost).into())
    }

    /// Follows a confirmed enrollment. If the process dies before the flag is on, the next sign-in
    /// ends the other sign-ins: see [`corrected`](Self::corrected).
    pub(super) async fn enrolled(&self, account: &AccountId, keep: &SignInId) -> Result<(), Stop> {
        if S::IN_TRANSACTION {
            return Ok(());
        }
        let rows = self.flow.rows();
        rows.end_others(account, Some(keep)).await?;
        let flagged = self.set_on(account).await;
        // A sign-in without a code may have begun before the flag was on.
        let ended = rows.end_others(account, Some(keep)).await;
        flagged?;
        Ok(ended?)
    }

    /// Corrects the flag after a change that was interrupted. An interrupted enrollment did not end
    /// the sign-ins without a code, so this ends all of the account's sign-ins.
    pub(super) async fn corrected(
        &self,
        account: &AccountId,
        flag: FactorFlag,
    ) -> Result<(), Stop> {
        let rows = self.flow.rows();
        if flag == FactorFlag::On {
            rows.end_others(account, None).await?;
        }
        Ok(rows.set_flag(account, flag).await?)
    }

    /// Follows the removal of one of several authenticators: ends the other sign-ins.
    pub(super) async fn removed(&self, account: &AccountId, keep: &SignInId) -> Result<(), Stop> {
        if S::IN_TRANSACTION {
            return Ok(());
        }
        let rows = self.flow.rows();
        Ok(rows.end_others(account, Some(keep)).await?)
    }

    /// Precedes a change that can switch the second factor off.
    pub(super) async fn may_end(&self, account: &AccountId) -> Result<(), Stop> {
        self.set_flag(account, FactorFlag::Ending).await
    }

    /// Follows a change that switched the second factor off. Sets the flag, and ends the other
    /// sign-ins even if that fails.
    pub(super) async fn ended(&self, account: &AccountId, keep: &SignInId) -> Result<(), Stop> {
        let flagged = self.set_flag(account, FactorFlag::Off).await;
        let ended = self.removed(account, keep).await;
        flagged.and(ended)
    }

    /// Follows [`may_end`](Self::may_end) if the second factor is still on.
    pub(super) async fn not_ended(&self, account: &AccountId) -> Result<(), Stop> {
        self.set_on(account).await
    }

    async fn set_on(&self, account: &AccountId) -> Result<(), Stop> {
        if S::IN_TRANSACTION {
            return Ok(());
        }
        self.set_flag(account, FactorFlag::On).await?;
        // Perhaps another request has switched it off, and has set the flag before this one did.
        match self.flow.verifier.status(account).await? {
            Status::Disabled => self.set_flag(account, FactorFlag::Off).await,
            _ => Ok(()),
        }
    }

    async fn set_flag(&self, account: &AccountId, flag: FactorFlag) -> Result<(), Stop> {
        if S::IN_TRANSACTION {
            return Ok(());
        }
        let rows = self.flow.rows();
        Ok(rows.set_flag(account, flag).await?)
    }
}
