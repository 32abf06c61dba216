//! Signs in with a password.

use askama::Template;
use axum::Form;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use countersign_axum::{Door, FirstFactorKind, SignedIn};
use serde::Deserialize;

use crate::app::App;
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::users::{self, Checked};

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
    let problem = match query.as_deref() {
        Some("link") => {
            Some("That link was used already, has expired, or belongs to another browser.")
        }
        Some("account") => Some("You have an account already. Please sign in."),
        _ => None,
    };
    let layout = Layout::bare("Sign in").with_problem(problem.map(str::to_owned));
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
        Checked::Correct(user) => {
            let entered = door.first_factor(user.account(), FirstFactorKind::Password);
            return Ok(entered.await);
        }
        Checked::Wrong => {
            let text = "Wrong email address or password.".to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, text)
        }
        Checked::TooMany { retry_after } => {
            let minutes = retry_after.as_secs().div_ceil(60);
            let text = format!("Too many wrong passwords. Try again in {minutes} min.");
            (StatusCode::TOO_MANY_REQUESTS, text)
        }
    };
    let layout = Layout::bare("Error: sign in").with_problem(Some(problem));
    Ok((status, html(&SignInPage { layout, email })?).into_response())
}
