use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::runtime::{Clock, SystemClock};
use countersign::{SealedReceipt, Status, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tower_sessions::Session;

use crate::pages::{CODE, OFF, ON, Page, SIGN_IN, page};
use crate::{App, Problem};

/// What the session holds. `Half` gives access to the code page and nothing else.
#[derive(Default, Serialize, Deserialize)]
pub enum Stage {
    #[default]
    SignedOut,
    Half {
        user: i64,
        checked_at: Timestamp,
    },
    Full {
        user: i64,
        checked_at: Timestamp,
        receipt: Option<SealedReceipt>,
    },
}

pub async fn stage(session: &Session) -> Result<Stage, Problem> {
    Ok(session.get("stage").await?.unwrap_or_default())
}

#[derive(Deserialize)]
pub struct Login {
    email: String,
    password: String,
}

pub async fn home(State(app): State<App>, session: Session) -> Result<Page, Problem> {
    if session.get_value("renew").await?.is_some() {
        session.remove_value("renew").await?;
        session.cycle_id().await?;
    }
    Ok(match stage(&session).await? {
        Stage::SignedOut => page(200, "Please sign in, or sign up.", SIGN_IN),
        Stage::Half { .. } => page(200, "Enter a code from your app, or a backup code.", CODE),
        Stage::Full { user, .. } => match app.verifier.status(&user.into()).await? {
            Status::Enabled(_) => page(200, "Two-factor authentication is on.", ON),
            _ => page(200, "Two-factor authentication is off.", OFF),
        },
    })
}

pub async fn sign_up(State(app): State<App>, Form(form): Form<Login>) -> Result<Page, Problem> {
    let hash = move || Argon2::default().hash_password(form.password.as_bytes());
    let hash = spawn_blocking(hash).await??.to_string();
    let sql = "INSERT INTO users (email, password_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql).bind(form.email).bind(hash).execute(&app.pool).await?;
    Ok(match done.rows_affected() {
        0 => page(409, "This address has an account already.", SIGN_IN),
        _ => page(200, "You have an account now. Please sign in.", SIGN_IN),
    })
}

pub async fn sign_in(State(app): State<App>, session: Session, Form(form): Form<Login>) -> Result<Response, Problem> {
    let sql = "SELECT id, enrolled, password_hash FROM users WHERE email = $1";
    let row = sqlx::query_as(sql).bind(form.email).fetch_optional(&app.pool).await?;
    let (user, hash): (Option<(i64, bool)>, Option<String>) =
        row.map(|(id, enrolled, hash)| ((id, enrolled), hash)).unzip();
    let checked_at = SystemClock.now();
    let is_right = spawn_blocking(move || matches(hash.as_deref(), form.password.as_bytes()));
    let (true, Some((user, enrolled))) = (is_right.await?, user) else {
        return Ok(page(422, "Wrong address or password.", SIGN_IN).into_response());
    };
    // The password alone is enough only if the record and the flag agree.
    let stage = match (app.verifier.status(&user.into()).await?, enrolled) {
        (Status::Enabled(_), _) => Stage::Half { user, checked_at },
        (Status::Absent | Status::Disabled, false) => Stage::Full { user, checked_at, receipt: None },
        _ => return Err("the flag is set, and the record of the second factor is lost".into()),
    };
    session.cycle_id().await?;
    session.insert("stage", stage).await?;
    Ok(Redirect::to("/").into_response())
}

/// Takes as long for an unknown address as for a known one.
fn matches(hash: Option<&str>, password: &[u8]) -> bool {
    match hash.map(PasswordHash::new) {
        Some(Ok(hash)) => Argon2::default().verify_password(password, &hash).is_ok(),
        _ => Argon2::default().hash_password(password).is_err(),
    }
}

pub async fn sign_out(session: Session) -> Result<Redirect, Problem> {
    session.flush().await?;
    Ok(Redirect::to("/"))
}
