//! The code page: one field for a passcode or a backup code.

use countersign::factor::{EnabledStatus, RateLimitState};
use countersign::{AcceptedBy, Attempt, Denied, DeviceKind, Receipt, Rejection, RequestId, Status};
use serde::Deserialize;

use super::visit::{Sender, Visit};
use super::{Stop, rejected};
use crate::accounts::{Accounts, BoxError};
use crate::exchange::GateAnswer;
use crate::notice::What;
use crate::page::{CodePage, Content, Done, Message, Wait};
use crate::problem::Problem;
use crate::random::{self, Use};
use crate::say::Say;
use crate::session_data::{Half, SessionChange, StageData};
use crate::sign_ins::{NewSignIn, RowsOfRequest, SignInRows, SignInStore};

#[derive(Deserialize)]
struct CodeForm {
    code: String,
    #[serde(default)]
    request: String,
    /// Whether the browser signs in without a code from now on.
    #[serde(default)]
    trust: bool,
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn show_code(&mut self) -> Result<GateAnswer, Stop> {
        let (half, enabled) = self.needs_code().await?;
        let account = half.session.account();
        let wait = self.wait_here(account, &enabled)?;
        let content = Content::Code(CodePage {
            letters: self.has_letters(),
            request: half.request.clone(),
            in_a_row: self.in_a_row_here(account, &enabled).await?,
            backup_code: wait.is_some_and(|wait| self.backup_code_replaces(wait, &enabled)),
            wait,
            trust_days: self.trust_days(),
        });
        self.page(account, content).await
    }

    /// The half session whose second factor is missing, and that second factor.
    pub(super) async fn needs_code(&mut self) -> Result<(Half, EnabledStatus), Stop> {
        let half = match self.sender().await? {
            Sender::Half(half) if !half.must_enroll => half,
            other => return Err(self.send_away(&other)),
        };
        match self.flow.verifier.status(half.session.account()).await? {
            Status::Enabled(enabled) => Ok((half, enabled)),
            _ => Err(self.changed_meanwhile().into()),
        }
    }

    pub(crate) async fn enter_code(&mut self) -> Result<GateAnswer, Stop> {
        let sender = self.sender().await?;
        let half = self.half_of(&sender)?;
        let form: CodeForm = self.form()?;
        let half = self.half_of_form(&sender, half, &form.request)?;
        let needed = self.codes_needed(half.session.account(), &form.code);
        if let Some(count) = needed.await? {
            let path = self.path("/codes");
            return Ok(self.refuse(Problem::CodesNeeded { count }, &path));
        }
        let rows = RowsOfRequest::inserting(self.new_sign_in(&half)?);
        let verifier = self.verifier(rows);
        let account = half.session.account();
        let (request, token) = (request_id(&half)?, self.device_token(account)?);
        let attempt = Attempt::new(&form.code).request(&request);
        let attempt = attempt.device(token.as_ref());
        match verifier.verify_attempt(account, attempt).await {
            Ok(receipt) => {
                let kind = match form.trust {
                    true => DeviceKind::Trusted,
                    false => DeviceKind::Known,
                };
                self.accepted(&half, receipt, Some(kind)).await
            }
            Err(denied) => {
                let is_repeat = matches!(denied, Denied::Repeated(_));
                match rejected(denied)? {
                    Rejection::Absent | Rejection::Disabled => Ok(self.changed_meanwhile()),
                    rejection => self.refused(&half, rejection, is_repeat).await,
                }
            }
        }
    }

    /// The half session of a sender who may enter a code: also the one that a form has just
    /// renewed, because that form can come twice.
    pub(crate) fn half_of(&mut self, sender: &Sender) -> Result<Half, Stop> {
        match sender {
            Sender::Half(half) if !half.must_enroll => Ok(half.clone()),
            Sender::Moved {
                half: Some(half),
                at,
            } if self.now.saturating_since(*at) <= SessionChange::LEFT_FOR
                && !half.session.is_over(self.now) =>
            {
                Ok(half.clone())
            }
            other => Err(self.send_away(other)),
        }
    }

    /// The half session, with the id of this form.
    pub(crate) fn half_of_form(
        &mut self,
        sender: &Sender,
        half: Half,
        request: &str,
    ) -> Result<Half, Stop> {
        match sender {
            // Only the form that renewed this session is repeated.
            Sender::Moved { .. } if request != half.request => Err(self.send_away(sender)),
            _ if half.previous.as_deref() == Some(request) => Ok(Half {
                request: request.to_owned(),
                ..half
            }),
            _ => Ok(half),
        }
    }

