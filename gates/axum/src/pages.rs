//! The gate's own pages.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use std::sync::Arc;

use crate::exchange::{failed, plain, read_body, respond};
use crate::guard::Core;

/// Answers a request for a page of the gate.
pub(crate) async fn page(State(core): State<Arc<Core>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if ![Method::GET, Method::HEAD, Method::POST].contains(&parts.method) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = HeaderValue::from_static("GET, HEAD, POST");
        answer.headers_mut().insert(header::ALLOW, allowed);
        return answer;
    }
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let (mut request, session) = match core.request(&parts).await {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    let path = request.path.strip_prefix(core.gate.prefix());
    request.path = match path {
        Some("") => "/".to_owned(),
        Some(path) => path.to_owned(),
        None => return plain(StatusCode::NOT_FOUND),
    };
    request.body = body;
    let was_moved = request.session.is_moved();
    let answer = core.gate.handle(request).await;
    respond(answer, &*session, was_moved).await
}
