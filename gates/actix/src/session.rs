use actix_web::HttpRequest;
use countersign_gate::{BoxError, Renewal, SessionChange, SessionData};
use std::pin::Pin;

/// A session of another crate, in which the gate keeps one text under one key.
///
/// The feature `actix-session` implements it for that crate. For another session crate, implement
/// it yourself; that is some 40 lines. Then use
/// [`GateApp::with_session`](crate::GateApp::with_session).
///
/// # Security
///
/// A session is worth nothing without its row in your table of sign-ins, whatever these methods do.
/// But [`renew`](Self::renew) must give the session another id. Otherwise somebody who planted a
/// session id in the browser of a user has the id of a signed-in session. And if the browser holds
/// the text, it must be signed or encrypted.
pub trait GateSession: Sized + 'static {
    /// Returns the session of a request. `None`: its middleware is missing.
    fn from_request(request: &HttpRequest) -> Option<Self>;

    /// Reads the text. `None`: there is none. Reading must set no cookie.
    ///
    /// # Errors
    /// If the session cannot be read. Then nobody is let in.
    fn read(&self) -> impl Future<Output = Result<Option<String>, BoxError>>;

    /// Stores the text under the same id.
    ///
    /// # Errors
    /// If it cannot be stored.
    fn write(&self, text: String) -> impl Future<Output = Result<(), BoxError>>;

    /// Gives the session a new id, and stores the text under it. Everything else in the session
    /// moves along.
    ///
    /// # Errors
    /// If it cannot be stored.
    fn renew(&self, renewal: Renewal) -> impl Future<Output = Result<(), BoxError>>;

    /// Ends the session, and deletes its cookie. `left` stays under the old id for
    /// [`LEFT_FOR`](SessionChange::LEFT_FOR) seconds, if the session crate can do that.
    ///
    /// # Errors
    /// If the session cannot be ended.
    fn end(&self, left: String) -> impl Future<Output = Result<(), BoxError>>;
}

pub(crate) type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A [`GateSession`] of any type.
pub(crate) trait AnySession {
    fn read(&self) -> Local<'_, Result<SessionData, BoxError>>;
    fn apply(&self, change: SessionChange, was_moved: bool) -> Local<'_, Result<(), BoxError>>;
}

impl<S: GateSession> AnySession for S {
    fn read(&self) -> Local<'_, Result<SessionData, BoxError>> {
        Box::pin(async {
            let text = GateSession::read(self).await?;
            Ok(text.map_or_else(SessionData::default, |text| SessionData::from_text(&text)))
        })
    }

    fn apply(&self, change: SessionChange, was_moved: bool) -> Local<'_, Result<(), BoxError>> {
        Box::pin(async move {
            match change {
                SessionChange::Keep => Ok(()),
                SessionChange::Store(data) => self.write(data.to_text()).await,
                SessionChange::Renew { data, id, left } => {
                    self.renew(Renewal::new(&data, id, &left, was_moved)).await
                }
                SessionChange::End { left } => self.end(left.to_text()).await,
                _ => Err(
                    "this change of the session is unknown; use the same version of all packages"
                        .into(),
                ),
            }
        })
    }
}

pub(crate) type FindSession = fn(&HttpRequest) -> Option<Box<dyn AnySession>>;

pub(crate) fn find<S: GateSession>(request: &HttpRequest) -> Option<Box<dyn AnySession>> {
    S::from_request(request).map(|session| Box::new(session) as Box<dyn AnySession>)
}
