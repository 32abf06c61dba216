//! Codes in a row: they let the owner in while a limit holds the account.

use countersign::factor::{AuthenticatorKind, EnabledStatus, RateLimitState};
use countersign::otp::Code;
use countersign::{AccountId, Rejection, Status};
use serde::Deserialize;

use super::visit::Visit;
use super::{Stop, rejected};
use crate::accounts::{Accounts, BoxError};
use crate::exchange::GateAnswer;
use crate::page::{CodesPage, Content};
use crate::problem::Problem;
use crate::session_data::Half;
use crate::sign_ins::{RowsOfRequest, SignInStore};

/// JSON has the codes in a list, and a form has a field for each. No account needs more than four.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CodesForm {
    request: String,
    codes: Vec<String>,
    code_1: String,
    code_2: String,
    code_3: String,
    code_4: String,
}

impl CodesForm {
    fn codes(&self) -> Vec<&str> {
        let fields = [&self.code_1, &self.code_2, &self.code_3, &self.code_4];
        let typed = self.codes.iter().chain(fields);
        let typed = typed.map(|code| code.trim());
        typed.filter(|code| !code.is_empty()).collect()
    }
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// The number of codes in a row that let the owner in now: `None` if nothing holds the account
    /// and there is no alarm, or if they cannot.
    pub(crate) async fn in_a_row(&self, enabled: &EnabledStatus) -> Option<u8> {
        if enabled.rate_limit == RateLimitState::Free && !self.is_under_alarm().await {
            return None;
        }
        self.row_of(enabled)
    }

    /// The number of codes in a row that let the user in whatever holds.
    fn row_of(&self, enabled: &EnabledStatus) -> Option<u8> {
        const MOST: u8 = 4;
        let rules = self.flow.verifier.policy().consecutive_codes();
        let by_time = |kind| matches!(kind, AuthenticatorKind::Totp { .. });
        let mut kinds = enabled.authenticators.iter().map(|one| one.kind);
        match enabled.rate_limit {
            RateLimitState::Locked => rules.unlock.then_some(MOST),
            _ if kinds.any(by_time) => Some(rules.count),
            _ => Some(MOST),
        }
    }

    /// The number of codes in a row that the code page asks this browser for. An alarm is no reason
    /// to ask a browser that the account knows.
    pub(super) async fn in_a_row_here(
        &self,
        account: &AccountId,
        enabled: &EnabledStatus,
    ) -> Result<Option<u8>, BoxError> {
        let count = self.in_a_row(enabled).await;
        let is_free = enabled.rate_limit == RateLimitState::Free;
        match count.is_some() && is_free && self.is_known(account).await? {
            true => Ok(None),
            false => Ok(count),
        }
    }

    /// Whether the account knows this browser.
    async fn is_known(&self, account: &AccountId) -> Result<bool, BoxError> {
        Ok(match self.device_token(account)? {
            Some(token) => self.flow.verifier.is_known_device(account, &token).await?,
            None => false,
        })
    }

    /// Whether there is an alarm. If the vigilance fails, the limits of each account still hold.
    async fn is_under_alarm(&self) -> bool {
        self.flow.verifier.is_under_alarm().await.unwrap_or(false)
    }

    /// The number of codes in a row that an alarm asks this browser for, instead of this passcode.
    pub(super) async fn codes_needed(
        &self,
        account: &AccountId,
        code: &str,
    ) -> Result<Option<u8>, Stop> {
        if !self.is_under_alarm().await {
            return Ok(None);
        }
        let Status::Enabled(enabled) = self.flow.verifier.status(account).await? else {
            return Ok(None);
        };
        let length = Code::parse(code).map_or(0, |code| code.symbol_count());
        let mut all = enabled.authenticators.iter();
        let is_passcode = all.any(|one| usize::from(one.digits) == length);
        // While a limit applies, the verifier checks no code, and its answer says so.
        let is_free = enabled.rate_limit == RateLimitState::Free;
        match is_passcode && is_free && !self.is_known(account).await? {
            true => Ok(self.row_of(&enabled)),
            false => Ok(None),
        }
    }

    pub(crate) async fn show_codes(&mut self) -> Result<GateAnswer, Stop> {
        let (half, enabled) = self.needs_code().await?;
        let Some(count) = self.in_a_row(&enabled).await else {
            return Ok(self.redirect(&self.path("/code")));
        };
        let request = half.request;
        let content = Content::Codes(CodesPage { request, count });
        self.page(half.session.account(), content).await
    }

    pub(crate) async fn enter_codes(&mut self) -> Result<GateAnswer, Stop> {
        let sender = self.sender().await?;
        let half = self.half_of(&sender)?;
        let form: CodesForm = self.form()?;
        let half = self.half_of_form(&sender, half, &form.request)?;
        let codes = form.codes();
        let verifier = self.verifier(RowsOfRequest::inserting(self.new_sign_in(&half)?));
        let account = half.session.account();
        match verifier.verify_consecutive(account, &codes).await {
            Ok(receipt) => self.accepted(&half, receipt, None).await,
            Err(denied) => match rejected(denied)? {
                Rejection::Absent | Rejection::Disabled => Ok(self.changed_meanwhile()),
                replayed @ (Rejection::Replayed | Rejection::ReplayedAhead { .. }) => {
                    self.again(&half, replayed).await
                }
                _ => {
                    let count = self.flow.verifier.policy().consecutive_codes().count;
                    let path = self.path("/codes");
                    Ok(self.refuse(Problem::CodesNotAccepted { count }, &path))
                }
            },
        }
    }

    /// All codes are right and used. If this form itself used them, its sign-in is there: only this
    /// half session can derive its id.
    async fn again(&mut self, half: &Half, replayed: Rejection) -> Result<GateAnswer, Stop> {
        let Some(factors) = self.factors_by_passcode(half).await? else {
            return Ok(self.refuse(replayed, &self.path("/codes")));
        };
        let home = &self.flow.settings.home;
        self.renew_as_full(half, factors, None, None, home)
    }
}
