use actix_session::Session;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Form};
use actix_web::{HttpResponse, get, post};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use countersign::runtime::{Clock, SystemClock};
use countersign::{SealedReceipt, Status, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::pages::{CODE, OFF, ON, SIGN_IN, page};
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

pub fn stage(session: &Session) -> Result<Stage, Problem> {
    Ok(session.get("stage")?.unwrap_or_default())
}

pub fn see_home() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/")).finish()
}

#[derive(Deserialize)]
pub struct Login {
    email: String,
    password: String,
}

#[get("/")]
pub async fn home(app: Data<App>, session: Session) -> Result<HttpResponse, Problem> {
    if session.contains_key("renew") {
        session.remove("renew");
        session.renew();
    }
    let page = match stage(&session)? {
        Stage::SignedOut => page(200, "Please sign in, or sign up.", SIGN_IN),
        Stage::Half { .. } => page(200, "Enter a code from your app, or a backup code.", CODE),
        Stage::Full { user, .. } => match app.verifier.status(&user.into()).await? {
            Status::Enabled(_) => page(200, "Two-factor authentication is on.", ON),
            _ => page(200, "Two-factor authentication is off.", OFF),
        },
    };
    Ok(page.into())
}

#[post("/sign-up")]
pub async fn sign_up(app: Data<App>, Form(form): Form<Login>) -> Result<HttpResponse, Problem> {
    let hash = move || Argon2::default().hash_password(form.password.as_bytes());
    let hash = spawn_blocking(hash).await??.to_string();
    let sql = "INSERT INTO users (email, password_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql).bind(form.email).bind(hash).execute(&app.pool).await?;
    let page = match done.rows_affected() {
        0 => page(409, "This address has an account already.", SIGN_IN),
        _ => page(200, "You have an account now. Please sign in.", SIGN_IN),
    };
    Ok(page.into())
}

#[post("/sign-in")]
pub async fn sign_in(app: Data<App>, session: Session, Form(form): Form<Login>) -> Result<HttpResponse, Problem> {
    let sql = "SELECT id, enrolled, password_hash FROM users WHERE email = $1";
    let row = sqlx::query_as(sql).bind(form.email).fetch_optional(&app.pool).await?;
    let (user, hash): (Option<(i64, bool)>, Option<String>) =
        row.map(|(id, enrolled, hash)| ((id, enrolled), hash)).unzip();
    let checked_at = SystemClock.now();
    let is_right = spawn_blocking(move || matches(hash.as_deref(), form.password.as_bytes()));
    let (true, Some((user, enrolled))) = (is_right.await?, user) else {
        return Ok(page(422, "Wrong address or password.", SIGN_IN).into());
    };
    // The password alone is enough only if the record and the flag agree.
    let stage = match (app.verifier.status(&user.into()).await?, enrolled) {
        (Status::Enabled(_), _) => Stage::Half { user, checked_at },
        (Status::Absent | Status::Disabled, false) => Stage::Full { user, checked_at, receipt: None },
        _ => return Err("the flag is set, and the record of the second factor is lost".into()),
    };
    session.renew();
    session.insert("stage", stage)?;
    Ok(see_home())
}

/// Takes as long for an unknown address as for a known one.
fn matches(hash: Option<&str>, password: &[u8]) -> bool {
    match hash.map(PasswordHash::new) {
        Some(Ok(hash)) => Argon2::default().verify_password(password, &hash).is_ok(),
        _ => Argon2::default().hash_password(password).is_err(),
    }
}

#[post("/sign-out")]
pub async fn sign_out(session: Session) -> Result<HttpResponse, Problem> {
    session.purge();
    Ok(see_home())
}
