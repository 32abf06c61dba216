//! Enrolling an app: the QR code, the key to type, and the code that confirms it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::otp::SecretText;
use countersign::runtime::Clock;
use countersign::uri::qr::QrLevel;
use countersign::{Denied, EnrollmentId, EnrollmentRequest, Rejection};
use serde::Deserialize;

use super::prove::{Asked, Evidence, ProvePage, Typed, change};
use crate::app::{App, to_its_end};
use crate::failure::Failure;
use crate::form::{Named, Nothing, OurForm};
use crate::frame::{Flash, Frame, Message, html};
use crate::mail::Change;
use crate::token;
use crate::visitor::{KeptReceipt, Member, Purpose, Setup, Stage};
use crate::when::When;
use crate::words;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    tag: String,
    qr: SecretText,
    key: SecretText,
    link: SecretText,
    email: String,
    expires: When,
    /// The authenticator whose place this one takes.
    replaces: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

/// Asks for the password, if it was given too long ago.
pub(crate) async fn ask(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    if member.user.enrolled {
        return Ok(Redirect::to("/two-factor/add").into_response());
    }
    let page = ProvePage::new(
        member
            .frame(&app, "Enable two-factor authentication")
            .await?,
        "/two-factor/enable",
        "To be sure that it is you, please enter your password.",
        "Continue",
        Asked::PASSWORD,
    );
    page.show(&app, &member).await
}

/// Begins the first enrollment. The button on the account page sends no password: the one of the sign-in is enough, while it
/// is fresh.
pub(crate) async fn begin(
    State(app): State<App>,
    mut member: Member,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    if member.user.enrolled {
        return Ok(Redirect::to("/two-factor/add").into_response());
    }
    let age = app
        .clock()
        .now()
        .saturating_since(member.sign_in.password_checked_at);
    let fresh = age < app.verifier().policy().proof_age().as_secs();
    if !fresh && !typed.has_password() {
        return Ok(Redirect::to("/two-factor/enable").into_response());
    }
    let asked = Asked {
        password: typed.has_password(),
        code: false,
    };
    let request = EnrollmentRequest::new(&member.user.email);
    match begin_enrollment(&app, &mut member, asked, typed, request, Purpose::First).await? {
        Ok(path) => Ok(Redirect::to(&path).into_response()),
        Err(flash) => member.visitor.say_at(flash, "/two-factor/enable").await,
    }
}

/// Begins an enrollment, and gives the path of its page.
pub(crate) async fn begin_enrollment(
    app: &App,
    member: &mut Member,
    asked: Asked,
    typed: Typed,
    request: EnrollmentRequest,
    purpose: Purpose,
) -> Result<Result<String, Flash>, Failure> {
    let account = member.user.account();
    let begun = change(
        app,
        member,
        asked,
        typed,
        |verifier, evidence: Evidence| async move {
            verifier
                .begin_enrollment(&account, request, evidence.proof())
                .await
        },
    );
    let enrollment = match begun.await? {
        Ok(enrollment) => enrollment,
        Err(flash) => return Ok(Err(flash)),
    };
    let id = enrollment.id();
    member.visitor.set_setup(&Setup { id, purpose }).await?;
    Ok(Ok(format!("/two-factor/setup/{}", tag(id))))
}

/// Shows the same code again on a reload. A page whose enrollment was begun anew says so.
pub(crate) async fn show(
    State(app): State<App>,
    member: Member,
    Named(tag): Named,
) -> Result<Response, Failure> {
    let setup = match this_setup(&member, &tag).await? {
        Ok(setup) => setup,
        Err(over) => return over.show(&app, &member).await,
    };
    let account = member.user.account();
    let enrollment = match app.verifier().pending_enrollment(&account, setup.id).await {
        Ok(enrollment) => enrollment,
        Err(Denied::Rejected(rejection)) => return Over::of(rejection).show(&app, &member).await,
        Err(Denied::Failed(error)) => return Err(error.into()),
    };
    let uri = enrollment.key_uri();
    let page = SetupPage {
        frame: member.frame(&app, "Set up your authenticator app").await?,
        tag,
        qr: uri.qr_with(QrLevel::Medium)?.svg(),
        key: uri.secret().to_base32_grouped(),
        link: uri.to_secret_text(),
        email: member.user.email,
        expires: enrollment.expires_at().into(),
        replaces: match setup.purpose {
            Purpose::Replacement { name } => Some(name),
            _ => None,
        },
    };
    Ok(html(&page)?.into_response())
}

