use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use countersign_gate::countersign::{AccountId, FirstFactorKind};
use countersign_gate::{BoxError, GateAnswer, GateRequest, SignInId};
use std::fmt;
use std::sync::Arc;

use crate::exchange::{failed, gate_request, read_session, respond};
use crate::extract::{Rejection, passage};
use crate::guard::Core;
use crate::session::AnySession;

/// The door for your own sign-in handlers.
///
/// Every first factor enters here: the password, a link by mail, a social login, an API token, and
/// "remember me". Change the session in no other way.
///
/// ```
/// use axum::Form;
/// use axum::response::{IntoResponse, Redirect, Response};
/// use countersign_axum::{Door, FirstFactorKind};
/// # #[derive(serde::Deserialize)] struct Password { name: String, password: String }
/// # async fn check_password(_: &Password) -> Option<u64> { None }
///
/// async fn sign_in(door: Door, Form(form): Form<Password>) -> Response {
///     match check_password(&form).await {
///         Some(user) => door.first_factor(user, FirstFactorKind::Password).await,
///         None => Redirect::to("/sign-in?wrong").into_response(),
///     }
/// }
/// ```
pub struct Door {
    core: Arc<Core>,
    request: GateRequest,
    session: Arc<dyn AnySession>,
}

impl Door {
    /// Lets a user in whose first factor you have just checked. Return the answer: it leads to the
    /// code page, to an enrollment, or to your first page.
    ///
    /// The session gets a new id. Change the session before this call, or in a later request.
    pub async fn first_factor(
        self,
        account: impl Into<AccountId>,
        kind: FirstFactorKind,
    ) -> Response {
        let account = account.into();
        let gate = self.core.gate.clone();
        let call = async move |request| gate.first_factor(request, account, kind).await;
        self.call(call).await
    }

    /// Ends the sign-in and the session of this request. Return the answer: it leads to your
    /// sign-in page. Call it for a POST whose token you have checked.
    pub async fn sign_out(self) -> Response {
        let gate = self.core.gate.clone();
        let call = async move |request| gate.sign_out(request).await;
        self.call(call).await
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
        self.core.gate.end_sign_ins(account, keep).await
    }

    async fn call(mut self, call: impl AsyncFnOnce(GateRequest) -> GateAnswer) -> Response {
        match read_session(&*self.session).await {
            Ok(data) => self.request.session = data,
            Err(error) => return failed(&error),
        }
        let was_moved = self.request.session.is_moved();
        let answer = call(self.request).await;
        respond(answer, &*self.session, was_moved).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Door {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let core = passage(parts)?.core;
        let Some(session) = (core.find)(&parts.extensions) else {
            return Err(Rejection::NoSession);
        };
        Ok(Self {
            core,
            request: gate_request(parts),
            session,
        })
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}
