use actix_web::HttpRequest;
use countersign_gate::{BoxError, SessionChange, SessionData};
use std::fmt;
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

/// What changes when a session gets a new id.
#[derive(Clone)]
#[non_exhaustive]
pub struct Renewal {
    /// The text to store under the new id.
    pub text: String,
    /// 16 bytes for the new id, if the session crate lets you choose it. The repeat of a form has
    /// the same bytes: then the session with this id exists already, and must stay as it is.
    pub id: [u8; 16],
    /// The text that stays under the old id for [`LEFT_FOR`](SessionChange::LEFT_FOR) seconds.
    /// `None`: it is there already.
    pub left: Option<String>,
}

/// Hides everything: the texts have tokens, and the bytes become the id of a signed-in session.
impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").finish_non_exhaustive()
    }
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
                    let left = (!was_moved).then(|| left.to_text());
                    let text = data.to_text();
                    self.renew(Renewal { text, id, left }).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let renewal = Renewal {
            text: "5ec2e7".to_owned(),
            id: [0x5e; 16],
            left: Some("5ec2e7".to_owned()),
        };
        let shown = format!("{renewal:?}");
        assert!(
            !shown.contains("5ec2e7") && !shown.contains("94"),
            "{shown}"
        );
    }
}
