use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use countersign_gate::countersign::{AccountId, FirstFactorKind};
use countersign_gate::{BoxError, SignInId};
use std::fmt;

use crate::exchange::Exchange;
use crate::session::Local;

/// The way in and out, for your own handlers: the sign-in page, the answer of another service, the
/// link in an email.
///
/// ```
/// # use actix_web::{HttpResponse, web::Form};
/// # use countersign_actix::countersign::{AccountId, FirstFactorKind};
/// # use countersign_actix::Door;
/// # #[derive(serde::Deserialize)] struct Login { name: String, password: String }
/// # async fn check_password(login: &Login) -> Option<AccountId> { None }
/// async fn sign_in(door: Door, Form(login): Form<Login>) -> HttpResponse {
///     match check_password(&login).await {
///         Some(account) => door.first_factor(account, FirstFactorKind::Password).await,
///         None => HttpResponse::UnprocessableEntity().body("Wrong name or password."),
///     }
/// }
/// ```
pub struct Door(Exchange);

impl Door {
    /// Lets a user in whose first factor you have just checked. Call it for every first factor, and
    /// return its response.
    ///
    /// The response leads to the code page, to an enrollment, or to your first page. The session has
    /// a new id.
    pub async fn first_factor(&self, account: AccountId, kind: FirstFactorKind) -> HttpResponse {
        let Exchange { gate, request, .. } = &self.0;
        let answer = gate.first_factor(request.clone(), account, kind).await;
        self.0.finish(answer).await
    }

    /// Ends the sign-in and the session. Return its response. Call it for POST requests only, whose
    /// token you have checked by [`SignedIn::check_csrf`](crate::SignedIn::check_csrf).
    pub async fn sign_out(&self) -> HttpResponse {
        let Exchange { gate, request, .. } = &self.0;
        let answer = gate.sign_out(request.clone()).await;
        self.0.finish(answer).await
    }

    /// Ends all sign-ins of an account but this one: after a change of the password, for example.
    ///
    /// # Errors
    /// If they are not ended.
    pub async fn end_sign_ins(
        &self,
        account: &AccountId,
        keep: Option<&SignInId>,
    ) -> Result<(), BoxError> {
        self.0.gate.end_sign_ins(account, keep).await
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl FromRequest for Door {
    type Error = actix_web::Error;
    type Future = Local<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let begun = Exchange::begin(&request).await;
            begun.map(Self).map_err(|failure| {
                let response = failure.response();
                InternalError::from_response(failure.to_string(), response).into()
            })
        })
    }
}
