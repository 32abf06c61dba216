use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{FromRequest, HttpRequest};

use crate::exchange::Exchange;
use crate::session::Local;

/// The message of the gate for this page, if there is one: that a backup code was used, for
/// example.
///
/// Show it on the page that a user sees after the sign-in. The gate shows it on its own next page
/// otherwise. Taking it changes the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateMessage(pub Option<String>);

impl FromRequest for GateMessage {
    type Error = actix_web::Error;
    type Future = Local<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let taken = match Exchange::begin(&request).await {
                Ok(exchange) => exchange.take_message().await,
                Err(failure) => Err(failure),
            };
            taken.map(Self).map_err(|failure| {
                let response = failure.response();
                InternalError::from_response(failure.to_string(), response).into()
            })
        })
    }
}
