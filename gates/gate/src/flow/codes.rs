//! Codes in a row: they let the owner in while a limit holds the account.

use countersign::factor::{AuthenticatorKind, EnabledStatus, RateLimitState};
use countersign::session::{SecondFactorUse, SignInFactors};
use countersign::{Policy, Rejection, Status};
use serde::Deserialize;

use super::visit::{Sender, Visit};
use super::{Stop, rejected};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::page::{CodesPage, Content};
use crate::problem::Problem;
use crate::session_data::Half;
use crate::sign_ins::{RowsOfRequest, SignInRows, SignInStore};

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
    /// The number of codes in a row that let the owner in now: `None` if nothing holds the account,
    /// or if they cannot.
    pub(crate) fn in_a_row(&self, enabled: &EnabledStatus) -> Option<u8> {
        in_a_row(enabled, self.flow.verifier.policy())
    }

    pub(crate) async fn show_codes(&mut self) -> Result<GateAnswer, Stop> {
        let half = match self.sender().await? {
            Sender::Half(half) if !half.must_enroll => half,
            other => return Err(self.send_away(&other)),
        };
        let account = half.session.account();
        let Status::Enabled(enabled) = self.flow.verifier.status(account).await? else {
            return Ok(self.changed_meanwhile());
        };
        let Some(count) = self.in_a_row(&enabled) else {
            return Ok(self.redirect(&self.path("/code")));
        };
        let request = half.request.clone();
        let content = Content::Codes(CodesPage { request, count });
        self.page(Some(account), content).await
    }

    pub(crate) async fn enter_codes(&mut self) -> Result<GateAnswer, Stop> {
        let sender = self.sender().await?;
        let half = self.half_of(&sender)?;
        let form: CodesForm = self.form()?;
        let half = self.half_of_form(&sender, half, &form.request)?;
        let codes = form.codes();
        let verifier = self.flow.verifier_with(RowsOfRequest {
            new: Some(self.new_sign_in(&half)?),
            keep: None,
        });
        let account = half.session.account();
        match verifier.verify_consecutive(account, &codes).await {
            Ok(receipt) => self.accepted(&half, receipt).await,
            Err(denied) => match rejected(denied)? {
                Rejection::Absent | Rejection::Disabled => Ok(self.changed_meanwhile()),
                Rejection::Replayed => self.again(&half).await,
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
    async fn again(&mut self, half: &Half) -> Result<GateAnswer, Stop> {
        let new = self.new_sign_in(half)?;
        let rows = self.flow.verifier.store().rows();
        let Some(sign_in) = rows.find(new.id()).await? else {
            return Ok(self.refuse(Rejection::Replayed, &self.path("/codes")));
        };
        let factors = SignInFactors {
            first: half.session.first_factor(),
            second: SecondFactorUse::Passcode,
            second_at: sign_in.begun_at,
        };
        let home = &self.flow.settings.home;
        self.renew_as_full(half, factors, None, None, home)
    }
}

fn in_a_row(enabled: &EnabledStatus, policy: &Policy) -> Option<u8> {
    const MOST: u8 = 4;
    let rules = policy.consecutive_codes();
    let by_time = |kind| matches!(kind, AuthenticatorKind::Totp { .. });
    let mut kinds = enabled.authenticators.iter().map(|one| one.kind);
    match enabled.rate_limit {
        RateLimitState::Free => None,
        RateLimitState::Locked => rules.unlock.then_some(MOST),
        _ if kinds.any(by_time) => Some(rules.count),
        _ => Some(MOST),
    }
}
