//! Enrolls an app: shows the QR code and the key, and checks the code that confirms it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::otp::SecretText;
use countersign::runtime::Clock;
use countersign::uri::qr::QrLevel;
use countersign::{Denied, EnrollmentId, EnrollmentRequest, Rejection};
use serde::Deserialize;

use super::prove::{Asked, OwnedProof, ProvePage, Typed, change};
use crate::app::{App, run_to_completion};
use crate::failure::Failure;
use crate::form::{Named, Nothing, OurForm};
use crate::layout::{Flash, Layout, Message, html};
use crate::mail::Change;
use crate::messages;
use crate::session::{KeptReceipt, Member, Purpose, Setup, Stage};
use crate::time_format::FormattedTime;
use crate::token;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    layout: Layout,
    tag: String,
    qr: SecretText,
    key: SecretText,
    link: SecretText,
    email: String,
    expires: FormattedTime,
    /// The authenticator that the new authenticator replaces.
    replaces: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

/// Asks for the password, if the last check is too long ago.
pub(crate) async fn ask(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    if member.user.enrolled {
        return Ok(Redirect::to("/two-factor/add").into_response());
    }
    let page = ProvePage::new(
        member
            .layout(&app, "Enable two-factor authentication")
            .await?,
        "/two-factor/enable",
        "To make sure that it is you, please enter your password.",
        "Continue",
        Asked::PASSWORD,
    );
    page.show(&app, &member).await
}

