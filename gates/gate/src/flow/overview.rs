//! The overview of the second factor.

use countersign::AccountId;

use super::Stop;
use super::visit::Visit;
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::page::{Content, OverviewPage};
use crate::sign_ins::SignInStore;

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn show_overview(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let account = &member.account;
        let enabled = self.enabled(account).await?;
        let page = match &enabled {
            None => OverviewPage {
                enroll_by: self.flow.accounts.requirement(account).await?.enroll_from(),
                ..OverviewPage::default()
            },
            Some(enabled) => OverviewPage {
                enabled: true,
                may_disable: self.may_disable(account).await?,
                authenticators: enabled.authenticators.iter().map(Into::into).collect(),
                backup_codes: enabled.backup_codes.as_ref().map(Into::into),
                devices: self.remembers().then_some(enabled.devices.len()),
                ..OverviewPage::default()
            },
        };
        self.page(account, Content::Overview(page)).await
    }

    /// Whether the account may have no second factor now.
    pub(super) async fn may_disable(&self, account: &AccountId) -> Result<bool, Stop> {
        let requirement = self.flow.accounts.requirement(account).await?;
        Ok(requirement.enroll_from().is_none_or(|from| self.now < from))
    }
}
