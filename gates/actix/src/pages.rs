//! The gate's own pages.

use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use countersign_gate::{Gate, GateRequest};

use crate::exchange::Exchange;

/// Returns the pages under the gate's prefix.
pub(crate) fn resource(gate: &Gate) -> Resource {
    let prefix = gate.prefix();
    web::resource([prefix.to_owned(), format!("{prefix}/{{page:.*}}")]).to(answer)
}

async fn answer(request: HttpRequest, body: Payload) -> HttpResponse {
    if ![Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
        return HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD, POST")).finish();
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
            Err(_) => return HttpResponse::PayloadTooLarge().finish(),
        }
    }
    let answer = exchange.gate.handle(exchange.request.clone()).await;
    exchange.finish(answer).await
}
