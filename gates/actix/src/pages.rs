//! The gate's own pages.

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use countersign_gate::{Gate, GateRequest};

use crate::exchange::{Exchange, plain};

/// Returns the pages under the gate's prefix.
pub(crate) fn resource(gate: &Gate) -> Resource {
    let prefix = gate.prefix();
    web::resource([prefix.to_owned(), format!("{prefix}/{{page:.*}}")]).to(answer)
}

async fn answer(request: HttpRequest, body: Payload) -> HttpResponse {
    if ![Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
        let methods = HeaderValue::from_static("GET, HEAD, POST");
        response.headers_mut().insert(ALLOW, methods);
        return response;
    }
    let mut exchange = match Exchange::begin(&request).await {
        Ok(exchange) => exchange,
        Err(failure) => return failure.response(),
    };
    exchange.request.path = format!("/{}", request.match_info().get("page").unwrap_or_default());
    if exchange.request.post {
        match body.to_bytes_limited(GateRequest::LARGEST_BODY).await {
            Ok(Ok(body)) => exchange.request.body = body.into(),
            Ok(Err(error)) => return error.error_response(),
            Err(_) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }
    let answer = exchange.gate.handle(exchange.request.clone()).await;
    exchange.finish(answer).await
}
