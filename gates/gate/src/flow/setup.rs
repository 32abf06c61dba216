//! Begins an enrollment, shows its QR code, and cancels it.

use countersign::session::HalfSession;
use countersign::uri::qr::QrLevel;
use countersign::uri::{KeyUri, KeyUriKind};
use countersign::{
    AccountId, AuthenticatorId, EnrollmentId, EnrollmentRequest, FirstFactor, Rejection,
};

use super::proof::{MARGIN, Origin, OwnedProof, ProofForm};
use super::prove::Asked;
use super::visit::{Member, NoFields, Sender, Visit};
use super::{Stop, rejected};
use crate::accounts::{Accounts, BoxError};
use crate::exchange::GateAnswer;
use crate::page::{Change, Content, Done, Message, SetupPage, SetupPurpose};
use crate::problem::Problem;
use crate::random::{self, Use};
use crate::say::Say;
use crate::session_data::{Half, Purpose, Setup, StageData};
use crate::sign_ins::{RowsOfRequest, SignInStore};

/// Who may enroll: a signed-in user, or one who must enroll before anything else.
#[derive(Clone, Debug)]
pub(super) enum Enroller {
    Half(Half),
    Full(Member),
}

impl Enroller {
    pub(super) const fn account(&self) -> &AccountId {
        match self {
            Self::Half(half) => half.session.account(),
            Self::Full(member) => &member.account,
        }
    }

    const fn first_factor(&self) -> FirstFactor {
        match self {
            Self::Half(half) => half.session.first_factor(),
            Self::Full(member) => member.full.factors.first,
        }
    }
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// Asks for the password before the first enrollment, if the last check is too long ago.
    pub(crate) async fn ask_setup(&mut self) -> Result<GateAnswer, Stop> {
        let who = self.enroller().await?;
        if let Some(answer) = self.enrolled_already(&who).await? {
            return Ok(answer);
        }
        let asked = Asked {
            password: self.needs_password(&who, MARGIN).await?,
            code: false,
        };
        let back = match &who {
            Enroller::Half(_) => self.flow.settings.sign_in.clone(),
            Enroller::Full(_) => self.path(""),
        };
        let page = self.prove_page(Change::Enable, self.path("/setup"), back, asked);
        let account = who.account();
        self.page(account, Content::Prove(page)).await
    }

    /// Begins the first enrollment. The first factor of the sign-in is enough while it is fresh.
    pub(crate) async fn begin_setup(&mut self) -> Result<GateAnswer, Stop> {
        let who = self.enroller().await?;
        let form: ProofForm = self.form()?;
        if let Some(answer) = self.enrolled_already(&who).await? {
            return Ok(answer);
        }
        let origin = Origin {
            path: self.path("/setup"),
            typed: None,
        };
        let account = who.account().clone();
        let mut first = who.first_factor();
        if self
            .check_password(&account, &form.password, &origin)
            .await?
        {
            first = FirstFactor::password(self.now);
            self.set_first_factor(who, first);
        } else if self.needs_password(&who, 0).await? {
            // The button of the overview sends no password: the page asks for it.
            return Ok(match self.wants_json() {
                true => self.refuse(Problem::PasswordMissing, &origin.path),
                false => self.redirect(&origin.path),
            });
        }
        let proof = OwnedProof::Password(first.at);
        let request = self.enrollment_request(&account, None).await?;
        let begun = self.begin_enrollment(&account, request, &proof, Purpose::First);
        match begun.await? {
            Ok(path) => Ok(self.redirect(&path)),
            Err(rejection) => Ok(self.refuse(rejection, &origin.path)),
        }
    }

    fn set_first_factor(&mut self, who: Enroller, first: FirstFactor) {
        match who {
            Enroller::Half(half) => {
                let session = HalfSession::new(half.session.account().clone(), first);
                self.session.stage = StageData::Half(Half { session, ..half });
            }
            Enroller::Full(mut member) => {
                member.full.factors.first = first;
                self.keep(&member);
            }
        }
    }

    async fn needs_password(&self, who: &Enroller, margin: u64) -> Result<bool, Stop> {
        if self.is_fresh_first(who.first_factor(), margin) {
            return Ok(false);
        }
        match self.flow.accounts.has_password(who.account()).await? {
            true => Ok(true),
            false => Err(self.sign_in_again().into()),
        }
    }

