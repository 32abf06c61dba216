//! Signs in with a link that a mail contains: it opens a page with a button, and works once, in the
//! browser that asked for it.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use countersign_axum::{Door, FirstFactorKind};
use serde::Deserialize;
use tower_sessions::Session;

use crate::app::App;
use crate::database::{execute, query};
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::mail::Mail;
use crate::{BoxError, SERVICE, token, users};

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    layout: Layout,
    /// The token of a link that was opened; `None` on the page that asks for an address.
    token: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Address {
    email: String,
}

pub(crate) async fn ask() -> Result<Response, Failure> {
    let layout = Layout::bare("Sign in with a link");
    html(&LinkPage {
        layout,
        token: None,
    })
}

/// Sends a link, and gives the browser a token of its own. The answer is the same for an unknown
/// address.
pub(crate) async fn send(
    State(app): State<App>,
    session: Session,
    Form(Address { email }): Form<Address>,
) -> Result<Response, Failure> {
    let email = users::normal(&email);
    let (link, browser) = (token::new()?, token::new()?);
    session.insert(BROWSER, &browser).await?;
    if store(&app, &email, &link, &browser).await? {
        app.send(Mail {
            subject: format!("{SERVICE}: your link to sign in"),
            text: format!(
                "To sign in, open this link within 15 minutes, in the browser that asked for it:\n\n{}/sign-in/link/{link}",
                app.origin
            ),
            to: email,
        });
    }
    let mut layout = Layout::bare("Check your mail");
    layout.notice = Some("If there is an account with that address, we have sent a link.".into());
    html(&LinkPage {
        layout,
        token: None,
    })
}

/// The page of a link. It changes nothing, because mail programs open links too.
pub(crate) async fn open(Path(link): Path<String>) -> Result<Response, Failure> {
    let layout = Layout::bare("Sign in");
    let token = Some(link);
    html(&LinkPage { layout, token })
}

pub(crate) async fn enter(
    State(app): State<App>,
    Path(link): Path<String>,
    session: Session,
    door: Door,
) -> Result<Response, Failure> {
    let browser: Option<String> = session.get(BROWSER).await?;
    let user = match browser {
        Some(browser) => take(&app, &link, &browser).await?,
        None => None,
    };
    match user {
        Some(user) => Ok(door.first_factor(user, FirstFactorKind::Email).await),
        None => Ok(Redirect::to("/sign-in?link").into_response()),
    }
}

/// Stores a link for the user with this address, if there is one and few links are on their way.
async fn store(app: &App, email: &str, link: &str, browser: &str) -> Result<bool, BoxError> {
    let sql = "INSERT INTO links (token, browser, user_id, expires_at) \
        SELECT $1, $2, id, $3 FROM users WHERE email = $4 AND \
        (SELECT count(*) FROM links WHERE links.user_id = users.id AND expires_at > $5) < 5";
    let now = app.clock.seconds();
    let [link, browser] = [link, browser].map(|token| token::hash(token.as_bytes()));
    let expires_at = now.saturating_add(LASTS);
    Ok(execute!(&app.database, sql, link, browser, expires_at, email, now)? == 1)
}

/// Uses up a link, and returns its user.
async fn take(app: &App, link: &str, browser: &str) -> Result<Option<i64>, BoxError> {
    let sql = "DELETE FROM links WHERE token = $1 AND browser = $2 AND expires_at > $3 \
        RETURNING user_id";
    let [link, browser] = [link, browser].map(|token| token::hash(token.as_bytes()));
    let now = app.clock.seconds();
    let row: Option<(i64,)> = query!(fetch_optional, &app.database, sql, link, browser, now)?;
    Ok(row.map(|(value,)| value))
}

const BROWSER: &str = "link";
/// The lifetime of a link, in seconds.
const LASTS: i64 = 15 * 60;
