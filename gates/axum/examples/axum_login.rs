//! The second factor in a service that uses axum-login 0.18.
//!
//! axum-login checks the password and knows the user. The gate asks for the code. Run
//! `cargo run -p countersign-axum --example axum_login`, and sign in as `alice` with the password
//! `correct horse`.

use axum::Form;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, login_required};
use countersign::store::MemoryStore;
use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
use countersign_axum::gate::{BoxError, MemoryRows, Separate};
use countersign_axum::tower_sessions_014::GateSessions;
use countersign_axum::{
    Accounts, Door, FirstFactorKind, Gate, GateRouter, GateService, PasswordCheck, SignedIn,
};
use std::convert::Infallible;
use tower_sessions_014::cookie::SameSite;
use tower_sessions_014::{MemoryStore as SessionsInMemory, Session, SessionManagerLayer};

#[derive(Clone, Debug)]
struct User {
    id: u64,
    name: &'static str,
    password: &'static str,
}

impl AuthUser for User {
    type Id = u64;

    fn id(&self) -> u64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        // Your service returns the password hash, so that a new password ends the sessions.
        self.password.as_bytes()
    }
}

/// Your users: here, one.
#[derive(Clone)]
struct Backend(&'static [User]);

const USERS: &[User] = &[User {
    id: 7,
    name: "alice",
    password: "correct horse",
}];

#[derive(serde::Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, typed: Credentials) -> Result<Option<User>, Infallible> {
        // Your service compares a password hash, and limits the tries.
        let right = |user: &&User| user.name == typed.name && user.password == typed.password;
        Ok(self.0.iter().find(right).cloned())
    }

    async fn get_user(&self, id: &u64) -> Result<Option<User>, Infallible> {
        Ok(self.0.iter().find(|user| user.id == *id).cloned())
    }
}

impl Backend {
    fn user(&self, account: &AccountId) -> Result<&User, BoxError> {
        let id: u64 = account.as_str().parse()?;
        let found = self.0.iter().find(|user| user.id == id);
        found.ok_or_else(|| "there is no such user".into())
    }
}

impl Accounts for Backend {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(self.user(account)?.name.to_owned())
    }

    async fn check_password(
        &self,
        account: &AccountId,
        password: &str,
    ) -> Result<PasswordCheck, BoxError> {
        Ok(match self.user(account)?.password == password {
            true => PasswordCheck::Right,
            false => PasswordCheck::Wrong,
        })
    }
}

type AuthSession = axum_login::AuthSession<Backend>;

pub(crate) fn service() -> Result<GateService, BoxError> {
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let store = Separate::new(MemoryStore::new(), MemoryRows::new());
    let verifier = Verifier::builder(store, keyring, "Example").build()?;
    let gate = Gate::builder(verifier, Backend(USERS)).build();

    // The only change to the layers of axum-login: the store is wrapped.
    let store = GateSessions::new(SessionsInMemory::default());
    let sessions = SessionManagerLayer::new(store).with_same_site(SameSite::Lax);
    let auth = AuthManagerLayerBuilder::new(Backend(USERS), sessions).build();
    Ok(GateRouter::new::<Session>(gate)
        .route(
            "/",
            get(home).layer(login_required!(Backend, login_url = "/sign-in")),
        )
        .public("/sign-in", get(sign_in_page).post(sign_in))
        .layer(auth)
        .into_service())
}

async fn home(auth: AuthSession, user: SignedIn) -> Html<String> {
    let (name, csrf) = (auth.user.map_or("nobody", |user| user.name), user.csrf());
    Html(format!(
        r#"<!doctype html><title>Example</title><p>Hello {name}. <a href="/two-factor">Second factor</a>
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

async fn sign_in(mut auth: AuthSession, door: Door, Form(typed): Form<Credentials>) -> Response {
    let Ok(Some(user)) = auth.authenticate(typed).await else {
        return Redirect::to("/sign-in").into_response();
    };
    if auth.login(&user).await.is_err() {
        return Redirect::to("/sign-in").into_response();
    }
    // axum-login knows the user now. Nothing is open yet: that is up to the gate.
    door.first_factor(user.id, FirstFactorKind::Password).await
}

#[allow(dead_code, reason = "a test calls `service` only")]
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://127.0.0.1:3000");
    axum::serve(listener, service()?.into_make_service()).await?;
    Ok(())
}
