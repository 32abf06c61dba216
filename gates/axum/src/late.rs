//! Late requests: those that still have the old id of a session that was renewed or ended.
//!
//! A session layer sets its cookie after every save. So a late request that writes would set the
//! browser's cookie back to the old id. Only the store knows that a request is late, and only the
//! outermost service can take the cookie off the answer. A note in the task of the request
//! connects them.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

tokio::task_local! {
    static NOTE: Arc<AtomicBool>;
    #[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
    static LEAVING: (Leaving, Arc<AtomicBool>);
}

/// A change of a session's id by the gate.
#[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
#[derive(Clone, Debug)]
pub(crate) enum Leaving {
    /// The session is renewed. The old record is changed when the new one is created.
    Renewal,
    /// The session ends, and this text stays under its id.
    End(String),
}

/// Runs the answer to a request, and returns it with the note whether the request was late.
pub(crate) async fn noting<F: Future>(answer: F) -> (F::Output, bool) {
    let note = Arc::new(AtomicBool::new(false));
    let output = NOTE.scope(Arc::clone(&note), answer).await;
    (output, note.load(Ordering::Relaxed))
}

/// Notes that the request in this task is late. Returns whether somebody will read the note.
#[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
pub(crate) fn note_late() -> bool {
    NOTE.try_with(|note| note.store(true, Ordering::Relaxed))
        .is_ok()
}

/// Runs a change of the session's id. Returns whether the store knows about it.
#[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
pub(crate) async fn leaving<F: Future>(leaving: Leaving, change: F) -> (F::Output, bool) {
    let seen = Arc::new(AtomicBool::new(false));
    let scope = LEAVING.scope((leaving, Arc::clone(&seen)), change);
    (scope.await, seen.load(Ordering::Relaxed))
}

/// The change that runs in this task.
#[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
pub(crate) fn change() -> Option<Leaving> {
    let take = |(leaving, seen): &(Leaving, Arc<AtomicBool>)| {
        seen.store(true, Ordering::Relaxed);
        leaving.clone()
    };
    LEAVING.try_with(take).ok()
}

/// The cookies that a request sent.
pub(crate) struct SentCookies(Vec<HeaderValue>);

impl SentCookies {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(COOKIE).iter().cloned().collect())
    }

    fn has(&self, name: &[u8]) -> bool {
        let sent = self.0.iter().flat_map(|header| {
            let cookies = header.as_bytes().split(|byte| *byte == b';');
            cookies.map(cookie_name)
        });
        !name.is_empty() && sent.into_iter().any(|sent| sent == name)
    }

    /// Takes all cookies that the request sent off the answer, so that the browser keeps what it has.
    pub(crate) fn keep(&self, answer: &mut HeaderMap) {
        let set: Vec<HeaderValue> = answer.get_all(SET_COOKIE).iter().cloned().collect();
        answer.remove(SET_COOKIE);
        for cookie in set {
            if !self.has(cookie_name(cookie.as_bytes())) {
                answer.append(SET_COOKIE, cookie);
            }
        }
    }
}

fn cookie_name(cookie: &[u8]) -> &[u8] {
    let name = cookie.split(|byte| *byte == b'=').next();
    name.unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cookies_of_the_request_are_kept() {
        let mut request = HeaderMap::new();
        request.append(COOKIE, HeaderValue::from_static("a=1; id=old"));
        request.append(COOKIE, HeaderValue::from_static("b=2"));
        let sent = SentCookies::of(&request);
        let mut answer = HeaderMap::new();
        for set in ["id=old; Path=/", "ids=3", "b=; Max-Age=0", "i=4", "=5"] {
            answer.append(SET_COOKIE, HeaderValue::from_static(set));
        }
        sent.keep(&mut answer);
        let kept: Vec<_> = answer.get_all(SET_COOKIE).iter().collect();
        assert_eq!(kept, ["ids=3", "i=4", "=5"]);
    }
}
