use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use countersign_gate::countersign::AccountId;
use countersign_gate::countersign::session::{Access, Freshness, SignInFactors};
use countersign_gate::{Admission, SignInId, SignedInVisitor, Visitor};
use std::ops::Deref;
use subtle::ConstantTimeEq;

use crate::access::Known;
use crate::exchange::{Exchange, respond};
use crate::session::Local;

/// The user of a full session. On a closed route, it is always there. On a public one, use
/// `Option<SignedIn>`.
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
    pub const fn factors(&self) -> SignInFactors {
        self.0.factors
    }

    /// Returns the token for the forms of your own pages: a hidden field, for example `csrf`.
    #[must_use]
    pub fn csrf(&self) -> &str {
        &self.0.csrf
    }

    /// Whether a form of your own pages sent this token. Refuse the form if not.
    #[must_use]
    pub fn check_csrf(&self, token: &str) -> bool {
        let expected = self.csrf().as_bytes();
        !expected.is_empty() && bool::from(expected.ct_eq(token.as_bytes()))
    }
}

/// The user of a half session: the first factor was right, and the second one is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfSignedIn(AccountId);

impl HalfSignedIn {
    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.0
    }
}

/// The user of a full session whose factors are at most this old. If they are older, the browser goes
/// to the page that asks for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fresh<const MINUTES: u32>(SignedIn);

impl<const MINUTES: u32> Deref for Fresh<MINUTES> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

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
            let known = Known::of(&request);
            match known.map_or_else(|| None, Some) {
                Some(Visitor::Half { account }) => Ok(Self(account)),
                _ => match admit(&request, Access::FirstFactor).await? {
                    Visitor::Half { account } => Ok(Self(account)),
                    _ => Err(refused(HttpResponse::Forbidden().finish())),
                },
            }
        })
    }
}

async fn signed_in(request: &HttpRequest, access: Access) -> Result<SignedIn, actix_web::Error> {
    match admit(request, access).await? {
        Visitor::Full(visitor) => Ok(SignedIn(visitor)),
        _ => Err(refused(HttpResponse::Forbidden().finish())),
    }
}

/// Asks the gate, and returns its refusal as an error. The session stays as it is, because a handler
/// that takes an `Option` does not send this answer.
async fn admit(request: &HttpRequest, access: Access) -> Result<Visitor, actix_web::Error> {
    let begun = Exchange::begin(request).await;
    let exchange = begun.map_err(|failure| refused(failure.response()))?;
    match exchange.gate.admit(exchange.request, access).await {
        Admission::Granted(visitor) => {
            request.extensions_mut().insert(Known(visitor.clone()));
            Ok(visitor)
        }
        Admission::Refused(answer) => Err(refused(respond(answer).0)),
        _ => Err(refused(HttpResponse::Forbidden().finish())),
    }
}

fn refused(response: HttpResponse) -> actix_web::Error {
    InternalError::from_response("the gate refused the request", response).into()
}
