use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use countersign_gate::countersign::{AccountId, FirstFactorKind};
use countersign_gate::{BoxError, SignInId};
use std::fmt;

use crate::exchange::Exchange;
use crate::session::Local;

/// The door for your own sign-in handlers.
///
/// Every first factor enters here: the password, a link by mail, a social login, an API token, and
/// "remember me". Change the session in no other way.
///
/// ```
/// use actix_web::HttpResponse;
/// use actix_web::web::Form;
/// use countersign_actix::{Door, FirstFactorKind};
/// # #[derive(serde::Deserialize)] struct Password { name: String, password: String }
/// # async fn check_password(_: &Password) -> Option<u64> { None }
///
/// async fn sign_in(door: Door, Form(form): Form<Password>) -> HttpResponse {
///     match check_password(&form).await {
///         Some(user) => door.first_factor(user, FirstFactorKind::Password).await,
///         None => HttpResponse::UnprocessableEntity().body("Wrong name or password."),
///     }
/// }
/// ```
pub struct Door(Exchange);

impl Door {
    /// Lets a user in whose first factor you have just checked. Return the answer: it leads to the
    /// code page, to an enrollment, or to your first page.
    ///
    /// The session gets a new id. Change the session before this call, or in a later request.
    pub async fn first_factor(
        self,
        account: impl Into<AccountId>,
        kind: FirstFactorKind,
    ) -> HttpResponse {
        let Exchange { gate, request, .. } = &self.0;
        let answer = gate
            .first_factor(request.clone(), account.into(), kind)
            .await;
        self.0.finish(answer).await
    }

    /// Ends the sign-in and the session of this request. Return the answer: it leads to your
    /// sign-in page. Call it for a POST whose token you have checked.
    pub async fn sign_out(self) -> HttpResponse {
        let Exchange { gate, request, .. } = &self.0;
        let answer = gate.sign_out(request.clone()).await;
        self.0.finish(answer).await
    }

    /// Ends all sign-ins of an account but this one: after a change of the password, for example.
    ///
    /// A session whose second factor is still missing names no sign-in yet. After a change of the
    /// password, [`Accounts::password_changed_at`](crate::Accounts::password_changed_at) ends it.
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
