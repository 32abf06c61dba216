use axum::http::Extensions;
use std::pin::Pin;
use std::sync::Arc;

use countersign_gate::{BoxError, Renewal};

/// A session of another crate, in which the gate keeps one text under one key.
///
/// The features `tower-sessions-014` and `tower-sessions-015` implement it for those crates. For
/// another session crate, implement it yourself; that is some 40 lines. The methods change the
/// session of this request. The layer of the session crate stores it and sets the cookie, as it
/// does for your own changes.
///
/// # Security
///
/// A session is worth nothing without its row in your table of sign-ins, whatever these methods do.
/// But [`renew`](Self::renew) must give the session another id. Otherwise somebody who planted a
/// session id in the browser of a user has the id of a signed-in session.
pub trait GateSession: Clone + Send + Sync + 'static {
    /// Returns the session that a layer put into the extensions of the request.
    fn from_extensions(extensions: &Extensions) -> Option<Self>;

    /// Reads the text. `None`: there is none. Reading must set no cookie.
    ///
    /// # Errors
    /// If the session cannot be read. Then nobody is let in.
    fn read(&self) -> impl Future<Output = Result<Option<String>, BoxError>> + Send;

    /// Stores the text under the same id.
    ///
    /// # Errors
    /// If it cannot be stored.
    fn write(&self, text: String) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Gives the session a new id, and stores the text under it. Everything else in the session
    /// moves along.
    ///
    /// # Errors
    /// If it cannot be stored.
    fn renew(&self, renewal: Renewal) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Ends the session, and deletes its cookie. `left` stays under the old id for
    /// [`LEFT_FOR`](countersign_gate::SessionChange::LEFT_FOR) seconds, if the session crate can do
    /// that.
    ///
    /// # Errors
    /// If the session cannot be ended.
    fn end(&self, left: String) -> impl Future<Output = Result<(), BoxError>> + Send;
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A [`GateSession`] of any type.
pub(crate) trait AnySession: Send + Sync {
    fn read(&self) -> Pending<'_, Option<String>>;
    fn write(&self, text: String) -> Pending<'_, ()>;
    fn renew(&self, renewal: Renewal) -> Pending<'_, ()>;
    fn end(&self, left: String) -> Pending<'_, ()>;
}

impl<T: GateSession> AnySession for T {
    fn read(&self) -> Pending<'_, Option<String>> {
        Box::pin(GateSession::read(self))
    }

    fn write(&self, text: String) -> Pending<'_, ()> {
        Box::pin(GateSession::write(self, text))
    }

    fn renew(&self, renewal: Renewal) -> Pending<'_, ()> {
        Box::pin(GateSession::renew(self, renewal))
    }

    fn end(&self, left: String) -> Pending<'_, ()> {
        Box::pin(GateSession::end(self, left))
    }
}

/// Finds the session of a request.
pub(crate) type FindSession = fn(&Extensions) -> Option<Arc<dyn AnySession>>;

pub(crate) fn find<T: GateSession>(extensions: &Extensions) -> Option<Arc<dyn AnySession>> {
    T::from_extensions(extensions).map(|session| Arc::new(session) as Arc<dyn AnySession>)
}
