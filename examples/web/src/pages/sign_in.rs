//! The first page: the password.

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
use crate::frame::{Flash, Frame, html};
use crate::users::{Checked, User};
use crate::visitor::{SignIn, Stage, Visitor};
use crate::when::span;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
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
    if let Some(Stage::Full(sign_in)) = visitor.stage().await?
        && app
            .users()
            .signed_in(&sign_in.id)
            .await
            .or_fail()?
            .is_some()
    {
        return Ok(Redirect::to("/account").into_response());
    }
    let mut frame = visitor.frame("Sign in").await?;
    let why = match query.as_deref() {
        Some("ended") => Some(Flash::problem(
            "Your session has ended. Please sign in again.",
        )),
        Some("signed-out") => Some(Flash::notice("You are signed out.")),
        _ => None,
    };
    frame.flash = frame.flash.or(why);
    Ok(html(&SignInPage { frame })?.into_response())
}

pub(crate) async fn password(
    State(app): State<App>,
    visitor: Visitor,
    OurForm(Credentials { email, password }): OurForm<Credentials>,
) -> Result<Response, Failure> {
    let name = email.trim().to_ascii_lowercase();
    let problem = match app.users().check(&name, password).await.or_fail()? {
        Checked::Right(user) => return password_was_right(&app, &visitor, user).await,
        Checked::Wrong => "That is not the right email address and password.".to_owned(),
        Checked::TooMany { retry_after } => {
            format!("Too many tries. Try again in {}.", span(retry_after))
        }
    };
    visitor
        .say_at(Flash::problem(problem).with_typed(&email), "/sign-in")
        .await
}

/// The record decides whether a code is needed, if it is there. That there is none, or none with a factor, counts only if
/// the host's own flag agrees: a row that was deleted, or put back as it was, must not open the door.
async fn password_was_right(app: &App, visitor: &Visitor, user: User) -> Result<Response, Failure> {
    let password_checked_at = app.clock().now();
    let status = app.verifier().status(&user.account()).await?;
    match (status, user.enrolled) {
        (Status::Enabled(_), _) => {
            let stage = Stage::Half {
                user: user.id,
                password_checked_at,
            };
            visitor.begin(stage).await?;
            Ok(Redirect::to("/sign-in/code").into_response())
        }
        (Status::Absent | Status::Disabled, false) => {
            let in_by_password = by_password(app, visitor, &user).await?;
            Ok(in_by_password.into_response())
        }
        _ => {
            tracing::error!(
                account = user.id,
                "enrolled, and the record is lost or out of date"
            );
            let text = "The record of your second factor is lost or out of date, so we cannot let anybody in. It is \
                not your fault: write to us.";
            let title = "We cannot sign you in";
            Err(Failure::message(
                StatusCode::SERVICE_UNAVAILABLE,
                title,
                text,
            ))
        }
    }
}

/// Signs somebody in who has no second factor, whose password was right just now, and says where to go.
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
    visitor.begin(Stage::Full(sign_in)).await?;
    Ok(Redirect::to("/account"))
}

/// Also for somebody who is half signed in and wants to begin anew.
pub(crate) async fn sign_out(
    State(app): State<App>,
    visitor: Visitor,
    OurForm(Nothing {}): OurForm<Nothing>,
) -> Result<Response, Failure> {
    if let Some(Stage::Full(sign_in)) = visitor.stage().await? {
        app.users().sign_out(&sign_in.id).await.or_fail()?;
    }
    visitor.leave().await?;
    Ok(Redirect::to("/sign-in?signed-out").into_response())
}
