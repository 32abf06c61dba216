//! The proof that a change needs: from the session while it is fresh, else from the user. The
//! verifier checks the proof with the change. This file decides only what to ask for.

use countersign::session::{Freshness, SecondFactorUse, SignInFactors};
use countersign::{
    AccountId, Attempt, FirstFactor, Proof, Receipt, Rejection, RequestId, SealedReceipt, Status,
    Timestamp,
};
use serde::Deserialize;

use super::prove::Asked;
use super::visit::{Member, Visit};
use super::{Stop, rejected};
use crate::accounts::{Accounts, BoxError, PasswordCheck};
use crate::device_cookie::DeviceCookie;
use crate::exchange::GateAnswer;
use crate::page::{Change, Content, Message, ProvePage};
use crate::problem::Problem;
use crate::random::{self, Use};
use crate::session_data::{Full, StageData};
use crate::sign_ins::{RowsOfRequest, SignInStore};

/// The fields of a form that asks for a proof.
#[derive(Deserialize)]
pub(super) struct ProofForm {
    #[serde(default)]
    pub(super) password: String,
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) once: String,
}

/// A proof that owns its parts.
pub(super) enum OwnedProof {
    Code(String),
    Reauthenticated(FirstFactor, SealedReceipt),
    Password(Timestamp),
}

impl OwnedProof {
    pub(super) fn proof(&self) -> Proof<'_> {
        match self {
            Self::Code(code) => Proof::Code(code),
            Self::Reauthenticated(first_factor, receipt) => Proof::Reauthenticated {
                first_factor: *first_factor,
                receipt,
            },
            Self::Password(checked_at) => Proof::Password {
                checked_at: *checked_at,
            },
        }
    }
}

/// The address of a form, and what was typed into its field for a name.
pub(super) struct Origin {
    pub(super) path: String,
    pub(super) typed: Option<String>,
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// What a change needs from the user. With some seconds of margin, a form still works after the
    /// time that it takes to fill it in.
    pub(super) async fn asked(
        &self,
        member: &Member,
        change: &Change,
        margin: u64,
    ) -> Result<Asked, Stop> {
        let first = self.is_fresh_first(member.full.factors.first, margin);
        let second =
            member.full.receipt.is_some() && self.is_fresh(member.full.factors.second_at, margin);
        let has_password = match first && !matches!(change, Change::Disable) {
            true => false,
            false => self.flow.accounts.has_password(&member.account).await?,
        };
        let without_password = !first && !has_password;
        Ok(match change {
            // This needs everything, however fresh it is.
            Change::Disable => Asked {
                password: has_password,
                code: true,
            },
            Change::IssueBackupCodes { .. } => Asked {
                password: !first && has_password,
                code: !second || without_password,
            },
            // A code alone is a proof.
            _ if !second => Asked::CODE,
            _ => Asked {
                password: !first && has_password,
                code: without_password,
            },
        })
    }

    /// Shows the page that explains a change and asks for its proof.
    pub(super) async fn ask(
        &mut self,
        member: &Member,
        change: Change,
        action: &str,
        adapt: impl FnOnce(&mut ProvePage),
    ) -> Result<GateAnswer, Stop> {
        let asked = self.asked(member, &change, MARGIN).await?;
        let mut page = ProvePage {
            wait: self.wait_for_code(&member.account, asked).await?,
            ..self.prove_page(change, action.to_owned(), self.path(""), asked)
        };
        adapt(&mut page);
        self.page(&member.account, Content::Prove(page)).await
    }

    /// A page that explains a change and asks for this.
    pub(super) fn prove_page(
        &self,
        change: Change,
        action: String,
        back: String,
        asked: Asked,
    ) -> ProvePage {
        ProvePage {
            change,
            action,
            back,
            password: asked.password,
            code: asked.code,
            name: None,
            to: None,
            once: None,
            wait: None,
            letters: self.has_letters(),
        }
    }

