//! A service with a password and a second factor, in memory.
//!
//! Run `cargo run -p countersign-axum --example minimal`, and sign in as `alice` with the password
//! `correct horse`.

use axum::Form;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use countersign::store::MemoryStore;
use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
use countersign_axum::gate::{BoxError, MemoryRows, Separate};
use countersign_axum::tower_sessions_015::GateSessions;
use countersign_axum::{
    Accounts, Door, FirstFactorKind, Gate, GateRouter, GateService, PasswordCheck, SignedIn,
};
use tower_sessions_015::cookie::SameSite;
use tower_sessions_015::{MemoryStore as SessionsInMemory, Session, SessionManagerLayer};

/// Your users: here, one.
struct Users;

impl Users {
    fn is_password(name: &str, password: &str) -> bool {
        // Your service compares a password hash, and limits the tries.
        name == "alice" && password == "correct horse"
    }
}

impl Accounts for Users {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(account.to_string())
    }

    async fn check_password(
        &self,
        account: &AccountId,
        password: &str,
    ) -> Result<PasswordCheck, BoxError> {
        Ok(match Users::is_password(account.as_str(), password) {
            true => PasswordCheck::Right,
            false => PasswordCheck::Wrong,
        })
    }
}

pub(crate) fn service() -> Result<GateService, BoxError> {
    // Your service keeps the key in a file, and the records and sign-ins in its database.
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let store = Separate::new(MemoryStore::new(), MemoryRows::new());
    let verifier = Verifier::builder(store, keyring, "Example").build()?;
    let gate = Gate::builder(verifier, Users).service("Example").build();

    let store = GateSessions::new(SessionsInMemory::default());
    let sessions = SessionManagerLayer::new(store).with_same_site(SameSite::Lax);
    Ok(GateRouter::new::<Session>(gate)
        .route("/", get(home))
        .public("/sign-in", get(sign_in_page).post(sign_in))
        .layer(sessions)
        .into_service())
}

async fn home(user: SignedIn) -> Html<String> {
    let (account, csrf) = (user.account(), user.csrf());
    Html(format!(
        r#"<!doctype html><title>Example</title><p>Hello {account}. <a href="/two-factor">Second factor</a>
        <form method="post" action="/two-factor/sign-out"><input type="hidden" name="csrf" value="{csrf}">
        <button>Sign out</button></form>"#
    ))
}

async fn sign_in_page() -> Html<&'static str> {
    Html(
        r#"<!doctype html><title>Sign in</title><form method="post"><input name="name" aria-label="Name">
        <input name="password" type="password" aria-label="Password"><button>Sign in</button></form>"#,
    )
}

#[derive(serde::Deserialize)]
struct Password {
    name: String,
    password: String,
}

async fn sign_in(door: Door, Form(form): Form<Password>) -> Response {
    match AccountId::new(form.name.as_str()) {
        Ok(account) if Users::is_password(&form.name, &form.password) => {
            door.first_factor(account, FirstFactorKind::Password).await
        }
        _ => Redirect::to("/sign-in").into_response(),
    }
}

#[allow(dead_code, reason = "a test calls `service` only")]
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://127.0.0.1:3000");
    axum::serve(listener, service()?.into_make_service()).await?;
    Ok(())
}
