//! The door: every first factor enters here, and every full session begins here.

use countersign::session::{
    FullSession, HalfSession, NextStep, Passed, SecondFactorUse, SignInFactors,
};
use countersign::{AccountId, FirstFactor, FirstFactorKind, SealedReceipt};

use super::Stop;
use super::visit::{Sender, Visit, is_same_site};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::notice::{Notice, What};
use crate::page::Message;
use crate::random::{self, Use};
use crate::say::Say;
use crate::session_data::{Flash, Full, Half, SessionChange, SessionData, StageData};
use crate::sign_ins::{NewSignIn, SignInId, SignInRows, SignInStore};

/// How often an account may change between the look at its record and the sign-in.
const ROUNDS: usize = 3;

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// Lets a user in whose first factor was right.
    pub(crate) async fn first_factor(
        &mut self,
        account: AccountId,
        kind: FirstFactorKind,
    ) -> Result<GateAnswer, Stop> {
        // A link by mail and a single sign-on come from other sites. A password does not: another
        // site would sign the user in to somebody else's account.
        let is_password = kind == FirstFactorKind::Password;
        if self.request.post && is_password && !is_same_site(&self.request.headers) {
            return Ok(self.message(Message::NotOurForm));
        }
        if let Sender::Full(member) = self.sender().await? {
            // A sign-in over another one ends that one.
            self.flow.rows().end(&member.full.id).await?;
        }
        let mut half = Half {
            session: HalfSession::new(account.clone(), FirstFactor::new(kind, self.now)),
            secret: random::token()?,
            request: random::token()?,
            previous: None,
            must_enroll: false,
        };
        for _ in 0..ROUNDS {
            let (passed, say) = match self.next_step(&account).await? {
                NextStep::EnterCode(enabled) => {
                    return match self.sign_in_trusted(&half, &enabled).await? {
                        Some(answer) => Ok(answer),
                        None => self.enter_half(half, "/code"),
                    };
                }
                NextStep::Enroll => {
                    half.must_enroll = true;
                    return self.enter_half(half, "/setup");
                }
                NextStep::Passed(passed) => (passed, None),
                NextStep::PassedUntil(passed, from) => (passed, Some(Say::EnrollBy(from))),
                _ => {
                    tracing::error!(
                        %account,
                        "the flag is set, and the record of the second factor is lost or out of date"
                    );
                    return Ok(self.message(Message::RecordLost));
                }
            };
            if let Some(answer) = self.without_factor(&half, passed, say).await? {
                return Ok(answer);
            }
            // The account enrolled in this moment.
        }
        Err(Stop::Failed("the second factor keeps changing".into()))
    }

    /// Asks the verifier what comes next, and corrects the flag after a crash.
    async fn next_step(&self, account: &AccountId) -> Result<NextStep, Stop> {
        let rows = self.flow.rows();
        let flag = rows.flag(account).await?;
        let requirement = self.flow.accounts.requirement(account).await?;
        let verifier = &self.flow.verifier;
        let next = verifier
            .after_first_factor(account, flag, &requirement)
            .await?;
        if next.flag(flag) != flag {
            self.corrected(account, next.flag(flag)).await?;
        }
        Ok(next)
    }

    /// Renews the session as one whose second factor is missing.
    fn enter_half(&self, half: Half, page: &str) -> Result<GateAnswer, Stop> {
        let data = SessionData {
            csrf: random::token()?,
            stage: StageData::Half(half),
            ..SessionData::default()
        };
        Ok(GateAnswer {
            session: SessionChange::Renew {
                data,
                id: random::random()?,
                left: self.left(None),
            },
            ..self.redirect(&self.path(page))
        })
    }

    async fn without_factor(
        &mut self,
        half: &Half,
        passed: Passed,
        say: Option<Say>,
    ) -> Result<Option<GateAnswer>, Stop> {
        let new = self.new_sign_in(half)?;
        let full = half.session.pass(passed, self.now)?;
        if !self.flow.rows().insert_if_off(&new).await? {
            return Ok(None);
        }
        self.signed_in(half, &full).await;
        let home = &self.flow.settings.home;
        let mut answer = self.complete(half, &full, None, say, home)?;
        if let SessionChange::Renew { left, .. } = &mut answer.session {
            // No form of the gate can be repeated.
            *left = self.left(None);
        }
        Ok(Some(answer))
    }

    /// The sign-in that a half session becomes: the same one for a repeat of the same form.
    pub(crate) fn new_sign_in(&self, half: &Half) -> Result<NewSignIn, Stop> {
        let id = random::derive(&half.secret, &half.request, Use::SignIn)?;
        Ok(NewSignIn {
            id: SignInId::from_bytes(id),
            account: half.session.account().clone(),
            at: self.now,
            first_factor: half.session.first_factor().kind,
        })
    }

    /// The factors of the sign-in that this half session has become by a passcode, if its row
    /// exists: another request with the same form inserted it.
    pub(super) async fn factors_by_passcode(
        &self,
        half: &Half,
    ) -> Result<Option<SignInFactors>, Stop> {
        let new = self.new_sign_in(half)?;
        let found = self.flow.rows().find(new.id()).await?;
        Ok(found.map(|sign_in| SignInFactors {
            first: half.session.first_factor(),
            second: SecondFactorUse::Passcode,
            second_at: sign_in.begun_at,
        }))
    }

    /// Renews the session as a full one, and goes to the page `next`. The row of the sign-in is
    /// stored already.
    pub(crate) fn complete(
        &self,
        half: &Half,
        full: &FullSession,
        receipt: Option<SealedReceipt>,
        say: Option<Say>,
        next: &str,
    ) -> Result<GateAnswer, Stop> {
        self.renew_as_full(half, full.factors(), receipt, say, next)
    }

    /// Renews the session as a full one, whose row exists.
    pub(super) fn renew_as_full(
        &self,
        half: &Half,
        factors: SignInFactors,
        receipt: Option<SealedReceipt>,
        say: Option<Say>,
        next: &str,
    ) -> Result<GateAnswer, Stop> {
        let derived = |used| random::derive(&half.secret, &half.request, used);
        let data = SessionData {
            csrf: random::hex(derived(Use::FormToken)?),
            stage: StageData::Full(Full {
                id: SignInId::from_bytes(derived(Use::SignIn)?),
                secret: random::hex(derived(Use::Secret)?),
                factors,
                receipt,
            }),
            flash: say.map(|say| Flash { say, typed: None }),
            ..SessionData::default()
        };
        Ok(GateAnswer {
            session: SessionChange::Renew {
                data,
                id: derived(Use::SessionId)?,
                left: self.left(Some(half.clone())),
            },
            ..self.redirect(next)
        })
    }

    /// What stays of the session under its old id: enough for a repeat of the form that renewed it.
    pub(crate) fn left(&self, half: Option<Half>) -> SessionData {
        SessionData {
            csrf: match half {
                Some(_) => self.session.csrf.clone(),
                None => String::new(),
            },
            stage: StageData::Moved {
                half,
                at: self.now,
                repeat: None,
            },
            ..SessionData::default()
        }
    }

    pub(crate) async fn signed_in(&self, half: &Half, full: &FullSession) {
        let what = What::SignedIn {
            first: half.session.first_factor().kind,
            second: full.factors().second,
        };
        self.notify(full.account(), what).await;
    }

    pub(crate) async fn notify(&self, account: &AccountId, what: What) {
        let notice = Notice::new(what, self.now, self.request.client.clone());
        self.flow.accounts.notify(account, notice).await;
    }
}
