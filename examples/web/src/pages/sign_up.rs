//! Signs up: first an email address, then a password on a page that a mail links to. So nobody
//! learns whether an address has an account, and nobody chooses a password for somebody else's
//! address.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::otp::Secret;
use countersign::uri::KeyUri;
use serde::Deserialize;

use super::sign_in::by_password;
use crate::app::{App, OrFail};
use crate::failure::Failure;
use crate::form::{Named, OurForm};
use crate::layout::{Flash, Layout, html};
use crate::mail::Mail;
use crate::session::Visitor;
use crate::{SERVICE, passwords, sign_ups};

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    layout: Layout,
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
pub(crate) struct Address {
    email: String,
}

#[derive(Deserialize)]
pub(crate) struct Password {
    password: String,
}

pub(crate) async fn form(visitor: Visitor) -> Result<Response, Failure> {
    let layout = visitor.layout("Create an account").await?;
    Ok(html(&SignUpPage { layout })?.into_response())
}

pub(crate) async fn begin(
    State(app): State<App>,
    visitor: Visitor,
    OurForm(Address { email }): OurForm<Address>,
) -> Result<Response, Failure> {
    let Some(email) = address(&email) else {
        let flash = Flash::problem("Please enter an email address, such as alice@example.com.");
        return visitor.say_at(flash.with_typed(&email), "/sign-up").await;
    };
    let known = app.users().by_email(&email).await.or_fail()?.is_some();
    // Known addresses get a token too, so that both cases take the same time.
    let token = sign_ups::keep(&app, &email).await.or_fail()?;
    if let Some(token) = token {
        app.send(mail(&email, known, &token, app.origin()));
    }
    let layout = visitor.layout("Check your mail").await?;
    Ok(html(&SentPage { layout, email })?.into_response())
}

fn mail(to: &str, known: bool, token: &str, origin: &str) -> Mail {
    let (subject, text) = if known {
        let text = "Somebody, perhaps you, tried to sign up with this address. You already have an account. Sign in here";
        ("you have an account", format!("{text}: {origin}/sign-in"))
    } else {
        let text = "To choose your password, open this link within an hour";
        (
            "confirm your address",
            format!("{text}:\n\n{origin}/sign-up/{token}"),
        )
    };
    Mail {
        to: to.to_owned(),
        subject: format!("{SERVICE}: {subject}"),
        text,
    }
}

pub(crate) async fn choose(
    State(app): State<App>,
    visitor: Visitor,
    Named(token): Named,
) -> Result<Response, Failure> {
    let Some(email) = sign_ups::email(&app, &token).await.or_fail()? else {
        return Err(no_such_link(&visitor).await?);
    };
    let page = ChoosePage {
        layout: visitor.layout("Choose a password").await?,
        email,
        token,
        shortest: passwords::SHORTEST,
    };
    Ok(html(&page)?.into_response())
}

pub(crate) async fn finish(
    State(app): State<App>,
    visitor: Visitor,
    Named(token): Named,
    OurForm(Password { password }): OurForm<Password>,
) -> Result<Response, Failure> {
    let Some(email) = sign_ups::email(&app, &token).await.or_fail()? else {
        return Err(no_such_link(&visitor).await?);
    };
    if let Some(problem) = problem_with(&password) {
        visitor.say(Flash::problem(problem)).await?;
        return Ok(Redirect::to(&format!("/sign-up/{token}")).into_response());
    }
    let added = app.users().add(&email, password).await.or_fail()?;
    sign_ups::forget(&app, &token).await.or_fail()?;
    let Some(user) = added else {
        return visitor
            .say_at(
                Flash::problem("You have an account already. Please sign in."),
                "/sign-in",
            )
            .await;
    };
    let signed_in = by_password(&app, &visitor, &user).await?;
    let welcome = "Welcome. So far, only a password protects your account.";
    visitor.say(Flash::notice(welcome)).await?;
    Ok(signed_in.into_response())
}

async fn no_such_link(visitor: &Visitor) -> Result<Failure, Failure> {
    let text =
        "That link was used already or has expired. Enter your address again to get a new one.";
    visitor.say(Flash::problem(text)).await?;
    Ok(Failure::see("/sign-up"))
}

fn problem_with(password: &str) -> Option<String> {
    if password.chars().count() < passwords::SHORTEST {
        return Some(format!(
            "Please use at least {} characters.",
            passwords::SHORTEST
        ));
    }
    let too_long = password.len() > passwords::LONGEST_BYTES;
    too_long.then(|| format!("Please use at most {} bytes.", passwords::LONGEST_BYTES))
}

/// Normalizes an address to lower case. Refuses an address that an authenticator app cannot show.
fn address(typed: &str) -> Option<String> {
    let address = typed.trim().to_ascii_lowercase();
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

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_trimmed_and_lower_case() {
        assert_eq!(
            address(" Alice@Example.com ").as_deref(),
            Some("alice@example.com")
        );
    }

    #[test]
    fn an_invalid_address_is_refused() {
        for typed in [
            "",
            "alice",
            "@example.com",
            "a@b",
            "a b@example.com",
            "a:b@example.com",
            "a@b@c.d",
        ] {
            assert_eq!(address(typed), None, "{typed}");
        }
        assert_eq!(address(&format!("{}@example.com", "a".repeat(250))), None);
    }
}
