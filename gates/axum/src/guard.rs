//! The guard in front of a route.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_gate::countersign::session::Access;
use countersign_gate::{Admission, BoxError, Gate, GateRequest, Visitor};
use std::sync::Arc;

use crate::exchange::{carry_out, failed, gate_request, read_session, respond};
use crate::extract::Rejection;
use crate::session::{AnySession, FindSession};

/// What every part of the service needs.
pub(crate) struct Core {
    pub(crate) gate: Gate,
    pub(crate) find: FindSession,
}

impl Core {
    /// Reads the request and its session.
    pub(crate) async fn request(
        &self,
        parts: &Parts,
    ) -> Result<(GateRequest, Arc<dyn AnySession>), BoxError> {
        let session =
            (self.find)(&parts.extensions).ok_or_else(|| Rejection::NoSession.to_string())?;
        let mut request = gate_request(parts);
        request.session = read_session(&*session).await?;
        Ok((request, session))
    }

    /// Takes the gate's message out of the session.
    pub(crate) async fn message(&self, parts: &Parts) -> Result<Option<String>, BoxError> {
        let (request, session) = self.request(parts).await?;
        let Some((text, change)) = self.gate.take_message(&request) else {
            return Ok(None);
        };
        carry_out(change, &*session, false).await?;
        Ok(Some(text))
    }

    /// Asks the gate, and carries out its answer if it refuses.
    pub(crate) async fn admit(&self, parts: &Parts, access: Access) -> Result<Visitor, Response> {
        let (request, session) = match self.request(parts).await {
            Ok(found) => found,
            Err(error) => return Err(failed(&error)),
        };
        let was_moved = request.session.is_moved();
        match self.gate.admit(request, access).await {
            Admission::Granted(visitor) => Ok(visitor),
            Admission::Refused(answer) => {
                let mut response = respond(answer, &*session, was_moved).await;
                response.extensions_mut().insert(Refused);
                Err(response)
            }
            _ => Err(failed(&"the gate gave an unknown answer".into())),
        }
    }
}

/// Marks an answer as a refusal of the gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

/// What handlers and extractors find in a request that passed a guard.
#[derive(Clone)]
pub(crate) struct Passage {
    pub(crate) core: Arc<Core>,
    /// What the guard asked for, and whom it found. `None`: the route is public, and nobody asked.
    pub(crate) granted: Option<(Access, Visitor)>,
}

/// What a guard needs.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) core: Arc<Core>,
    pub(crate) access: Access,
}

/// Lets a request through, or answers it.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let Guard { core, access } = guard;
    let (mut parts, body) = request.into_parts();
    let granted = match access {
        Access::Public => None,
        access => match core.admit(&parts, access).await {
            Ok(visitor) => Some((access, visitor)),
            Err(refusal) => return refusal,
        },
    };
    parts.extensions.insert(Passage { core, granted });
    next.run(Request::from_parts(parts, body))
        .await
        .into_response()
}
