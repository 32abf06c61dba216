use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use countersign_axum::{Door, FirstFactorKind, SignedIn};

use crate::users::{Login, Users};
use crate::{Problem, Result};

/// The page for members.
pub async fn members(State(users): State<Users>, user: SignedIn) -> Result<Response, Problem> {
    let (user, csrf) = (user.account().as_str().parse()?, user.csrf());
    let email = users.email(user).await?.replace('<', "&lt;");
    let html = format!(
        r#"<p>Hello, {email}.</p>
        <p><a href="/two-factor">Second factor</a></p>
        <form method="post" action="/two-factor/sign-out"><input type="hidden" name="csrf" value="{csrf}">
        <button>Sign out</button></form>"#
    );
    Ok(Html(html).into_response())
}

pub async fn sign_in_page() -> Html<&'static str> {
    Html(SIGN_IN)
}

pub async fn sign_up(
    State(users): State<Users>,
    Form(login): Form<Login>,
) -> Result<Response, Problem> {
    if users.sign_up(login).await? {
        Ok(Redirect::to("/sign-in").into_response())
    } else {
        Ok((StatusCode::CONFLICT, "This address has an account.").into_response())
    }
}

pub async fn sign_in(
    State(users): State<Users>,
    door: Door,
    Form(login): Form<Login>,
) -> Result<Response, Problem> {
    let Some(user) = users.sign_in(&login.email, &login.password).await? else {
        let text = "Wrong address or password.";
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, text).into_response());
    };
    Ok(door.first_factor(user, FirstFactorKind::Password).await)
}

const SIGN_IN: &str = r#"<form method="post" action="/sign-in">
    <input name="email" type="email" autocomplete="username" required>
    <input name="password" type="password" required>
    <button>Sign in</button> <button formaction="/sign-up">Sign up</button></form>"#;
