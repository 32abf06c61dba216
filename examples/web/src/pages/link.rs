//! Signs in with a link that a mail contains: it opens a page with a button, and works once, in the
//! browser that asked for it.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use countersign_axum::{Door, FirstFactorKind};
use tower_sessions::Session;

use super::Address;
use crate::app::App;
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::{token, users};

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    layout: Layout,
    /// The token of a link that was opened; `None` on the page that asks for an address.
    token: Option<String>,
}

pub(crate) async fn ask() -> Result<Response, Failure> {
    let (layout, token) = (Layout::bare("Sign in with a link"), None);
    html(&LinkPage { layout, token })
}

/// Sends a link, and gives the browser a token of its own. The answer is the same for an unknown
/// address.
pub(crate) async fn send(
    State(app): State<App>,
    session: Session,
    Form(Address { email }): Form<Address>,
) -> Result<Response, Failure> {
    let email = users::normal(&email);
    let browser = match session.get(BROWSER).await? {
        Some(browser) => browser,
        None => token::new()?,
    };
    session.insert(BROWSER, &browser).await?;
    if app.users.by_email(&email).await?.is_some()
        && let Some(link) = app.users.add_link(&email, Some(&browser), LASTS).await?
    {
        let text = "To sign in, open this link within 15 minutes, in the browser that asked for it";
        let text = format!("{text}:\n\n{}/sign-in/link/{link}", app.post.origin);
        app.post.send(&email, "your link to sign in", text);
    }
    let mut layout = Layout::bare("Check your mail");
    layout.notice = Some("If there is an account with that address, we have sent a link.".into());
    let token = None;
    html(&LinkPage { layout, token })
}

/// The page of a link. It changes nothing, because mail programs open links too.
pub(crate) async fn open(Path(link): Path<String>) -> Result<Response, Failure> {
    let (layout, token) = (Layout::bare("Sign in"), Some(link));
    html(&LinkPage { layout, token })
}

pub(crate) async fn enter(
    State(app): State<App>,
    Path(link): Path<String>,
    session: Session,
    door: Door,
) -> Result<Response, Failure> {
    // No link belongs to a browser with an empty token.
    let browser: String = session.get(BROWSER).await?.unwrap_or_default();
    let user = match app.users.take_link(&link, Some(&browser)).await? {
        Some(email) => app.users.by_email(&email).await?,
        None => None,
    };
    match user {
        Some(user) => {
            let entered = door.first_factor(user.account(), FirstFactorKind::Email);
            Ok(entered.await)
        }
        None => Ok(Redirect::to("/sign-in?link").into_response()),
    }
}

const BROWSER: &str = "link";
/// The lifetime of a link, in seconds.
const LASTS: i64 = 15 * 60;
