//! What the gate does with a request. Each file is a page, or a step that several pages share.

mod admit;
mod authenticators;
mod backup_codes;
mod change;
mod code;
mod codes;
mod devices;
mod disable;
mod enter;
mod overview;
mod proof;
mod prove;
mod renew;
mod reset;
mod setup;
mod setup_confirm;
mod sign_out;
mod visit;

use countersign::session::{Access, PassError};
use countersign::{AccountId, Actor, Denied, FirstFactorKind, Timestamp, Verifier, VerifierError};
use std::future::Future;
use std::sync::Arc;
use tracing::Instrument;

use crate::accounts::{Accounts, BoxError};
use crate::exchange::{GateAnswer, GateRequest};
use crate::gate::{Admission, Engine, Pending, Settings};
use crate::page::Message;
use crate::sign_ins::{RowsOfRequest, SignInId, SignInRows, SignInStore};
use visit::Visit;

pub(crate) struct Flow<S, A> {
    pub(crate) verifier: Verifier<S>,
    pub(crate) accounts: A,
    pub(crate) settings: Settings,
}

/// Why a page ends early.
pub(crate) enum Stop {
    /// With this answer.
    Answer(Box<GateAnswer>),
    /// Because something failed.
    Failed(BoxError),
}

impl From<GateAnswer> for Stop {
    fn from(answer: GateAnswer) -> Self {
        Self::Answer(Box::new(answer))
    }
}

impl From<BoxError> for Stop {
    fn from(error: BoxError) -> Self {
        Self::Failed(error)
    }
}

