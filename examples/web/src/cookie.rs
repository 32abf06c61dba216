//! The session cookie of a browser, and how an answer changes it.
//!
//! Requests of one browser can overtake each other: a form is sent twice, or a tab loads while
//! another tab signs in. An answer must not remove the cookie that another answer has just set. So:
//!
//! - An answer sets the cookie only for a new id. A session that keeps its id needs no new cookie.
//! - An answer deletes the cookie only if its own request ended the session.
//! - If another request has ended or replaced the session, or the session never existed, the answer
//!   does not change the cookie. There is one exception, because users return with old cookies: a
//!   page with a form for visitors, and a correct password, start a new session.
//!
//! (The layer of tower-sessions differs: it deletes the cookie of every unknown session, and sets
//! the cookie after every save.)

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
use crate::session_store::Sessions;

/// Adds the session to each request, and the cookie to each answer.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let presented = presented(request.headers());
    let state = SessionState::default();
    let store = OneRequest {
        sessions: app.sessions(),
        presented,
        state: state.clone(),
    };
    let session = Session::new(
        presented,
        Arc::new(store),
        Some(Expiry::OnInactivity(LIFETIME)),
    );
    request.extensions_mut().insert(session.clone());
    request.extensions_mut().insert(state.clone());
    let mut answer = next.run(request).await;
    match cookie(presented, &session, &state, answer.status()).await {
        Ok(Some(cookie)) => {
            answer.headers_mut().append(SET_COOKIE, cookie);
            answer
        }
        Ok(None) => answer,
        Err(failure) => failure.into_response(),
    }
}

/// Saves the session, and returns the cookie for the answer.
async fn cookie(
    presented: Option<Id>,
    session: &Session,
    state: &SessionState,
    status: StatusCode,
) -> std::result::Result<Option<HeaderValue>, Failure> {
    if session.is_empty().await {
        return Ok(match state.ended_here() {
            true => Some(HeaderValue::try_from(removal().to_string())?),
            false => None,
        });
    }
    if !session.is_modified() || status.is_server_error() || state.is_old() {
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

/// The state of the session that a request presented.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionState(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    gone: AtomicBool,
    ended_here: AtomicBool,
    started: AtomicBool,
}

impl SessionState {
    /// This request starts a new session.
    pub(crate) fn start(&self) {
        self.0.started.store(true, Ordering::Release);
    }

    /// Whether another request has ended or replaced the session, or it never existed.
    pub(crate) fn is_old(&self) -> bool {
        self.0.gone.load(Ordering::Acquire) && !self.0.started.load(Ordering::Acquire)
    }

    fn ended_here(&self) -> bool {
        self.0.ended_here.load(Ordering::Acquire)
    }
}

/// The session store for one request. It notes the state of the session that the request presented.
#[derive(Debug)]
struct OneRequest {
    sessions: Sessions,
    presented: Option<Id>,
    state: SessionState,
}

impl OneRequest {
    fn mark_gone(&self) {
        self.state.0.gone.store(true, Ordering::Release);
    }
}

#[async_trait]
impl SessionStore for OneRequest {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.sessions.create(record).await
    }

    /// Changes an existing session. A session that was ended meanwhile stays ended.
    async fn save(&self, record: &Record) -> Result<()> {
        if !self.sessions.change(record).await? {
            self.mark_gone();
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.sessions.load(id).await?;
        if found.is_none() {
            self.mark_gone();
        }
        Ok(found)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let ended = self.sessions.end(id).await?;
        // A session without a cookie has an id too, but no request presented it.
        if self.presented == Some(*id) {
            if ended {
                self.state.0.ended_here.store(true, Ordering::Release);
            } else {
                self.mark_gone();
            }
        }
        Ok(())
    }
}

/// The id that the request presented, if it can be read.
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
        // With `Strict`, a user who follows a link in one of our mails would not be signed in.
        .same_site(SameSite::Lax)
        .max_age(LIFETIME)
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
/// The lifetime of a session without changes. No sign-in lasts longer: see `users`.
const LIFETIME: time::Duration = time::Duration::hours(12);
