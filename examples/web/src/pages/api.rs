//! An API for programs. A token is a first factor, like a password: the code comes next.

use askama::Template;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use countersign_axum::{Door, FirstFactorKind, Fresh, SignedIn};
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::database::{execute, query};
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::token;

#[derive(Template)]
#[template(path = "api_token.html")]
struct TokenPage {
    layout: Layout,
    token: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Ours {
    csrf: String,
}

/// Asks before a token is made. A new token replaces the earlier one.
pub(crate) async fn ask(
    State(app): State<App>,
    Fresh(member): Fresh<10>,
) -> Result<Response, Failure> {
    let user = app.user(&member).await?;
    let layout = Layout::of(&app, &member, &user, "API token");
    let token = None;
    html(&TokenPage { layout, token })
}

pub(crate) async fn create(
    State(app): State<App>,
    Fresh(member): Fresh<10>,
    Form(Ours { csrf }): Form<Ours>,
) -> Result<Response, Failure> {
    member.check_csrf(&csrf).map_err(Failure::not_our_form)?;
    let user = app.user(&member).await?;
    let token = token::new()?;
    let sql = "INSERT INTO api_tokens (user_id, token) VALUES ($1, $2) \
        ON CONFLICT (user_id) DO UPDATE SET token = $2";
    execute!(&app.users.database, sql, user.id, token::hash(&token))?;
    let layout = Layout::of(&app, &member, &user, "Your API token");
    let token = Some(token);
    html(&TokenPage { layout, token })
}

/// Begins a session with a token.
pub(crate) async fn begin(
    State(app): State<App>,
    headers: HeaderMap,
    door: Door,
) -> Result<Response, Failure> {
    let header = headers.get(AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer "));
    // No token has the hash of an empty text.
    let hash = token::hash(token.unwrap_or_default());
    let sql = "SELECT user_id FROM api_tokens WHERE token = $1";
    let row: Option<(i64,)> = query!(fetch_optional, &app.users.database, sql, hash)?;
    match row {
        Some((user,)) => Ok(door.first_factor(user, FirstFactorKind::ApiToken).await),
        None => {
            let body = json!({ "title": "The token is missing or unknown", "status": 401 });
            Ok((StatusCode::UNAUTHORIZED, Json(body)).into_response())
        }
    }
}

/// The account, for programs.
pub(crate) async fn account(State(app): State<App>, member: SignedIn) -> Result<Response, Failure> {
    let user = app.user(&member).await?;
    Ok(Json(json!({ "email": user.email, "two_factor": user.enrolled })).into_response())
}