impl From<PassError> for Stop {
    fn from(error: PassError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<VerifierError> for Stop {
    fn from(error: VerifierError) -> Self {
        Self::Failed(error.into())
    }
}

impl<S: SignInStore, A: Accounts> Flow<S, A> {
    pub(crate) fn rows(&self) -> &S::Rows {
        self.verifier.store().rows()
    }

    /// The verifier for one request, which writes these rows with the record.
    fn verifier_with(&self, rows: RowsOfRequest) -> Verifier<S> {
        self.verifier.with_store(self.verifier.store().with(rows))
    }

    async fn page(&self, visit: &mut Visit<'_, S, A>) -> Result<GateAnswer, Stop> {
        if let Some(answer) = visit.repeated()? {
            return Ok(answer);
        }
        let path = visit.request.path.trim_end_matches('/').to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (parts.as_slice(), visit.request.post) {
            ([], false) => visit.show_overview().await,
            (["code"], false) => visit.show_code().await,
            (["code"], true) => visit.enter_code().await,
            (["codes"], false) => visit.show_codes().await,
            (["codes"], true) => visit.enter_codes().await,
            (["setup"], false) => visit.ask_setup().await,
            (["setup"], true) => visit.begin_setup().await,
            (["setup", tag], false) => visit.show_setup(tag).await,
            (["setup", tag], true) => visit.confirm_setup(tag).await,
            (["setup", tag, "cancel"], true) => visit.cancel_setup(tag).await,
            (["add"], false) => visit.ask_add().await,
            (["add"], true) => visit.add().await,
            (["authenticators", id, "replace"], false) => visit.ask_replace(id).await,
            (["authenticators", id, "replace"], true) => visit.replace(id).await,
            (["authenticators", id, "remove"], false) => visit.ask_remove(id).await,
            (["authenticators", id, "remove"], true) => visit.remove(id).await,
            (["disable"], false) => visit.ask_disable().await,
            (["disable"], true) => visit.disable().await,
            (["backup-codes"], false) => visit.ask_backup_codes().await,
            (["backup-codes"], true) => visit.issue_backup_codes().await,
            (["backup-codes", "file"], true) => visit.download_backup_codes().await,
            (["backup-codes", "saved"], true) => visit.backup_codes_saved().await,
            (["devices"], false) => visit.show_devices().await,
            (["devices", "forget"], true) => visit.forget_devices().await,
            (["devices", id, "forget"], true) => visit.forget_device(id).await,
            (["backup-codes", "discard"], true) => visit.discard_backup_codes().await,
            (["prove"], false) => visit.ask_proof().await,
            (["prove"], true) => visit.prove().await,
            (["sign-out"], true) => visit.leave().await,
            (["openapi.json"], false) => Ok(visit.openapi()),
            (["assets", name], false) => Ok(visit.asset(name)),
            ([] | ["devices"], true)
            | (
                ["sign-out"]
                | ["setup", _, "cancel"]
                | ["backup-codes", _]
                | ["devices", "forget"]
                | ["devices", _, "forget"],
                false,
            ) => Ok(visit.message(Message::MethodNotAllowed)),
            _ => Ok(visit.message(Message::NotFound)),
        }
    }

    fn finish(visit: &Visit<'_, S, A>, result: Result<GateAnswer, Stop>) -> GateAnswer {
        match result {
            Ok(answer) => answer,
            Err(Stop::Answer(answer)) => *answer,
            Err(Stop::Failed(error)) => {
                tracing::error!(error, "a request of the gate failed");
                visit.message(Message::Failed)
            }
        }
    }
}

impl<S: SignInStore, A: Accounts> Engine for Flow<S, A> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn handle(self: Arc<Self>, request: GateRequest) -> Pending<GateAnswer> {
        to_its_end(async move {
            let mut visit = Visit::new(&*self, request);
            let result = self.page(&mut visit).await;
            Self::finish(&visit, result)
        })
    }

    fn admit(self: Arc<Self>, request: GateRequest, access: Access) -> Pending<Admission> {
        Box::pin(async move {
            let mut visit = Visit::new(&*self, request);
            match visit.admit(access).await {
                Ok(visitor) => Admission::Granted(visitor),
                Err(stop) => Admission::Refused(Self::finish(&visit, Err(stop))),
            }
        })
    }

    fn first_factor(
        self: Arc<Self>,
        request: GateRequest,
        account: AccountId,
        kind: FirstFactorKind,
    ) -> Pending<GateAnswer> {
        to_its_end(async move {
            let mut visit = Visit::new(&*self, request);
            let result = visit.first_factor(account, kind).await;
            Self::finish(&visit, result)
        })
    }

    fn sign_out(self: Arc<Self>, request: GateRequest) -> Pending<GateAnswer> {
        to_its_end(async move {
            let mut visit = Visit::new(&*self, request);
            let result = visit.end().await;
            Self::finish(&visit, result)
        })
    }

    fn end_sign_ins(
        self: Arc<Self>,
        account: AccountId,
        keep: Option<SignInId>,
    ) -> Pending<Result<(), BoxError>> {
        Box::pin(async move { self.rows().end_others(&account, keep.as_ref()).await })
    }

    fn password_changed(
        self: Arc<Self>,
        account: AccountId,
        keep: Option<SignInId>,
    ) -> Pending<Result<(), BoxError>> {
        Box::pin(async move {
            // First, so that no trusted device begins a sign-in afterwards.
            self.verifier.password_changed(&account).await?;
            self.rows().end_others(&account, keep.as_ref()).await
        })
    }

    fn force_disable(
        self: Arc<Self>,
        account: AccountId,
        actor: Actor,
    ) -> Pending<Result<(), BoxError>> {
        let reset = async move { self.reset(&account, &actor).await };
        let task = tokio::spawn(reset.in_current_span());
        Box::pin(async move { task.await? })
    }

    fn purge(self: Arc<Self>) -> Pending<Result<(), BoxError>> {
        Box::pin(async move {
            let now = self.settings.clock.now().as_unix();
            let before = |seconds| Timestamp::from_unix(now.saturating_sub(seconds));
            let (idle_since, begun_before) =
                (before(self.settings.idle), before(self.settings.longest));
            self.rows().purge(idle_since, begun_before).await
        })
    }
}

/// Runs the work in a task of its own, so that it ends even if the connection is dropped: a code
/// that was used up gets its sign-in, and the owner gets the mail.
fn to_its_end(work: impl Future<Output = GateAnswer> + Send + 'static) -> Pending<GateAnswer> {
    let task = tokio::spawn(work.in_current_span());
    Box::pin(async move {
        match task.await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "a task of the gate ended early");
                GateAnswer::empty(500)
            }
        }
    })
}

/// The rejection, or the failure.
fn rejected(denied: Denied) -> Result<countersign::Rejection, Stop> {
    match denied {
        Denied::Rejected(rejection) | Denied::Repeated(rejection) => Ok(rejection),
        Denied::Failed(error) => Err(error.into()),
    }
}
