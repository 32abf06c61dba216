//! The sign-in page: the password.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::Status;
use countersign::runtime::Clock;
use serde::Deserialize;

use crate::app::{App, OrFail};
use crate::failure::Failure;
use crate::form::{Nothing, OurForm};
use crate::layout::{Flash, Layout, html};
use crate::session::{SignIn, Stage, Visitor};
use crate::time_format::span;
use crate::users::{Checked, User};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    layout: Layout,
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    email: String,
    password: String,
}

pub(crate) async fn form(
    State(app): State<App>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    if let Some(Stage::SignedIn(sign_in)) = visitor.stage().await?
        && app
            .users()
            .signed_in(&sign_in.id)
            .await
            .or_fail()?
            .is_some()
    {
        return Ok(Redirect::to("/account").into_response());
    }
    let mut layout = visitor.layout("Sign in").await?;
    let flash = match query.as_deref() {
        Some("ended") => Some(Flash::problem(
            "Your session has ended. Please sign in again.",
        )),
        Some("signed-out") => Some(Flash::notice("You are signed out.")),
        _ => None,
    };
    layout.flash = layout.flash.or(flash);
    Ok(html(&SignInPage { layout })?.into_response())
}

pub(crate) async fn password(
    State(app): State<App>,
    visitor: Visitor,
    OurForm(Credentials { email, password }): OurForm<Credentials>,
) -> Result<Response, Failure> {
    let name = email.trim().to_ascii_lowercase();
    let problem = match app.users().check(&name, password).await.or_fail()? {
        Checked::Correct(user) => return password_accepted(&app, &visitor, user).await,
        Checked::Wrong => "Wrong email address or password.".to_owned(),
        Checked::TooMany { retry_after } => {
            format!(
                "Too many wrong passwords. Try again in {}.",
                span(retry_after)
            )
        }
    };
    visitor
        .say_at(Flash::problem(problem).with_typed(&email), "/sign-in")
        .await
}

/// Decides whether a code is needed. A record with a second factor always needs one. Without such a
/// record, the service's own flag must agree that there is no second factor. Otherwise a deleted or
/// restored row would let an attacker sign in.
async fn password_accepted(app: &App, visitor: &Visitor, user: User) -> Result<Response, Failure> {
    let password_checked_at = app.clock().now();
    let status = app.verifier().status(&user.account()).await?;
    match (status, user.enrolled) {
        (Status::Enabled(_), _) => {
            let stage = Stage::Partial {
                user: user.id,
                password_checked_at,
            };
            visitor.begin(stage).await?;
            Ok(Redirect::to("/sign-in/code").into_response())
        }
        (Status::Absent | Status::Disabled, false) => {
            let redirect = by_password(app, visitor, &user).await?;
            Ok(redirect.into_response())
        }
        _ => {
            tracing::error!(
                account = user.id,
                "the flag is set, and the record is lost or out of date"
            );
            let text = "The record of your second factor is lost or out of date. It is not your fault. Please write to \
                us.";
            let title = "We cannot sign you in";
            Err(Failure::message(
                StatusCode::SERVICE_UNAVAILABLE,
                title,
                text,
            ))
        }
    }
}

/// Signs in a user without a second factor, just after the password check, and returns the next
/// page.
pub(crate) async fn by_password(
    app: &App,
    visitor: &Visitor,
    user: &User,
) -> Result<Redirect, Failure> {
    let Some(id) = app.users().sign_in_by_password(user).await.or_fail()? else {
        let text = "Your second factor has just been changed. Please sign in again.";
        visitor.say(Flash::problem(text)).await?;
        return Ok(Redirect::to("/sign-in"));
    };
    let sign_in = SignIn {
        id,
        password_checked_at: app.clock().now(),
        receipt: None,
    };
    visitor.begin(Stage::SignedIn(sign_in)).await?;
    Ok(Redirect::to("/account"))
}

/// Signs out. On the code page this cancels the sign-in.
pub(crate) async fn sign_out(
    State(app): State<App>,
    visitor: Visitor,
    OurForm(Nothing {}): OurForm<Nothing>,
) -> Result<Response, Failure> {
    if let Some(Stage::SignedIn(sign_in)) = visitor.stage().await? {
        app.users().sign_out(&sign_in.id).await.or_fail()?;
    }
    visitor.leave().await?;
    Ok(Redirect::to("/sign-in?signed-out").into_response())
}
