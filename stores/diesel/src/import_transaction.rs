//! The calls of an import in a transaction of the application.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign::AccountId;
use countersign::store::{ConditionalWrite, StoredRecord, WriteKind, WriteResult};
use countersign_sql::{Call, RecordTable};

use crate::Error;
use crate::driver_error::of_statement;
use crate::session::{Answer, Session};
use crate::statement::Statement;

pub(crate) struct ImportTransaction<S> {
    state: Mutex<State<S>>,
    table: Arc<RecordTable>,
}

enum State<S> {
    Open(S),
    /// A statement failed.
    Failed(Arc<Error>),
    /// A statement is running. If its future is dropped, the state stays this one.
    Interrupted,
}

impl<S: Session> ImportTransaction<S> {
    pub(crate) fn new(session: S, table: Arc<RecordTable>) -> Self {
        Self {
            state: Mutex::new(State::Open(session)),
            table,
        }
    }

    pub(crate) async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let call = self.table.load_in_transaction(account)?;
        let rows: Result<Vec<(Vec<u8>, i64)>, _> = self.run(call, Err).await;
        self.table
            .stored_in_transaction(rows.map(|rows| rows.into_iter().map(Ok)))
    }

    pub(crate) async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        if write.kind() != WriteKind::Enrolled {
            return Err(Error::OnlyImports);
        }
        let call = self.table.write(account, write)?;
        let changed = self.run(call, |error| {
            // MySQL reports a record that is there as an error.
            match self.table.written_in_transaction(write, Err(error)) {
                Ok(_) => Ok(0),
                Err(error) => Err(error),
            }
        });
        self.table.written_in_transaction(write, changed.await)
    }

    /// Runs a statement in the transaction. `judge` says whether an error is an answer.
    async fn run<A: Answer>(
        &self,
        call: Call<'_>,
        judge: impl FnOnce(Error) -> Result<A, Error>,
    ) -> Result<A, Error> {
        let mut session = self.begin_statement()?;
        let statement = Statement::from(call);
        let answer = match session.status().transaction_depth() {
            Ok(Some(_)) => A::of(&mut session, &statement).await,
            Ok(None) => Err(diesel::result::Error::NotInTransaction),
            Err(error) => Err(error),
        };
        let answer = answer
            .map_err(|error| of_statement::<S::Backend>(self.table.name(), error))
            .or_else(judge);
        match answer {
            Ok(answer) => {
                *self.state() = State::Open(session);
                Ok(answer)
            }
            Err(error) => {
                let error = Arc::new(error);
                *self.state() = State::Failed(Arc::clone(&error));
                Err(Error::TransactionFailed(Some(error)))
            }
        }
    }

    fn begin_statement(&self) -> Result<S, Error> {
        let mut state = self.state();
        match mem::replace(&mut *state, State::Interrupted) {
            State::Open(session) => Ok(session),
            State::Interrupted => Err(Error::TransactionFailed(None)),
            State::Failed(error) => {
                *state = State::Failed(Arc::clone(&error));
                Err(Error::TransactionFailed(Some(error)))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        // The state is replaced as a whole, so a panic leaves no half of one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
