//! What the gate does with a request. Each file is a page, or a step that several pages share.

use countersign::session::Access;
use countersign::{AccountId, FirstFactorKind, Verifier};
use std::sync::Arc;

use crate::accounts::{Accounts, BoxError};
use crate::exchange::{GateAnswer, GateRequest};
use crate::gate::{Admission, Engine, Pending, Settings};
use crate::session_data::SessionChange;
use crate::sign_ins::{SignInId, SignInStore};

pub(crate) struct Flow<S, A> {
    pub(crate) verifier: Verifier<S>,
    pub(crate) accounts: A,
    pub(crate) settings: Settings,
}

impl<S: SignInStore, A: Accounts> Engine for Flow<S, A> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn handle(self: Arc<Self>, _: GateRequest) -> Pending<GateAnswer> {
        Box::pin(async { not_yet() })
    }

    fn admit(self: Arc<Self>, _: GateRequest, _: Access) -> Pending<Admission> {
        Box::pin(async { Admission::Refused(not_yet()) })
    }

    fn first_factor(
        self: Arc<Self>,
        _: GateRequest,
        _: AccountId,
        _: FirstFactorKind,
    ) -> Pending<GateAnswer> {
        Box::pin(async { not_yet() })
    }

    fn sign_out(self: Arc<Self>, _: GateRequest) -> Pending<GateAnswer> {
        Box::pin(async { not_yet() })
    }

    fn end_sign_ins(
        self: Arc<Self>,
        account: AccountId,
        keep: Option<SignInId>,
    ) -> Pending<Result<(), BoxError>> {
        Box::pin(async move {
            let rows = self.verifier.store().rows();
            crate::sign_ins::SignInRows::end_others(rows, &account, keep.as_ref()).await
        })
    }

    fn purge(self: Arc<Self>) -> Pending<Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

fn not_yet() -> GateAnswer {
    GateAnswer {
        status: 404,
        headers: Vec::new(),
        body: Vec::new(),
        session: SessionChange::Keep,
    }
}
