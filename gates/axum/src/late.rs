//! Late requests: those that still have the old id of a session that was renewed or ended.
//!
//! A session layer sets its cookie after every save. So a late request that writes would set the
//! browser's cookie back to the old id. Only the store knows that a request is late, and only the
//! outermost service can take the cookie off the answer. A note in the task of the request
//! connects them.

use axum::http::header::{COOKIE, Entry, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What the store notes for the answer to a request.
#[derive(Debug, Default)]
pub(crate) struct Note {
    /// The session was renewed or ended while the request ran.
    late: AtomicBool,
    /// The id of the session that was stored without a change of its id.
    saved: OnceLock<String>,
}

tokio::task_local! {
    static NOTE: Arc<Note>;
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

/// Runs the answer to a request, and returns it with the note.
pub(crate) async fn noting<F: Future>(answer: F) -> (F::Output, Arc<Note>) {
    let note = Arc::new(Note::default());
    let output = NOTE.scope(Arc::clone(&note), answer).await;
    (output, note)
}

/// Notes that the request in this task is late. Returns whether somebody will read the note.
#[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
pub(crate) fn note_late() -> bool {
    let noted = NOTE.try_with(|note| note.late.store(true, Ordering::Relaxed));
    noted.is_ok()
}

/// Notes that a session was stored under the id that it had.
#[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
pub(crate) fn note_saved(id: &impl ToString) {
    // Without a service there is nobody to tell. A second note is the same.
    let _ = NOTE.try_with(|note| note.saved.set(id.to_string()));
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

    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let headers = self.0.iter();
        headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';').map(pair))
    }

    /// Takes cookies off the answer that could set the browser back to an old session:
    ///
    /// - of a late request, all that the request sent
    /// - of a request that kept the id of its session, the cookie with that id, unless it has a new
    ///   age. The browser has it already, or has a newer one.
    pub(crate) fn keep(&self, note: &Note, answer: &mut HeaderMap) {
        let (late, saved) = (note.late.load(Ordering::Relaxed), note.saved.get());
        if !late && saved.is_none() {
            return;
        }
        let set: Vec<HeaderValue> = answer.get_all(SET_COOKIE).iter().cloned().collect();
        answer.remove(SET_COOKIE);
        for cookie in set {
            let (name, value) = pair(first(cookie.as_bytes()));
            let is_back = late && self.pairs().any(|(sent, _)| sent == name);
            let is_same = saved.is_some_and(|saved| saved.as_bytes() == value)
                && !has_age(cookie.as_bytes())
                && self.pairs().any(|sent| sent == (name, value));
            if name.is_empty() || !(is_back || is_same) {
                answer.append(SET_COOKIE, cookie);
            }
        }
    }
}

/// Lets the browser take the cookies whose name says that they are secure: tower-sessions deletes
/// its cookie without saying so, and then a browser keeps it.
pub(crate) fn mark_secure(answer: &mut HeaderMap) {
    let has_prefix =
        |cookie: &[u8]| cookie.starts_with(b"__Host-") || cookie.starts_with(b"__Secure-");
    let is_marked = |cookie: &[u8]| {
        let mut attributes = cookie.split(|byte| *byte == b';').skip(1);
        attributes.any(|attribute| attribute.trim_ascii().eq_ignore_ascii_case(b"secure"))
    };
    if let Entry::Occupied(mut cookies) = answer.entry(SET_COOKIE) {
        for cookie in cookies.iter_mut() {
            let bytes = cookie.as_bytes();
            if has_prefix(bytes)
                && !is_marked(bytes)
                && let Ok(marked) = HeaderValue::from_bytes(&[bytes, b"; Secure"].concat())
            {
                *cookie = marked;
            }
        }
    }
}

/// The cookie without its attributes.
fn first(cookie: &[u8]) -> &[u8] {
    cookie
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
}

/// The name and the value of a cookie.
fn pair(cookie: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = cookie.splitn(2, |byte| *byte == b'=');
    let mut next = || parts.next().unwrap_or_default().trim_ascii();
    (next(), next())
}

/// Whether the browser learns a new age of the cookie.
fn has_age(cookie: &[u8]) -> bool {
    cookie.split(|byte| *byte == b';').skip(1).any(|attribute| {
        let (name, _) = pair(attribute);
        name.eq_ignore_ascii_case(b"max-age") || name.eq_ignore_ascii_case(b"expires")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(note: &Note, set: &[&'static str]) -> Vec<HeaderValue> {
        let mut request = HeaderMap::new();
        request.append(COOKIE, HeaderValue::from_static("a=1; id=old"));
        request.append(COOKIE, HeaderValue::from_static("b=2"));
        let mut answer = HeaderMap::new();
        for set in set {
            answer.append(SET_COOKIE, HeaderValue::from_static(set));
        }
        SentCookies::of(&request).keep(note, &mut answer);
        answer.get_all(SET_COOKIE).iter().cloned().collect()
    }

    #[test]
    fn late_answers_set_no_cookie_of_the_request() {
        let note = Note::default();
        let set = ["id=old; Path=/", "ids=3", "b=; Max-Age=0", "i=4", "=5"];
        assert_eq!(kept(&note, &set), set);
        note.late.store(true, Ordering::Relaxed);
        assert_eq!(kept(&note, &set), ["ids=3", "i=4", "=5"]);
    }

    #[test]
    fn cookies_of_this_host_are_secure() {
        let mut answer = HeaderMap::new();
        let all = [
            "__Host-a=; Max-Age=0",
            "__Secure-b=1; secure; Path=/",
            "c=; Path=/",
        ];
        for cookie in all {
            answer.append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        mark_secure(&mut answer);
        let marked: Vec<_> = answer.get_all(SET_COOKIE).iter().collect();
        assert_eq!(marked, ["__Host-a=; Max-Age=0; Secure", all[1], all[2]]);
    }

    #[test]
    fn unchanged_ids_are_not_set_again() {
        let note = Note::default();
        note.saved.set("old".to_owned()).unwrap();
        assert_eq!(kept(&note, &["id=old; Path=/; HttpOnly"]), [""; 0]);
        let others = ["id=new", "a=old", "id=old; max-age=60", "id=old; Expires=x"];
        assert_eq!(kept(&note, &others), others);
    }
}
