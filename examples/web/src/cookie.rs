//! The cookie that says which session a browser has, and what an answer does to it.
//!
//! Requests of one browser overtake each other: a form is sent twice, a tab loads while another one signs in. An answer
//! must not take away the cookie that another answer has just set. So:
//!
//! - An answer sets the cookie only with a new id. A session that changes under its id needs no cookie again.
//! - An answer deletes the cookie only if its own request ended the session.
//! - If another request has ended or replaced the session, or if there never was such a session, the answer leaves the
//!   cookie alone. There is one exception, because people come back with old cookies: a page with a form for visitors, and
//!   a password that was right, begin a new session.
//!
//! (The layer of tower-sessions decides otherwise: it deletes the cookie of every session that it does not find, and sets
//! it whenever it has saved something.)

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::cookie::{Cookie, SameSite};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;
use tower_sessions::{Expiry, Session, SessionStore};

use crate::app::App;
use crate::failure::Failure;
use crate::sessions::Sessions;

/// Gives each request its session, and each answer its cookie.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let presented = presented(request.headers());
    let standing = Standing::default();
    let store = OneRequest {
        sessions: app.sessions(),
        presented,
        standing: standing.clone(),
    };
    let session = Session::new(presented, Arc::new(store), Some(Expiry::OnInactivity(KEPT)));
    request.extensions_mut().insert(session.clone());
    request.extensions_mut().insert(standing.clone());
    let mut answer = next.run(request).await;
    match cookie(presented, &session, &standing, answer.status()).await {
        Ok(Some(cookie)) => {
            answer.headers_mut().append(SET_COOKIE, cookie);
            answer
        }
        Ok(None) => answer,
        Err(failure) => failure.into_response(),
    }
}

/// Saves the session, and gives the cookie that goes with the answer.
async fn cookie(
    presented: Option<Id>,
    session: &Session,
    standing: &Standing,
    status: StatusCode,
) -> std::result::Result<Option<HeaderValue>, Failure> {
    if session.is_empty().await {
        return Ok(match standing.ended_here() {
            true => Some(HeaderValue::try_from(removal().to_string())?),
            false => None,
        });
    }
    if !session.is_modified() || status.is_server_error() || standing.is_old() {
        return Ok(None);
    }
    session.save().await?;
    match session.id() {
        Some(id) if Some(id) != presented => {
            Ok(Some(HeaderValue::try_from(with_id(id).to_string())?))
        }
        _ => Ok(None),
    }
}

/// How the session that a request came with stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    gone: AtomicBool,
    ended_here: AtomicBool,
    begun: AtomicBool,
}

impl Standing {
    /// This request begins a session of its own, whatever it came with.
    pub(crate) fn begin(&self) {
        self.0.begun.store(true, Ordering::Release);
    }

    /// Whether another request has ended or replaced the session, or it never was.
    pub(crate) fn is_old(&self) -> bool {
        self.0.gone.load(Ordering::Acquire) && !self.0.begun.load(Ordering::Acquire)
    }

    fn ended_here(&self) -> bool {
        self.0.ended_here.load(Ordering::Acquire)
    }
}

/// The sessions as one request sees them: notes what it finds out about its own.
#[derive(Debug)]
struct OneRequest {
    sessions: Sessions,
    presented: Option<Id>,
    standing: Standing,
}

impl OneRequest {
    fn is_gone(&self) {
        self.standing.0.gone.store(true, Ordering::Release);
    }
}

#[async_trait]
impl SessionStore for OneRequest {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.sessions.create(record).await
    }

    /// Changes what is there. A session that was ended meanwhile stays ended.
    async fn save(&self, record: &Record) -> Result<()> {
        if !self.sessions.change(record).await? {
            self.is_gone();
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.sessions.load(id).await?;
        if found.is_none() {
            self.is_gone();
        }
        Ok(found)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let ended = self.sessions.end(id).await?;
        // A session without a cookie has an id too, which no request came with.
        if self.presented == Some(*id) {
            if ended {
                self.standing.0.ended_here.store(true, Ordering::Release);
            } else {
                self.is_gone();
            }
        }
        Ok(())
    }
}

/// The id that the request came with. What cannot be read is no id.
fn presented(headers: &HeaderMap) -> Option<Id> {
    let lines = headers.get_all(COOKIE).iter();
    let mut cookies = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(std::result::Result::ok);
    let cookie = cookies.find(|cookie| cookie.name() == NAME)?;
    cookie.value().parse().ok()
}

fn with_id(id: Id) -> Cookie<'static> {
    Cookie::build((NAME, id.to_string()))
        .path("/")
        .secure(true)
        .http_only(true)
        // `Strict` would hide it from whoever follows a link in one of our mails.
        .same_site(SameSite::Lax)
        .max_age(KEPT)
        .build()
}

fn removal() -> Cookie<'static> {
    Cookie::build((NAME, ""))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::ZERO)
        .build()
}

const NAME: &str = "__Host-session";
/// How long a browser's session is kept, if nothing changes in it. No sign-in lasts longer: see `users`.
const KEPT: time::Duration = time::Duration::hours(12);
