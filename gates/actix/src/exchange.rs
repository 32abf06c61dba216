//! From actix-web's requests to the gate's, and back.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, AsHeaderName, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HOST, HeaderMap,
    ORIGIN, USER_AGENT,
};
use actix_web::{HttpRequest, HttpResponse};
use countersign_gate::{BoxError, Client, Gate, GateAnswer, GateRequest, Headers, SessionChange};

use crate::session::{AnySession, FindSession};

/// The gate, as it is mounted in an app.
#[derive(Clone)]
pub(crate) struct Mounted {
    pub(crate) gate: Gate,
    pub(crate) find_session: FindSession,
    pub(crate) client_address: fn(&HttpRequest) -> Option<String>,
}

/// The address of the peer, without the port.
pub(crate) fn peer_address(request: &HttpRequest) -> Option<String> {
    request.peer_addr().map(|address| address.ip().to_string())
}

/// A request and its session.
pub(crate) struct Exchange {
    pub(crate) gate: Gate,
    pub(crate) request: GateRequest,
    session: Box<dyn AnySession>,
}

impl Exchange {
    /// Prepares a request for the gate. The body is missing.
    pub(crate) async fn begin(request: &HttpRequest) -> Result<Self, Failure> {
        let mounted = request
            .app_data::<Mounted>()
            .ok_or(Failure::NoGate)?
            .clone();
        let session = (mounted.find_session)(request).ok_or(Failure::NoSession)?;
        let data = session.read().await.map_err(Failure::Session)?;
        let request = GateRequest {
            post: !request.method().is_safe(),
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            body: Vec::new(),
            headers: headers(request),
            session: data,
            client: Client::new(
                text(request.headers(), USER_AGENT),
                (mounted.client_address)(request),
            ),
        };
        Ok(Self {
            gate: mounted.gate,
            request,
            session,
        })
    }

    /// Takes the message for the next page out of the session.
    pub(crate) async fn take_message(&self) -> Result<Option<String>, Failure> {
        let Some((text, change)) = self.gate.take_message(&self.request) else {
            return Ok(None);
        };
        let applied = self.session.apply(change, false).await;
        applied.map(|()| Some(text)).map_err(Failure::Session)
    }

    /// Changes the session, and returns the response.
    pub(crate) async fn finish(&self, answer: GateAnswer) -> HttpResponse {
        let (response, change) = respond(answer);
        let was_moved = self.request.session.is_moved();
        match self.session.apply(change, was_moved).await {
            Ok(()) => response,
            Err(error) => Failure::Session(error).response(),
        }
    }
}

/// Returns the response, and what to do with the session first.
pub(crate) fn respond(answer: GateAnswer) -> (HttpResponse, SessionChange) {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.append_header(header);
    }
    (response.body(answer.body), answer.session)
}

fn headers(request: &HttpRequest) -> Headers {
    let map = request.headers();
    Headers {
        accept: text(map, ACCEPT),
        accept_language: text(map, ACCEPT_LANGUAGE),
        content_type: text(map, CONTENT_TYPE),
        cookie: cookies(map),
        // HTTP/2 has the host in the address.
        host: text(map, HOST).or_else(|| {
            request
                .uri()
                .authority()
                .map(|host| host.as_str().to_owned())
        }),
        origin: text(map, ORIGIN),
        csrf_token: text(map, "x-csrf-token"),
        sec_fetch_site: text(map, "sec-fetch-site"),
    }
}

/// All cookies. HTTP/2 may send several headers.
fn cookies(headers: &HeaderMap) -> Option<String> {
    let all: Vec<_> = headers
        .get_all(COOKIE)
        .map(|cookie| String::from_utf8_lossy(cookie.as_bytes()))
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// An answer that has no page.
pub(crate) fn plain(status: StatusCode) -> HttpResponse {
    let reason = status.canonical_reason().unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(reason)
}

/// Why the gate was not asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("there is no gate in this app; build it with `GateApp`")]
    NoGate,
    #[error("there is no session; add the middleware of your session crate by `GateApp::wrap`")]
    NoSession,
    #[error("the session cannot be read or written; see the error of the session crate")]
    Session(#[source] BoxError),
}

impl Failure {
    pub(crate) fn response(&self) -> HttpResponse {
        tracing::error!(error = self as &dyn std::error::Error, "a request failed");
        plain(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