    /// Inserts the sign-in, unless the store did so with the record. `Some`: the password was
    /// changed in the meantime, so the sign-in has ended.
    pub(super) async fn begin_sign_in(
        &self,
        half: &Half,
        new: &NewSignIn,
    ) -> Result<Option<GateAnswer>, Stop> {
        let rows = self.flow.rows();
        if !S::IN_TRANSACTION {
            rows.insert(new).await?;
        }
        if self.lives(half).await? {
            return Ok(None);
        }
        rows.end(new.id()).await?;
        Ok(Some(self.changed_meanwhile()))
    }

    /// Completes a sign-in whose code was accepted. `device`: what the browser becomes, if its
    /// token went with the code.
    pub(crate) async fn accepted(
        &mut self,
        half: &Half,
        receipt: Receipt,
        device: Option<DeviceKind>,
    ) -> Result<GateAnswer, Stop> {
        let new = self.new_sign_in(half)?;
        let rows = self.flow.rows();
        if let Some(ended) = self.begin_sign_in(half, &new).await? {
            return Ok(ended);
        }
        let is_repeat = receipt.is_repeat();
        if is_repeat && rows.find(new.id()).await?.is_none() {
            // The user has signed out since.
            return Ok(self.redirect(&self.flow.settings.sign_in));
        }
        let sealed = self.flow.verifier.seal_receipt(&receipt);
        match device {
            Some(kind) => self.remember_browser(&receipt, &sealed, kind).await?,
            None => self.remember_stranger(&receipt, &sealed).await?,
        }
        let by = receipt.accepted_by();
        let full = half.session.pass(receipt.into(), self.now)?;
        if !is_repeat {
            self.signed_in(half, &full).await;
        }
        let say = match by {
            AcceptedBy::BackupCode {
                number, remaining, ..
            } => {
                if !is_repeat {
                    let what = What::BackupCodeUsed { number, remaining };
                    self.notify(full.account(), what).await;
                }
                Some(Say::Done(Done::BackupCodeUsed { number, remaining }))
            }
            _ => None,
        };
        let home = &self.flow.settings.home;
        self.complete(half, &full, Some(sealed), say, home)
    }

    async fn refused(
        &mut self,
        half: &Half,
        rejection: Rejection,
        is_repeat: bool,
    ) -> Result<GateAnswer, Stop> {
        let is_wrong = matches!(rejection, Rejection::WrongCode | Rejection::BackupCodeUsed);
        // A repeat of the form is not counted, and the owner knows already.
        if is_wrong && !is_repeat {
            self.notify(half.session.account(), What::WrongCode).await;
        }
        if let StageData::Half(stored) = &mut self.session.stage
            && stored.request == half.request
        {
            stored.previous = Some(std::mem::replace(&mut stored.request, random::token()?));
        }
        let path = self.path("/code");
        // The page itself shows the wait of a limit, but perhaps not to a known browser. If it has
        // the field too, the user must learn that the code was not accepted.
        let page_says = matches!(
            rejection,
            Rejection::Waiting { .. } | Rejection::BudgetSpent { .. } | Rejection::Locked
        ) && !self.issues_long_codes()
            && self.device_token(half.session.account())?.is_none();
        Ok(match page_says && !self.wants_json() {
            true => self.redirect(&path),
            false => self.refuse(rejection, &path),
        })
    }

    pub(crate) fn changed_meanwhile(&self) -> GateAnswer {
        let answer = self.message(Message::ChangedMeanwhile);
        if self.session.is_moved() {
            // The browser has another session by now, which goes on.
            return answer;
        }
        GateAnswer {
            session: SessionChange::End {
                left: self.left(None),
            },
            ..answer
        }
    }

    /// Whether a right backup code lets the user in while this limit holds other codes.
    fn backup_code_replaces(&self, wait: Wait, enabled: &EnabledStatus) -> bool {
        let is_long = enabled.backup_codes.as_ref().is_some_and(|set| set.long);
        let rules = self.flow.verifier.policy().consecutive_codes();
        is_long && (wait != Wait::Locked || rules.unlock)
    }

    fn issues_long_codes(&self) -> bool {
        self.flow.verifier.policy().code_format().entropy_bits() >= 112
    }

    /// The limit that holds the account, for a page.
    pub(crate) fn wait(&self, limit: RateLimitState) -> Option<Wait> {
        let until = |after: std::time::Duration| Wait::Until {
            at: self.now.saturating_add(after.as_secs()),
            seconds: after.as_secs(),
        };
        match limit {
            RateLimitState::Free => None,
            RateLimitState::Waiting { retry_after }
            | RateLimitState::BudgetSpent { retry_after } => Some(until(retry_after)),
            RateLimitState::Locked => Some(Wait::Locked),
            // Also a limit of a later version.
            _ => Some(Wait::ClockFault),
        }
    }
}

/// The verifier's id of the code form. It is derived from the secret of the half session, because
/// the page shows `half.request`.
fn request_id(half: &Half) -> Result<RequestId, BoxError> {
    let id = random::derive(&half.secret, &half.request, Use::Request)?;
    Ok(random::hex(id).parse()?)
}