pub(crate) async fn confirm(
    State(app): State<App>,
    mut member: Member,
    Named(tag): Named,
    OurForm(Code { code }): OurForm<Code>,
) -> Result<Response, Failure> {
    let setup = match this_setup(&member, &tag).await? {
        Ok(setup) => setup,
        Err(over) => return over.show(&app, &member).await,
    };
    let (change, said, next) = match setup.purpose {
        Purpose::First => (
            Change::Enabled,
            "Two-factor authentication is on. Now make backup codes, in case you lose your phone."
                .into(),
            "/two-factor/backup-codes",
        ),
        Purpose::Another { name } => {
            let said = format!("\"{name}\" is added.");
            (Change::Added { name }, said, "/account")
        }
        Purpose::Replacement { name } => {
            let said = format!(
                "\"{name}\" is replaced. The old entry in your app does not sign in any more: delete it."
            );
            (Change::Replaced, said, "/account")
        }
    };
    let verifier = app.verifier_keeping(&member.sign_in);
    let (owner, service) = (member.user.clone(), app.clone());
    let confirmed = to_its_end(async move {
        let receipt = verifier
            .confirm_enrollment(&owner.account(), setup.id, &code)
            .await?;
        service.tell(&owner, &change);
        Ok::<_, Denied>(receipt)
    });
    let receipt = match confirmed.await? {
        Ok(receipt) => receipt,
        Err(Denied::Failed(error)) => return Err(error.into()),
        Err(Denied::Rejected(Rejection::WrongConfirmation { tries_left: 0 })) => {
            return Over::Spent.show(&app, &member).await;
        }
        Err(Denied::Rejected(
            rejection @ (Rejection::WrongConfirmation { .. } | Rejection::Malformed),
        )) => {
            member.visitor.say(Flash::problem(why(rejection))).await?;
            return Ok(Redirect::to(&format!("/two-factor/setup/{tag}")).into_response());
        }
        Err(Denied::Rejected(rejection)) => return Over::of(rejection).show(&app, &member).await,
    };
    member.sign_in.receipt = Some(KeptReceipt::of(&app, &receipt));
    member.visitor.enter(Stage::Full(member.sign_in)).await?;
    member.visitor.say_at(Flash::notice(said), next).await
}

/// Throws the enrollment away: without its id, which only the session has, nobody can read or confirm it.
pub(crate) async fn cancel(
    member: Member,
    Named(tag): Named,
    OurForm(Nothing {}): OurForm<Nothing>,
) -> Result<Response, Failure> {
    if this_setup(&member, &tag).await?.is_ok() {
        member.visitor.forget_setup().await?;
        let text =
            "Cancelled. Nothing was changed. If your app has a new entry already, delete it.";
        member.visitor.say(Flash::notice(text)).await?;
    }
    Ok(Redirect::to("/account").into_response())
}

/// Why a setup page leads nowhere.
enum Over {
    BegunAnew,
    Expired,
    Spent,
    Ended,
}

impl Over {
    const fn of(rejection: Rejection) -> Self {
        match rejection {
            Rejection::EnrollmentSuperseded => Self::BegunAnew,
            Rejection::EnrollmentExpired => Self::Expired,
            _ => Self::Ended,
        }
    }

    async fn show(self, app: &App, member: &Member) -> Result<Response, Failure> {
        let (title, text) = match self {
            Self::BegunAnew => (
                "This QR code is void",
                "You have begun anew, in another tab or another browser. Delete the entry of this QR code from your app if \
                 you have scanned it, and go on there.",
            ),
            Self::Expired => (
                "This QR code is too old",
                "It was not confirmed in time. Delete its entry from your app if you have scanned it, and begin again.",
            ),
            Self::Spent => (
                "Too many wrong codes",
                "This QR code is void now. Delete its entry from your app, and begin again. If it goes on, check that the \
                 clock of your phone is set automatically.",
            ),
            Self::Ended => (
                "This setup is over",
                "It was finished or cancelled. Your account says how things stand.",
            ),
        };
        let page = Message {
            frame: member.frame(app, title).await?,
            text,
            link: ("/account", "Go to your account"),
        };
        Ok((StatusCode::GONE, html(&page)?).into_response())
    }
}

/// The enrollment of this session, if it is the one that the page was made for.
async fn this_setup(member: &Member, asked: &str) -> Result<Result<Setup, Over>, Failure> {
    Ok(match member.visitor.setup().await? {
        Some(setup) if tag(setup.id) == asked => Ok(setup),
        Some(_) => Err(Over::BegunAnew),
        None => Err(Over::Ended),
    })
}

/// Names an enrollment in an address. The id itself stays with the server.
fn tag(id: EnrollmentId) -> String {
    let mut tag = token::digest(String::from(id).as_bytes());
    tag.truncate(16);
    tag
}

fn why(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed => "That is no code: your app shows 6 digits.".into(),
        other => words::why(other),
    }
}
