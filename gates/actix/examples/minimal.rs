//! A small service: a sign-in page, a public page, and a closed one.
//!
//! `cargo run -p countersign-actix --example minimal`, then open the address and sign in as alice
//! with the password `password`. Everything is in memory, and is gone when the program ends.

use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::http::header::ContentType;
use actix_web::web::{self, Form};
use actix_web::{HttpResponse, HttpServer};
use countersign_actix::gate::countersign::store::MemoryStore;
use countersign_actix::gate::countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
use countersign_actix::gate::{BoxError, MemoryRows, Separate};
use countersign_actix::{Accounts, Door, FirstFactorKind, Gate, GateApp, PasswordCheck, SignedIn};
use serde::Deserialize;

struct Users;

impl Accounts for Users {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(account.to_string())
    }

    async fn check_password(&self, _: &AccountId, text: &str) -> Result<PasswordCheck, BoxError> {
        // Compare with a password hash, and limit the tries.
        Ok(match text {
            "password" => PasswordCheck::Right,
            _ => PasswordCheck::Wrong,
        })
    }
}

#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
}

async fn sign_in(door: Door, Form(login): Form<Login>) -> HttpResponse {
    match (login.name.as_str(), login.password.as_str()) {
        ("alice", "password") => match AccountId::new(login.name) {
            Ok(account) => door.first_factor(account, FirstFactorKind::Password).await,
            Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
        },
        _ => HttpResponse::UnprocessableEntity().body("Wrong name or password."),
    }
}

async fn sign_in_page() -> HttpResponse {
    page(
        "<form method=post>Name <input name=name> Password <input type=password name=password> \
         <button>Sign in</button></form>",
    )
}

async fn home(user: Option<SignedIn>) -> HttpResponse {
    match user {
        None => page("<p>Hello. <a href=/sign-in>Sign in</a>"),
        Some(user) => page(&format!(
            "<p>Hello {}. <a href=/invoices>Your invoices</a> \
             <a href=/two-factor>Two-factor authentication</a>\
             <form method=post action=/two-factor/sign-out>\
             <input type=hidden name=csrf value={}><button>Sign out</button></form>",
            user.account(),
            user.csrf(),
        )),
    }
}

async fn invoices(user: SignedIn) -> HttpResponse {
    page(&format!("<p>The invoices of {}", user.account()))
}

fn page(body: &str) -> HttpResponse {
    let html = format!("<!doctype html><title>Example</title>{body}");
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .body(html)
}

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    let store = Separate::new(MemoryStore::new(), MemoryRows::new());
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let verifier = Verifier::builder(store, keyring, "Example").build()?;
    let gate = Gate::builder(verifier, Users).service("Example").build();
    let key = Key::generate();
    let server = HttpServer::new(move || {
        // A browser takes this cookie from 127.0.0.1 without TLS.
        let sessions = SessionMiddleware::new(CookieSessionStore::default(), key.clone());
        GateApp::new(gate.clone())
            .public("/", web::get().to(home))
            .public("/sign-in", web::get().to(sign_in_page))
            .public("/sign-in", web::post().to(sign_in))
            .route("/invoices", web::get().to(invoices))
            .wrap(sessions)
            .into_service()
    });
    let server = server.workers(1).bind("127.0.0.1:3000")?;
    println!("open http://127.0.0.1:3000/");
    Ok(server.run().await?)
}
