//! Signs up: first an email address, then a password on a page that a mail links to. So nobody
//! learns whether an address has an account, and nobody chooses a password for somebody else's
//! address.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use countersign::otp::Secret;
use countersign::uri::KeyUri;
use countersign_axum::{Door, FirstFactorKind};
use serde::Deserialize;

use super::Address;
use crate::app::App;
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::{SERVICE, passwords, users};

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    layout: Layout,
    email: String,
}

#[derive(Template)]
#[template(path = "sign_up_sent.html")]
struct SentPage {
    layout: Layout,
    email: String,
}

#[derive(Template)]
#[template(path = "choose_password.html")]
struct ChoosePage {
    layout: Layout,
    email: String,
    token: String,
    shortest: usize,
}

#[derive(Deserialize)]
pub(crate) struct Password {
    password: String,
}

pub(crate) async fn form() -> Result<Response, Failure> {
    let (layout, email) = (Layout::bare("Create an account"), String::new());
    html(&SignUpPage { layout, email })
}

pub(crate) async fn begin(
    State(app): State<App>,
    Form(Address { email: typed }): Form<Address>,
) -> Result<Response, Failure> {
    let Some(email) = address(&typed) else {
        let problem = "Please enter an email address, such as alice@example.com.";
        let layout = Layout::bare("Create an account").with_problem(problem);
        let email = typed;
        return html(&SignUpPage { layout, email });
    };
    let is_known = app.users.by_email(&email).await?.is_some();
    // Known addresses get a link too, so that both cases take the same time.
    if let Some(link) = app.users.add_link(&email, None, LASTS).await? {
        let origin = &app.post.origin;
        let (subject, text) = if is_known {
            let text = "Somebody, perhaps you, tried to sign up with this address. You already have an account. \
                Sign in here";
            ("you have an account", format!("{text}: {origin}/sign-in"))
        } else {
            let text = "To choose your password, open this link within an hour";
            let text = format!("{text}:\n\n{origin}/sign-up/{link}");
            ("confirm your address", text)
        };
        app.post.send(&email, subject, text);
    }
    let layout = Layout::bare("Check your mail");
    html(&SentPage { layout, email })
}

pub(crate) async fn choose(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    match app.users.link_email(&token).await? {
        Some(email) => choose_page(email, token, None),
        None => no_such_link(),
    }
}

pub(crate) async fn finish(
    State(app): State<App>,
    Path(token): Path<String>,
    door: Door,
    Form(Password { password }): Form<Password>,
) -> Result<Response, Failure> {
    let Some(email) = app.users.link_email(&token).await? else {
        return no_such_link();
    };
    if let Some(problem) = problem_with(&password) {
        return choose_page(email, token, Some(problem));
    }
    let added = app.users.add(&email, password).await?;
    app.users.take_link(&token, None).await?;
    match added {
        Some(user) => {
            let entered = door.first_factor(user.account(), FirstFactorKind::Password);
            Ok(entered.await)
        }
        None => Ok(Redirect::to("/sign-in?account").into_response()),
    }
}

fn choose_page(email: String, token: String, problem: Option<String>) -> Result<Response, Failure> {
    let mut layout = Layout::bare("Choose a password");
    layout.problem = problem;
    html(&ChoosePage {
        layout,
        email,
        token,
        shortest: passwords::SHORTEST,
    })
}

fn no_such_link() -> Result<Response, Failure> {
    let problem =
        "That link was used already or has expired. Enter your address again to get a new one.";
    let layout = Layout::bare("Create an account").with_problem(problem);
    let email = String::new();
    html(&SignUpPage { layout, email })
}

fn problem_with(password: &str) -> Option<String> {
    let (shortest, longest) = (passwords::SHORTEST, passwords::LONGEST_BYTES);
    if password.chars().count() < shortest {
        return Some(format!("Please use at least {shortest} characters."));
    }
    let too_long = password.len() > longest;
    too_long.then(|| format!("Please use at most {longest} bytes."))
}

/// Normalizes an address to lower case. Refuses an address that an authenticator app cannot show.
fn address(typed: &str) -> Option<String> {
    let address = users::normal(typed);
    let (local, domain) = address.split_once('@')?;
    let fits = !local.is_empty()
        && domain.contains('.')
        && !domain.contains('@')
        && address.len() <= 254
        && !address
            .contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"(),;".contains(c));
    let secret = Secret::from_bytes(&[0; 20]).ok()?;
    let in_an_app = KeyUri::totp(&secret, &address).issuer(SERVICE).build();
    (fits && in_an_app.is_ok()).then_some(address)
}

/// The lifetime of a link, in seconds.
const LASTS: i64 = 60 * 60;