/// Starts the first enrollment. The button on the account page sends no password: the password of
/// the sign-in is enough while it is recent.
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
    let recent = age < app.verifier().policy().proof_age().as_secs();
    if !recent && !typed.has_password() {
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

/// Starts an enrollment, and returns the path of its page.
pub(crate) async fn begin_enrollment(
    app: &App,
    member: &mut Member,
    asked: Asked,
    typed: Typed,
    request: EnrollmentRequest,
    purpose: Purpose,
) -> Result<Result<String, Flash>, Failure> {
    let account = member.user.account();
    let started = change(
        app,
        member,
        asked,
        typed,
        |verifier, proof: OwnedProof| async move {
            verifier
                .begin_enrollment(&account, request, proof.proof())
                .await
        },
    );
    let enrollment = match started.await? {
        Ok(enrollment) => enrollment,
        Err(flash) => return Ok(Err(flash)),
    };
    let id = enrollment.id();
    member.visitor.set_setup(&Setup { id, purpose }).await?;
    Ok(Ok(format!("/two-factor/setup/{}", tag(id))))
}

/// Shows the same QR code again on a reload. If a later enrollment replaced this one, the page
/// reports it.
pub(crate) async fn show(
    State(app): State<App>,
    member: Member,
    Named(tag): Named,
) -> Result<Response, Failure> {
    let setup = match this_setup(&member, &tag).await? {
        Ok(setup) => setup,
        Err(end) => return end.show(&app, &member).await,
    };
    let account = member.user.account();
    let enrollment = match app.verifier().pending_enrollment(&account, setup.id).await {
        Ok(enrollment) => enrollment,
        Err(Denied::Rejected(rejection)) => {
            return SetupEnd::of(rejection).show(&app, &member).await;
        }
        Err(Denied::Failed(error)) => return Err(error.into()),
    };
    let uri = enrollment.key_uri();
    let page = SetupPage {
        layout: member.layout(&app, "Set up your authenticator app").await?,
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
        Err(end) => return end.show(&app, &member).await,
    };
    let (change, notice, next) = match setup.purpose {
        Purpose::First => (
            Change::Enabled,
            "Two-factor authentication is on. Now generate backup codes, in case you lose your phone."
                .into(),
            "/two-factor/backup-codes",
        ),
        Purpose::Another { name } => {
            let notice = format!("\"{name}\" is added.");
            (Change::Added { name }, notice, "/account")
        }
        Purpose::Replacement { name } => {
            let notice = format!(
                "\"{name}\" is replaced. The old entry in your app no longer works: delete it."
            );
            (Change::Replaced, notice, "/account")
        }
    };
    let verifier = app.verifier_keeping(&member.sign_in);
    let (owner, service) = (member.user.clone(), app.clone());
    let confirmed = run_to_completion(async move {
        let receipt = verifier
            .confirm_enrollment(&owner.account(), setup.id, &code)
            .await?;
        service.notify(&owner, &change);
        Ok::<_, Denied>(receipt)
    });
    let receipt = match confirmed.await? {
        Ok(receipt) => receipt,
        Err(Denied::Failed(error)) => return Err(error.into()),
        Err(Denied::Rejected(Rejection::WrongConfirmation { tries_left: 0 })) => {
            return SetupEnd::TooManyTries.show(&app, &member).await;
        }
        Err(Denied::Rejected(
            rejection @ (Rejection::WrongConfirmation { .. } | Rejection::Malformed),
        )) => {
            member
                .visitor
                .say(Flash::problem(confirmation_problem(rejection)))
                .await?;
            return Ok(Redirect::to(&format!("/two-factor/setup/{tag}")).into_response());
        }
        Err(Denied::Rejected(rejection)) => {
            return SetupEnd::of(rejection).show(&app, &member).await;
        }
    };
    member.sign_in.receipt = Some(KeptReceipt::of(&app, &receipt));
    member
        .visitor
        .enter(Stage::SignedIn(member.sign_in))
        .await?;
    member.visitor.say_at(Flash::notice(notice), next).await
}

/// Cancels the enrollment: the session forgets the id. Without the id, nobody can read or confirm
/// the enrollment.
pub(crate) async fn cancel(
    member: Member,
    Named(tag): Named,
    OurForm(Nothing {}): OurForm<Nothing>,
) -> Result<Response, Failure> {
    if this_setup(&member, &tag).await?.is_ok() {
        member.visitor.forget_setup().await?;
        let text = "Cancelled. Nothing was changed. If your app has a new entry, delete it.";
        member.visitor.say(Flash::notice(text)).await?;
    }
    Ok(Redirect::to("/account").into_response())
}

/// Why a setup has ended.
enum SetupEnd {
    Replaced,
    Expired,
    TooManyTries,
    Ended,
}

impl SetupEnd {
    const fn of(rejection: Rejection) -> Self {
        match rejection {
            Rejection::EnrollmentSuperseded => Self::Replaced,
            Rejection::EnrollmentExpired => Self::Expired,
            _ => Self::Ended,
        }
    }

    async fn show(self, app: &App, member: &Member) -> Result<Response, Failure> {
        let (title, text) = match self {
            Self::Replaced => (
                "This QR code was replaced",
                "You started the setup again in another tab or browser. If you have scanned this QR code, delete its entry \
                 from your app. Then continue there.",
            ),
            Self::Expired => (
                "This QR code has expired",
                "It was not confirmed in time. If you have scanned it, delete its entry from your app. Then start again.",
            ),
            Self::TooManyTries => (
                "Too many wrong codes",
                "This QR code no longer works. Delete its entry from your app, and start again. If this keeps happening, \
                 check that the clock of your phone is set automatically.",
            ),
            Self::Ended => (
                "This setup is over",
                "It was finished or cancelled. Your account page shows your authenticators.",
            ),
        };
        let page = Message {
            layout: member.layout(app, title).await?,
            text,
            link: ("/account", "Go to your account"),
        };
        Ok((StatusCode::GONE, html(&page)?).into_response())
    }
}

/// Returns the enrollment of this session, if it belongs to the page.
async fn this_setup(member: &Member, asked: &str) -> Result<Result<Setup, SetupEnd>, Failure> {
    Ok(match member.visitor.setup().await? {
        Some(setup) if tag(setup.id) == asked => Ok(setup),
        Some(_) => Err(SetupEnd::Replaced),
        None => Err(SetupEnd::Ended),
    })
}

/// The name of an enrollment in an address. The id itself stays on the server.
fn tag(id: EnrollmentId) -> String {
    let mut tag = token::hash(String::from(id).as_bytes());
    tag.truncate(16);
    tag
}

fn confirmation_problem(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed => "That is not a code: your app shows 6 digits.".into(),
        other => messages::refusal(other),
    }
}
