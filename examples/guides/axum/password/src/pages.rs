use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use tower_sessions::Session;

use crate::users::{Login, Users};
use crate::{Problem, Result};

/// The page for members.
pub async fn members(State(users): State<Users>, session: Session) -> Result<Response, Problem> {
    let Some(user) = session.get::<i64>("user").await? else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    let email = users.email(user).await?.replace('<', "&lt;");
    let html = format!(
        r#"<p>Hello, {email}.</p>
        <form method="post" action="/sign-out">
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
    session: Session,
    Form(login): Form<Login>,
) -> Result<Response, Problem> {
    let Some(user) = users.sign_in(&login.email, &login.password).await? else {
        let text = "Wrong address or password.";
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, text).into_response());
    };
    session.cycle_id().await?;
    session.insert("user", user).await?;
    Ok(Redirect::to("/").into_response())
}

pub async fn sign_out(session: Session) -> Result<Redirect, Problem> {
    session.flush().await?;
    Ok(Redirect::to("/sign-in"))
}

const SIGN_IN: &str = r#"<form method="post" action="/sign-in">
    <input name="email" type="email" autocomplete="username" required>
    <input name="password" type="password" required>
    <button>Sign in</button> <button formaction="/sign-up">Sign up</button></form>"#;
