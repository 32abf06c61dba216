use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use countersign_gate::countersign::AccountId;
use countersign_gate::countersign::session::{Access, Freshness, SignInFactors};
use countersign_gate::{SignInId, SignedInVisitor, Visitor};
use std::fmt;

use crate::exchange::{failed, plain};
use crate::guard::Passage;

/// A signed-in user.
///
/// On a closed route, every request has one. On a public route, take `Option<SignedIn>`.
#[derive(Clone, Debug)]
pub struct SignedIn(SignedInVisitor);

impl SignedIn {
    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Returns the sign-in, which your table of sign-ins has.
    #[must_use]
    pub const fn sign_in(&self) -> &SignInId {
        &self.0.sign_in
    }

    /// Returns the factors and their times.
    #[must_use]
    pub const fn factors(&self) -> &SignInFactors {
        &self.0.factors
    }

    /// Returns the token for the forms of your own pages.
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

impl IntoResponse for NotOurForm {
    fn into_response(self) -> Response {
        plain(StatusCode::FORBIDDEN)
    }
}

/// A user whose first factor was right, and whose second factor is missing.
#[derive(Clone, Debug)]
pub struct HalfSignedIn {
    account: AccountId,
}

impl HalfSignedIn {
    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }
}

/// A signed-in user with factors that are at most so many minutes old.
///
/// The user is asked for an older factor again, and then comes back to this page.
#[derive(Clone, Debug)]
pub struct Fresh<const MINUTES: u32>(pub SignedIn);

/// The message of the gate for this page, if there is one: that a backup code was used, for
/// example.
///
/// Show it on the page that a user sees after the sign-in. The gate shows it on its own next page
/// otherwise. Taking it changes the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateMessage(pub Option<String>);

/// Why an extractor found nobody.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// The gate refused the request, with this answer.
    Refused(Box<Response>),
    /// The route is not behind the gate. Add it to a [`GateRouter`](crate::GateRouter).
    NotBehindGate,
    /// The request has no session. Add the layer of your session crate by
    /// [`GateRouter::layer`](crate::GateRouter::layer).
    NoSession,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "the gate refused the request; return this rejection",
            Self::NotBehindGate => "the route is not behind the gate; add it to a `GateRouter`",
            Self::NoSession => "there is no session; add its layer by `GateRouter::layer`",
        })
    }
}

impl std::error::Error for Rejection {}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(answer) => *answer,
            Self::NotBehindGate | Self::NoSession => failed(&self.to_string().into()),
        }
    }
}

pub(crate) fn passage(parts: &Parts) -> Result<Passage, Rejection> {
    let passage = parts.extensions.get::<Passage>();
    passage.cloned().ok_or(Rejection::NotBehindGate)
}

/// Whom the guard found, or whom the gate finds now.
async fn visitor(parts: &Parts, access: Access) -> Result<Visitor, Rejection> {
    let passage = passage(parts)?;
    match passage.granted {
        Some((granted, visitor)) if granted == access => Ok(visitor),
        Some((Access::Fresh(_), visitor)) if access == Access::Full => Ok(visitor),
        _ => match passage.core.admit(parts, access).await {
            Ok(visitor) => Ok(visitor),
            Err(refusal) => Err(Rejection::Refused(Box::new(refusal))),
        },
    }
}

fn other() -> Rejection {
    let answer = failed(&"the gate found another visitor than it was asked for".into());
    Rejection::Refused(Box::new(answer))
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        match visitor(parts, Access::Full).await? {
            Visitor::Full(visitor) => Ok(Self(visitor)),
            _ => Err(other()),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let granted = passage(parts)?.granted;
        let visitor = match granted {
            Some((_, visitor)) => visitor,
            None => visitor(parts, Access::Public).await?,
        };
        match visitor {
            Visitor::Full(visitor) => Ok(Some(Self(visitor))),
            _ => Ok(None),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for HalfSignedIn {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        match visitor(parts, Access::FirstFactor).await? {
            Visitor::Half { account, .. } => Ok(Self { account }),
            _ => Err(other()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for GateMessage {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let text = passage(parts)?.core.message(parts).await;
        let failed = |error| Rejection::Refused(Box::new(failed(&error)));
        text.map(Self).map_err(failed)
    }
}

impl<S: Send + Sync, const MINUTES: u32> FromRequestParts<S> for Fresh<MINUTES> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let access = Access::Fresh(Freshness::minutes(MINUTES));
        match visitor(parts, access).await? {
            Visitor::Full(visitor) => Ok(Self(SignedIn(visitor))),
            _ => Err(other()),
        }
    }
}
