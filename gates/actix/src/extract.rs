use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use countersign_gate::countersign::AccountId;
use countersign_gate::countersign::session::{Access, Freshness, SignInFactors};
use countersign_gate::{Admission, SignInId, SignedInVisitor, Visitor};

use crate::access::{Known, mark};
use crate::exchange::{Exchange, plain, respond};
use crate::session::Local;

/// A signed-in user.
///
/// On a closed route, every request has one. On a public route, take `Option<SignedIn>`. There, a
/// failure of your table of sign-ins also counts as nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedIn(SignedInVisitor);

impl SignedIn {
    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Returns the id of the sign-in, in your table.
    #[must_use]
    pub const fn sign_in(&self) -> &SignInId {
        &self.0.sign_in
    }

    /// Returns the factors of the sign-in.
    #[must_use]
    pub const fn factors(&self) -> &SignInFactors {
        &self.0.factors
    }

    /// Returns the token for the forms of your own pages: a hidden field, for example `csrf`.
    #[must_use]
    pub fn csrf(&self) -> &str {
        &self.0.csrf
    }

    /// Checks the token of a form, in constant time.
    ///
    /// # Errors
    /// [`NotOurForm`]. It answers with status 403.
    pub fn check_csrf(&self, token: &str) -> Result<(), NotOurForm> {
        self.0.sent_token(token).then_some(()).ok_or(NotOurForm)
    }
}

/// The error for a form whose token is not that of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form has another token than the session; show it again")]
pub struct NotOurForm;

impl ResponseError for NotOurForm {
    fn error_response(&self) -> HttpResponse {
        plain(StatusCode::FORBIDDEN)
    }
}

/// A user whose first factor was right, and whose second factor is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfSignedIn(AccountId);

impl HalfSignedIn {
    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.0
    }
}

/// A signed-in user with factors that are at most so many minutes old.
///
/// The user is asked for an older factor again, and then comes back to this page.
#[derive(Clone, Debug, PartialEq)]
pub struct Fresh<const MINUTES: u32>(pub SignedIn);

impl FromRequest for SignedIn {
    type Error = actix_web::Error;
    type Future = Local<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            if let Some(Visitor::Full(visitor)) = Known::of(&request) {
                return Ok(Self(visitor));
            }
            signed_in(&request, Access::Full).await
        })
    }
}

impl<const MINUTES: u32> FromRequest for Fresh<MINUTES> {
    type Error = actix_web::Error;
    type Future = Local<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let fresh = Access::Fresh(Freshness::minutes(MINUTES));
            signed_in(&request, fresh).await.map(Self)
        })
    }
}

impl FromRequest for HalfSignedIn {
    type Error = actix_web::Error;
    type Future = Local<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            if let Some(Visitor::Half { account }) = Known::of(&request) {
                return Ok(Self(account));
            }
            match admit(&request, Access::FirstFactor).await? {
                Visitor::Half { account } => Ok(Self(account)),
                _ => Err(refused(plain(StatusCode::FORBIDDEN))),
            }
        })
    }
}

async fn signed_in(request: &HttpRequest, access: Access) -> Result<SignedIn, actix_web::Error> {
    match admit(request, access).await? {
        Visitor::Full(visitor) => Ok(SignedIn(visitor)),
        _ => Err(refused(plain(StatusCode::FORBIDDEN))),
    }
}

/// Asks the gate, and returns its refusal as an error. The session stays as it is, because a
/// handler that takes an `Option` does not send this answer.
async fn admit(request: &HttpRequest, access: Access) -> Result<Visitor, actix_web::Error> {
    let begun = Exchange::begin(request).await;
    let exchange = begun.map_err(|failure| refused(failure.response()))?;
    match exchange.gate.admit(exchange.request, access).await {
        Admission::Granted(visitor) => {
            request.extensions_mut().insert(Known(visitor.clone()));
            Ok(visitor)
        }
        Admission::Refused(answer) => Err(refused(mark(respond(answer).0))),
        _ => Err(refused(plain(StatusCode::FORBIDDEN))),
    }
}

fn refused(response: HttpResponse) -> actix_web::Error {
    InternalError::from_response("the gate refused the request", response).into()
}
