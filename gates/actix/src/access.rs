//! The check before each of your routes.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use countersign_gate::countersign::session::Access;
use countersign_gate::{Admission, Visitor};

use crate::exchange::{Exchange, plain};

/// The visitor, as the gate found them for this request.
#[derive(Clone)]
pub(crate) struct Known(pub(crate) Visitor);

impl Known {
    pub(crate) fn of(request: &HttpRequest) -> Option<Visitor> {
        request
            .extensions()
            .get::<Self>()
            .map(|known| known.0.clone())
    }
}

/// Calls the route if the visitor may have it.
pub(crate) async fn check(
    access: Access,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // A scope of yours without such a route asks the default service, which is closed as well.
    let known =
        access == Access::Full && matches!(Known::of(request.request()), Some(Visitor::Full(_)));
    if access == Access::Public || known {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let exchange = match Exchange::begin(request.request()).await {
        Ok(exchange) => exchange,
        Err(failure) => return Ok(request.into_response(failure.response())),
    };
    match exchange.gate.admit(exchange.request.clone(), access).await {
        Admission::Granted(visitor) => {
            request.extensions_mut().insert(Known(visitor));
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Admission::Refused(answer) => {
            let response = exchange.finish(answer).await;
            Ok(request.into_response(mark(response)))
        }
        _ => Ok(request.into_response(plain(StatusCode::FORBIDDEN))),
    }
}

/// Marks a response as a refusal of the gate, for the harness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

pub(crate) fn mark(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(Refused);
    response
}
