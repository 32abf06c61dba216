use std::fmt;

use crate::notice::Client;
use crate::session_data::{SessionChange, SessionData};

/// A request for one of the gate's pages, without a web framework.
#[derive(Clone, Default)]
pub struct GateRequest {
    /// Whether the method is POST. The only other methods of the gate's pages are GET and HEAD.
    pub post: bool,
    /// The path behind the gate's prefix: `/code`, for example.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// The body, at most [`LARGEST_BODY`](Self::LARGEST_BODY) bytes.
    pub body: Vec<u8>,
    /// The headers that matter.
    pub headers: Headers,
    /// The gate's part of the session: empty if there is none.
    pub session: SessionData,
    /// The browser or program.
    pub client: Client,
}

impl GateRequest {
    /// The largest body that a page takes, in bytes. Refuse a larger one with status 413.
    pub const LARGEST_BODY: usize = 16_384;
}

/// The headers that the gate reads.
#[derive(Clone, Default)]
pub struct Headers {
    /// `Accept`.
    pub accept: Option<String>,
    /// `Accept-Language`.
    pub accept_language: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `X-CSRF-Token`, which a program may send instead of the field `csrf`.
    pub csrf_token: Option<String>,
    /// `Cookie`: all cookies, with `; ` between two of them. HTTP/2 may send several headers.
    pub cookie: Option<String>,
    /// `Host`.
    pub host: Option<String>,
    /// `Origin`.
    pub origin: Option<String>,
    /// `Sec-Fetch-Site`.
    pub sec_fetch_site: Option<String>,
}

/// An answer of the gate, without a web framework.
#[derive(Clone)]
#[must_use = "carry out the change of the session, and then send the answer"]
pub struct GateAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What to do with the session first.
    pub session: SessionChange,
}

impl GateAnswer {
    /// An answer without a page, which changes nothing in the session.
    pub(crate) const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            session: SessionChange::Keep,
        }
    }
}

/// Hides the body and the query, which can hold a password or a code.
impl fmt::Debug for GateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateRequest")
            .field("post", &self.post)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Hides the cookies and the token.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers")
            .field("accept", &self.accept)
            .field("accept_language", &self.accept_language)
            .field("content_type", &self.content_type)
            .field("host", &self.host)
            .field("origin", &self.origin)
            .field("sec_fetch_site", &self.sec_fetch_site)
            .finish_non_exhaustive()
    }
}

/// Hides the body and the values of the headers, which can hold a key, codes or a cookie.
impl fmt::Debug for GateAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("GateAnswer")
            .field("status", &self.status)
            .field("headers", &names)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