    pub(super) async fn wait_for_code(
        &self,
        account: &AccountId,
        asked: Asked,
    ) -> Result<Option<crate::page::Wait>, Stop> {
        if !asked.code {
            return Ok(None);
        }
        Ok(match self.flow.verifier.status(account).await? {
            Status::Enabled(enabled) => self.wait_here(account, &enabled)?,
            _ => None,
        })
    }

    /// Makes the proof of a change from what the user typed and what the session has. A code is
    /// used up here, and its receipt is the session's from now on.
    pub(super) async fn proof_of(
        &mut self,
        member: &mut Member,
        form: &ProofForm,
        change: &Change,
        origin: &Origin,
    ) -> Result<OwnedProof, Stop> {
        let asked = self.asked(member, change, 0).await?;
        self.check_typed(member, form, asked, origin).await?;
        let first = member.full.factors.first;
        if !form.code.is_empty() {
            if !self.is_fresh_first(first, 0) {
                return Ok(OwnedProof::Code(form.code.clone()));
            }
            self.verify_typed(member, &form.code, origin).await?;
        }
        match &member.full.receipt {
            Some(receipt) => Ok(OwnedProof::Reauthenticated(first, receipt.clone())),
            None => Err(self.refused_at(Problem::CodeMissing, origin)),
        }
    }

    /// Refuses a form whose fields are missing, and checks the password if there is one.
    pub(super) async fn check_typed(
        &mut self,
        member: &mut Member,
        form: &ProofForm,
        asked: Asked,
        origin: &Origin,
    ) -> Result<(), Stop> {
        if asked.password && form.password.is_empty() {
            return Err(self.refused_at(Problem::PasswordMissing, origin));
        }
        if asked.code && form.code.is_empty() {
            return Err(self.refused_at(Problem::CodeMissing, origin));
        }
        let account = member.account.clone();
        if self
            .check_password(&account, &form.password, origin)
            .await?
        {
            member.full.factors.first = FirstFactor::password(self.now);
            self.keep(member);
        }
        Ok(())
    }

    /// Whether the password was checked and is right. An empty one is not checked.
    pub(super) async fn check_password(
        &mut self,
        account: &AccountId,
        password: &str,
        origin: &Origin,
    ) -> Result<bool, Stop> {
        if password.is_empty() {
            return Ok(false);
        }
        let accounts = &self.flow.accounts;
        match accounts.check_password(account, password).await? {
            PasswordCheck::Right => Ok(true),
            PasswordCheck::NoPassword => Ok(false),
            PasswordCheck::Wrong => Err(self.refused_at(Problem::WrongPassword, origin)),
            PasswordCheck::TooMany { retry_after } => {
                Err(self.refused_at(Problem::TooManyPasswords { retry_after }, origin))
            }
        }
    }

    /// Verifies a code, and gives its receipt and a new id to the session.
    pub(super) async fn verify_typed(
        &mut self,
        member: &mut Member,
        code: &str,
        origin: &Origin,
    ) -> Result<(), Stop> {
        let request = self.request_id(&member.full)?;
        let token = self.device_token(&member.account)?;
        let attempt = Attempt::new(code).request(&request).device(token.as_ref());
        let verifier = self.verifier(RowsOfRequest::default());
        match verifier.verify_attempt(&member.account, attempt).await {
            Ok(receipt) => {
                if let Some(next) = receipt.device_token() {
                    self.device_cookie = Some(DeviceCookie::of(&member.account)?.set(next));
                }
                self.take_receipt(member, receipt, code)
            }
            Err(denied) => {
                let rejection = rejected(denied)?;
                self.follow_renewal(member, code, rejection)?;
                Err(self.refused_at(rejection, origin))
            }
        }
    }

    /// Renews the session if the code was used. Perhaps the same form came twice, and the other
    /// request has renewed the session: then both answers lead to the same new id.
    fn follow_renewal(
        &mut self,
        member: &mut Member,
        code: &str,
        rejection: Rejection,
    ) -> Result<(), Stop> {
        if matches!(
            rejection,
            Rejection::Replayed | Rejection::ReplayedAhead { .. }
        ) {
            self.renew_after(&mut member.full, code)?;
            self.keep(member);
        }
        Ok(())
    }

