//! Signs in with a password.

use askama::Template;
use axum::Form;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use countersign_axum::{Door, FirstFactorKind, PasswordCheck, SignedIn};
use serde::Deserialize;

use crate::app::App;
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::users;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    layout: Layout,
    email: String,
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    email: String,
    password: String,
}

pub(crate) async fn form(
    signed_in: Option<SignedIn>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    if signed_in.is_some() {
        return Ok(Redirect::to("/account").into_response());
    }
    let layout = Layout::bare("Sign in");
    let layout = match query.as_deref() {
        Some("link") => layout.with_problem(
            "That link was used already, has expired, or belongs to another browser.",
        ),
        Some("account") => layout.with_problem("You have an account already. Please sign in."),
        _ => layout,
    };
    let email = String::new();
    html(&SignInPage { layout, email })
}

pub(crate) async fn password(
    State(app): State<App>,
    door: Door,
    Form(Credentials { email, password }): Form<Credentials>,
) -> Result<Response, Failure> {
    let name = users::normal(&email);
    let (status, problem) = match app.users.check(&name, password).await? {
        Ok(user) => {
            let entered = door.first_factor(user.account(), FirstFactorKind::Password);
            return Ok(entered.await);
        }
        Err(PasswordCheck::TooMany { retry_after }) => {
            let minutes = retry_after.as_secs().div_ceil(60);
            let text = format!("Too many wrong passwords. Try again in {minutes} min.");
            (StatusCode::TOO_MANY_REQUESTS, text)
        }
        Err(_) => {
            let text = "Wrong email address or password.".to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, text)
        }
    };
    let layout = Layout::bare("Sign in").with_problem(problem);
    Ok((status, html(&SignInPage { layout, email })?).into_response())
}
