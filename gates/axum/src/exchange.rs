//! Requests and answers, between axum and the gate.

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_gate::{
    BoxError, Client, GateAnswer, GateRequest, Headers, Renewal, SessionChange, SessionData,
};
use http_body_util::LengthLimitError;
use std::net::SocketAddr;

use crate::session::AnySession;

/// Makes the gate's request, without a body and a session.
pub(crate) fn gate_request(parts: &Parts) -> GateRequest {
    let text = |name: HeaderName| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let uri = match parts.extensions.get::<OriginalUri>() {
        Some(original) => &original.0,
        None => &parts.uri,
    };
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let address = address.map(|info| info.0.ip().to_string());
    GateRequest {
        post: !is_safe(&parts.method),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        body: Vec::new(),
        headers: Headers {
            accept: text(header::ACCEPT),
            accept_language: text(header::ACCEPT_LANGUAGE),
            content_type: text(header::CONTENT_TYPE),
            cookie: cookies(&parts.headers),
            host: text(header::HOST).or_else(|| Some(uri.authority()?.to_string())),
            origin: text(header::ORIGIN),
            csrf_token: text(HeaderName::from_static("x-csrf-token")),
            sec_fetch_site: text(HeaderName::from_static("sec-fetch-site")),
        },
        session: SessionData::default(),
        client: Client::new(text(header::USER_AGENT), address),
    }
}

/// All cookies. HTTP/2 may send several headers.
fn cookies(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter();
    let all: Vec<&str> = all.filter_map(|cookie| cookie.to_str().ok()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Whether a method changes nothing.
fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

/// Reads a body of a bounded length.
pub(crate) async fn read_body(body: Body) -> Result<Vec<u8>, Response> {
    match to_bytes(body, GateRequest::LARGEST_BODY).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            let error = error.into_inner();
            let status = match error.downcast_ref::<LengthLimitError>() {
                Some(_) => StatusCode::PAYLOAD_TOO_LARGE,
                None => StatusCode::BAD_REQUEST,
            };
            Err(plain(status))
        }
    }
}

/// Reads the gate's part of a session.
pub(crate) async fn read_session(session: &dyn AnySession) -> Result<SessionData, BoxError> {
    let text = session.read().await?;
    Ok(text.map_or_else(SessionData::default, |text| SessionData::from_text(&text)))
}

/// Carries out the change of the session, and makes the answer.
pub(crate) async fn respond(
    answer: GateAnswer,
    session: &dyn AnySession,
    was_moved: bool,
) -> Response {
    match carry_out(answer.session, session, was_moved).await {
        Ok(()) => response(answer.status, answer.headers, answer.body),
        Err(error) => failed(&error),
    }
}

/// Changes the session, as the gate says.
pub(crate) async fn carry_out(
    change: SessionChange,
    session: &dyn AnySession,
    was_moved: bool,
) -> Result<(), BoxError> {
    match change {
        SessionChange::Keep => Ok(()),
        SessionChange::Store(data) => session.write(data.to_text()).await,
        SessionChange::Renew { data, id, left } => {
            session
                .renew(Renewal::new(&data, id, &left, was_moved))
                .await
        }
        SessionChange::End { left } => session.end(left.to_text()).await,
        _ => Err(
            "this change of the session is unknown; use the same version of all packages".into(),
        ),
    }
}

fn response(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let Ok(status) = StatusCode::from_u16(status) else {
        return failed(&"the gate answered with a status that does not exist".into());
    };
    *response.status_mut() = status;
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            return failed(&"a header of the gate's answer has a control character".into());
        };
        response.headers_mut().append(name, value);
    }
    response
}

/// The answer after a failure, which says nothing about its cause.
pub(crate) fn failed(error: &BoxError) -> Response {
    tracing::error!(error, "the gate could not answer");
    plain(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An answer that has no page.
pub(crate) fn plain(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    (status, [(header::CACHE_CONTROL, "no-store")], reason).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Request;

    #[test]
    fn the_gate_learns_who_asks() {
        let request = Request::put("/a/b?c=d")
            .header("user-agent", "é".repeat(200))
            .header("x-forwarded-for", "192.0.2.1")
            .header("sec-fetch-site", "same-origin")
            .header("host", "service.example")
            .header("cookie", "a=1; b=2")
            .header("cookie", "c=3");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(gate_request(&parts).client.address, None);
        let address: SocketAddr = ([192, 0, 2, 9], 4711).into();
        parts.extensions.insert(ConnectInfo(address));
        let request = gate_request(&parts);
        assert_eq!(request.client.address.as_deref(), Some("192.0.2.9"));
        assert_eq!(request.client.user_agent.map(|agent| agent.len()), None);
        assert_eq!(
            (request.path.as_str(), request.query.as_str()),
            ("/a/b", "c=d")
        );
        assert_eq!(request.headers.cookie.as_deref(), Some("a=1; b=2; c=3"));
        assert_eq!(request.headers.host.as_deref(), Some("service.example"));
        assert_eq!(
            request.headers.sec_fetch_site.as_deref(),
            Some("same-origin")
        );
        assert!(request.post, "a PUT changes something");
    }

    #[test]
    fn only_safe_methods_change_nothing() {
        let safe = ["GET", "HEAD", "OPTIONS", "TRACE"];
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "POST", "DELETE", "FETCH"] {
            let known = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(is_safe(&known), safe.contains(&method), "{method}");
        }
    }
}
