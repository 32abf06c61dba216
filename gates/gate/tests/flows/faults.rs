//! A store and a table of sign-ins that fail once, at a call that the test names.

use countersign::session::FactorFlag;
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::{AccountId, Timestamp};
use countersign_gate::{
    BoxError, MemoryRows, NewSignIn, RowsOfRequest, SignIn, SignInId, SignInRows, SignInStore,
};
use std::fmt;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call does nothing.
    Before,
    /// The call does its work, and its answer is lost.
    After,
}

/// Counts the calls, and fails one of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    fails: Option<(u32, Fault)>,
    started: bool,
    calls: u32,
    failed: bool,
    held: bool,
}

impl Plan {
    /// The call with this number, from 0, fails.
    pub(crate) fn prepare(&self, call: u32, fault: Fault) {
        self.0.lock().unwrap().fails = Some((call, fault));
    }

    /// The calls count from now on.
    pub(crate) fn start(&self) {
        self.0.lock().unwrap().started = true;
    }

    /// The calls count no longer.
    pub(crate) fn end(&self) {
        self.0.lock().unwrap().started = false;
    }

    /// Whether the call that was to fail took place.
    pub(crate) fn took_place(&self) -> bool {
        self.0.lock().unwrap().failed
    }

    /// The next flag that is set to `On` waits until the [release](Self::release).
    pub(crate) fn hold(&self) {
        self.0.lock().unwrap().held = true;
    }

    pub(crate) fn release(&self) {
        self.0.lock().unwrap().held = false;
    }

    async fn released(&self) {
        while self.0.lock().unwrap().held {
            tokio::task::yield_now().await;
        }
    }

    fn call(&self) -> Option<Fault> {
        let mut state = self.0.lock().unwrap();
        if !state.started {
            return None;
        }
        let number = state.calls;
        state.calls += 1;
        let (call, fault) = state.fails?;
        if call != number {
            return None;
        }
        state.failed = true;
        Some(fault)
    }

    async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Failed> {
        let fault = self.call();
        if fault == Some(Fault::Before) {
            return Err(Failed);
        }
        let result = work.await;
        match fault {
            None => Ok(result),
            Some(_) => Err(Failed),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault of the test")
    }
}

impl std::error::Error for Failed {}

#[derive(Clone)]
pub(crate) struct FaultyStore {
    pub(crate) inner: MemoryStore,
    pub(crate) plan: Plan,
}

impl Store for FaultyStore {
    type Error = Failed;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Failed> {
        let loaded = self.plan.run(self.inner.load(account)).await?;
        Ok(loaded.unwrap())
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Failed> {
        let written = self
            .plan
            .run(self.inner.compare_and_swap(account, write))
            .await?;
        Ok(written.unwrap())
    }
}

#[derive(Clone)]
pub(crate) struct FaultyRows {
    pub(crate) inner: MemoryRows,
    pub(crate) plan: Plan,
}

impl SignInRows for FaultyRows {
    async fn flag(&self, account: &AccountId) -> Result<FactorFlag, BoxError> {
        self.plan.run(self.inner.flag(account)).await?
    }

    async fn set_flag(&self, account: &AccountId, flag: FactorFlag) -> Result<(), BoxError> {
        if flag == FactorFlag::On {
            self.plan.released().await;
        }
        self.plan.run(self.inner.set_flag(account, flag)).await?
    }

    async fn insert(&self, new: &NewSignIn) -> Result<(), BoxError> {
        self.plan.run(self.inner.insert(new)).await?
    }

    async fn insert_if_off(&self, new: &NewSignIn) -> Result<bool, BoxError> {
        self.plan.run(self.inner.insert_if_off(new)).await?
    }

    async fn find(&self, id: &SignInId) -> Result<Option<SignIn>, BoxError> {
        self.plan.run(self.inner.find(id)).await?
    }

    async fn touch(&self, id: &SignInId, at: Timestamp) -> Result<(), BoxError> {
        self.plan.run(self.inner.touch(id, at)).await?
    }

    async fn end(&self, id: &SignInId) -> Result<(), BoxError> {
        self.plan.run(self.inner.end(id)).await?
    }

    async fn end_others(
        &self,
        account: &AccountId,
        keep: Option<&SignInId>,
    ) -> Result<(), BoxError> {
        self.plan.run(self.inner.end_others(account, keep)).await?
    }

    async fn purge(&self, idle_since: Timestamp, begun_before: Timestamp) -> Result<(), BoxError> {
        self.plan
            .run(self.inner.purge(idle_since, begun_before))
            .await?
    }
}

/// A store that writes the rows with the record, as a database does in one transaction.
#[derive(Clone)]
pub(crate) struct Together {
    pub(crate) records: FaultyStore,
    pub(crate) rows: FaultyRows,
    pub(crate) request: RowsOfRequest,
}

impl Store for Together {
    type Error = Failed;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Failed> {
        self.records.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Failed> {
        let kind = write.kind();
        let work = async {
            let result = self.records.inner.compare_and_swap(account, write).await;
            if matches!(result, Ok(WriteResult::Done)) {
                self.write_rows(account, kind).await;
            }
            result.unwrap()
        };
        self.records.plan.run(work).await
    }
}

impl Together {
    async fn write_rows(&self, account: &AccountId, kind: WriteKind) {
        use WriteKind::{Accepted, DeviceTrusted, Disabled, Enrolled, Removed};
        let (rows, request) = (&self.rows.inner, &self.request);
        let new = request.new.as_ref();
        if matches!(kind, Enrolled | Removed | Disabled) {
            let keep = request.keep.as_ref().or(new.map(NewSignIn::id));
            rows.end_others(account, keep).await.unwrap();
        }
        match kind {
            Enrolled => rows.set_flag(account, FactorFlag::On).await.unwrap(),
            Disabled => rows.set_flag(account, FactorFlag::Off).await.unwrap(),
            _ => {}
        }
        if let (Accepted | DeviceTrusted | Enrolled, Some(new)) = (kind, new) {
            rows.insert(new).await.unwrap();
        }
    }
}

impl SignInStore for Together {
    type Rows = FaultyRows;

    const IN_TRANSACTION: bool = true;

    fn rows(&self) -> &FaultyRows {
        &self.rows
    }

    fn with(&self, request: RowsOfRequest) -> Self {
        Self {
            request,
            ..self.clone()
        }
    }
}