    /// The id of this form. It is derived from the session, so the page does not show it; a renewal
    /// of the session changes it.
    fn request_id(&self, full: &Full) -> Result<RequestId, BoxError> {
        let form = format!("{}?{}", self.request.path, self.request.query);
        let id = random::derive(&full.secret, &form, Use::Request)?;
        Ok(random::hex(id).parse()?)
    }

    /// Gives a receipt of this request, and a new id, to the session.
    pub(super) fn take_receipt(
        &mut self,
        member: &mut Member,
        receipt: Receipt,
        code: &str,
    ) -> Result<(), Stop> {
        member.full.receipt = Some(self.flow.verifier.seal_receipt(&receipt));
        member.full.factors = SignInFactors {
            second: receipt.accepted_by().into(),
            second_at: receipt.at(),
            ..member.full.factors
        };
        self.renew_after(&mut member.full, code)?;
        self.keep(member);
        Ok(())
    }

    /// A change that is made used up its proof, if that was a code.
    pub(super) fn proof_was_enough(
        &mut self,
        member: &mut Member,
        proof: &OwnedProof,
    ) -> Result<(), Stop> {
        if let OwnedProof::Code(code) = proof {
            member.full.receipt = None;
            let factors = &mut member.full.factors;
            factors.second_at = self.now;
            if !has_code(factors.second) {
                // The second factor is newer than the sign-in: it was imported, for example. Or a
                // trusted device signed in without a code.
                factors.second = SecondFactorUse::Passcode;
            }
            self.renew_after(&mut member.full, code)?;
            self.keep(member);
        }
        Ok(())
    }

    /// The answer to a change that the verifier refused. A receipt that is worth nothing any more
    /// leaves the session, so that the page asks for a code.
    pub(super) fn change_refused(
        &mut self,
        member: &mut Member,
        rejection: Rejection,
        proof: &OwnedProof,
        origin: &Origin,
    ) -> Stop {
        if let OwnedProof::Code(code) = proof
            && let Err(stop) = self.follow_renewal(member, code, rejection)
        {
            return stop;
        }
        if matches!(
            rejection,
            Rejection::ProofExpired | Rejection::ProofTooWeak | Rejection::ForeignReceipt
        ) {
            member.full.receipt = None;
            self.keep(member);
        }
        self.refused_at(rejection, origin)
    }

    pub(super) fn refused_at(&mut self, problem: impl Into<Problem>, origin: &Origin) -> Stop {
        let answer = self.refuse_typed(problem, &origin.path, origin.typed.clone());
        answer.into()
    }

    /// Only the sign-in can check the first factor of this account.
    pub(super) fn sign_in_again(&self) -> GateAnswer {
        match self.wants_json() {
            true => self.message(Message::StepUp),
            false => self.redirect(&self.flow.settings.sign_in),
        }
    }

    /// Keeps what this request changed about the sign-in.
    pub(super) fn keep(&mut self, member: &Member) {
        self.session.stage = StageData::Full(member.full.clone());
    }

    /// The second factor is off: the sign-in has none, and needs none.
    pub(super) fn without_second_factor(&mut self, member: &mut Member) {
        member.full.receipt = None;
        member.full.factors.second = SecondFactorUse::None;
        member.full.factors.second_at = self.now;
        self.keep(member);
    }

    pub(super) fn is_fresh_first(&self, first: FirstFactor, margin: u64) -> bool {
        first.kind.needs_user() && self.is_fresh(first.at, margin)
    }

    pub(super) fn is_fresh(&self, at: Timestamp, margin: u64) -> bool {
        let age = self.flow.verifier.policy().proof_age().as_secs();
        Freshness::seconds(age.saturating_sub(margin)).is_fresh(at, self.now)
    }
}

/// Whether a sign-in used a code. A trusted device signs in without one.
pub(super) const fn has_code(second: SecondFactorUse) -> bool {
    !matches!(
        second,
        SecondFactorUse::None | SecondFactorUse::TrustedDevice
    )
}

/// A minute: filling in a form takes time.
pub(super) const MARGIN: u64 = 60;