    /// Where a user goes whose account has a second factor already.
    async fn enrolled_already(&mut self, who: &Enroller) -> Result<Option<GateAnswer>, Stop> {
        if self.enabled(who.account()).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(match who {
            Enroller::Full(_) => self.redirect(&self.path("/add")),
            Enroller::Half(_) => self.go_to_code(),
        }))
    }

    /// Another request has enrolled: a code is what is missing now.
    pub(super) fn go_to_code(&mut self) -> GateAnswer {
        if let StageData::Half(half) = &mut self.session.stage {
            half.must_enroll = false;
        }
        self.redirect(&self.path("/code"))
    }

    pub(super) async fn enroller(&mut self) -> Result<Enroller, Stop> {
        match self.sender().await? {
            Sender::Full(member) => Ok(Enroller::Full(member)),
            Sender::Half(half) if half.must_enroll => Ok(Enroller::Half(half)),
            other => Err(self.send_away(&other)),
        }
    }

    pub(super) async fn enrollment_request(
        &self,
        account: &AccountId,
        replaces: Option<AuthenticatorId>,
    ) -> Result<EnrollmentRequest, Stop> {
        let name = self.flow.accounts.account_name(account).await?;
        let name = match KeyUri::fit_name(&name, LONGEST_NAME) {
            // An app needs a name.
            name if name.is_empty() => KeyUri::fit_name(account.as_str(), LONGEST_NAME),
            name => name,
        };
        Ok(match replaces {
            Some(id) => EnrollmentRequest::replacing(id, &name),
            None => EnrollmentRequest::new(&name),
        })
    }

    /// Begins an enrollment, and returns the path of its page. An earlier enrollment ends.
    pub(super) async fn begin_enrollment(
        &mut self,
        account: &AccountId,
        request: EnrollmentRequest,
        proof: &OwnedProof,
        purpose: Purpose,
    ) -> Result<Result<String, Rejection>, Stop> {
        let verifier = self.verifier(RowsOfRequest::default());
        let begun = verifier
            .begin_enrollment(account, request, proof.proof())
            .await;
        let id = match begun {
            Ok(enrollment) => enrollment.id(),
            Err(denied) => return Ok(Err(rejected(denied)?)),
        };
        self.session.setup = Some(Setup {
            id,
            purpose,
            confirmed: false,
        });
        Ok(Ok(self.path(&format!("/setup/{}", tag(id)?))))
    }

    /// Shows the same QR code again on a reload.
    pub(crate) async fn show_setup(&mut self, asked: &str) -> Result<GateAnswer, Stop> {
        let who = self.enroller().await?;
        let setup = self.this_setup(asked)?;
        if setup.confirmed {
            return Ok(self.message(Message::SetupOver));
        }
        let account = who.account();
        let pending = self.flow.verifier.pending_enrollment(account, setup.id);
        let enrollment = match pending.await {
            Ok(enrollment) => enrollment,
            Err(denied) => return Ok(self.message(end_of_setup(rejected(denied)?))),
        };
        let uri = enrollment.key_uri();
        let qr = uri.qr_with(QrLevel::Medium).map_err(BoxError::from)?;
        let expires_at = enrollment.expires_at();
        let page = SetupPage {
            tag: asked.to_owned(),
            qr: qr.svg(),
            key: uri.secret().to_base32_grouped(),
            link: uri.to_secret_text(),
            account_name: uri.account().to_owned(),
            issuer: uri.issuer().unwrap_or_default().to_owned(),
            digits: uri.digits().get(),
            period: match uri.kind() {
                KeyUriKind::Totp { period } => period.as_secs(),
                _ => 0,
            },
            algorithm: uri.algorithm().name().to_owned(),
            expires_at,
            expires_in: expires_at.saturating_since(self.now),
            purpose: match setup.purpose {
                Purpose::First => SetupPurpose::First,
                Purpose::Another { name } => SetupPurpose::Another { name },
                Purpose::Replacement { name } => SetupPurpose::Replacement { name },
            },
        };
        self.page(account, Content::Setup(page)).await
    }

    /// Cancels the enrollment: the session forgets the id, and without the id nobody can read or
    /// confirm it.
    pub(crate) async fn cancel_setup(&mut self, asked: &str) -> Result<GateAnswer, Stop> {
        let who = self.enroller().await?;
        let NoFields {} = self.form()?;
        let is_open = |setup: Setup| !setup.confirmed;
        if self.this_setup(asked).is_ok_and(is_open) {
            self.session.setup = None;
            self.say(Say::Done(Done::SetupCancelled));
        }
        Ok(self.redirect(&match who {
            Enroller::Half(_) => self.path("/setup"),
            Enroller::Full(_) => self.path(""),
        }))
    }

    /// The enrollment of this session, if the address means this one.
    pub(super) fn this_setup(&self, asked: &str) -> Result<Setup, Stop> {
        let message = match &self.session.setup {
            Some(setup) if tag(setup.id)? == asked => return Ok(setup.clone()),
            Some(_) => Message::SetupReplaced,
            None => Message::SetupOver,
        };
        Err(self.message(message).into())
    }
}

/// The name of an enrollment in addresses. The id stays in the session.
fn tag(id: EnrollmentId) -> Result<String, BoxError> {
    let digest = random::derive(&String::from(id), "", Use::SetupTag)?;
    let mut tag = random::hex(digest);
    tag.truncate(16);
    Ok(tag)
}

pub(super) const fn end_of_setup(rejection: Rejection) -> Message {
    match rejection {
        Rejection::EnrollmentSuperseded => Message::SetupReplaced,
        Rejection::EnrollmentExpired => Message::SetupExpired,
        Rejection::WrongConfirmation { tries_left: 0 } => Message::SetupTooManyTries,
        _ => Message::SetupOver,
    }
}

/// The longest name of an account in an app, in characters.
const LONGEST_NAME: usize = 100;
