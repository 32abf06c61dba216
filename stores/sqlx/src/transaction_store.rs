use std::fmt;
use std::mem;
use std::sync::Arc;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_sql::RecordTable;
use sqlx::{Database, Executor, IntoArguments};
use tokio::sync::Mutex;

use crate::Error;
use crate::driver::{Driver, bind, records};

/// A store inside *your* transaction, for [`Verifier::import_in_transaction`][import] only.
///
/// Make it with `in_transaction` of a store. Pass `&mut transaction`, or a connection on which you
/// began a transaction. An import of a new account is one statement.
///
/// - Commit after the last import. If you roll back, nothing was imported.
/// - If an import returns [`ImportError::Failed`][failed], roll back. From the first statement
///   that fails, the store answers every call with [`Error::TransactionFailed`]: MySQL and SQLite
///   can end a transaction by themselves, and later statements would commit on their own.
/// - Do not drop the future of an import. If you do, the store answers every call with the same
///   error. Close the connection then: a rollback can wait forever for the lost answer (sqlx 0.9
///   with MariaDB).
/// - Other errors of an import leave the transaction as it was. Continue with the next account.
/// - A failed attempt that is rolled back is a free guess. So the store refuses the writes of
///   other methods with [`Error::OnlyImports`]. Do not call `confirm_enrollment` on it.
/// - The store has no time limit. Set the limits of your connection.
///
/// In the transaction, hash no backup codes: call [`Verifier::prepare_import`][prepare] before it
/// begins.
///
/// [import]: countersign::Verifier::import_in_transaction
/// [prepare]: countersign::Verifier::prepare_import
/// [failed]: countersign::import::ImportError::Failed
pub struct TransactionStore<'t, DB: Database> {
    transaction: Mutex<Transaction<'t, DB>>,
    table: Arc<RecordTable>,
}

/// The connection, and what is known about the transaction on it.
struct Transaction<'t, DB: Database> {
    connection: &'t mut DB::Connection,
    state: State,
}

enum State {
    Open,
    /// A statement failed.
    Failed(Arc<Error>),
    /// A statement is running. If its future is dropped, the state stays this one.
    Interrupted,
}

impl<'t, DB: Database> TransactionStore<'t, DB> {
    pub(crate) fn new(connection: &'t mut DB::Connection, table: Arc<RecordTable>) -> Self {
        let state = State::Open;
        Self {
            transaction: Mutex::new(Transaction { connection, state }),
            table,
        }
    }
}

impl<DB: Database> Transaction<'_, DB> {
    fn begin_statement(&mut self) -> Result<&mut DB::Connection, Error> {
        match mem::replace(&mut self.state, State::Interrupted) {
            State::Open => Ok(self.connection),
            State::Interrupted => Err(Error::TransactionFailed(None)),
            State::Failed(error) => {
                self.state = State::Failed(Arc::clone(&error));
                Err(Error::TransactionFailed(Some(error)))
            }
        }
    }

    fn end_statement<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        match answer {
            Ok(answer) => {
                self.state = State::Open;
                Ok(answer)
            }
            Err(error) => {
                let error = Arc::new(error);
                self.state = State::Failed(Arc::clone(&error));
                Err(Error::TransactionFailed(Some(error)))
            }
        }
    }
}

impl<DB> Store for TransactionStore<'_, DB>
where
    DB: Driver<Arguments: IntoArguments<DB>>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let (sql, arguments) = bind::<DB>(self.table.load_in_transaction(account)?)?;
        let query = sqlx::query_with(sql, arguments);
        let mut transaction = self.transaction.lock().await;
        let answer = query.fetch_all(transaction.begin_statement()?).await;
        let answer = answer.map_err(|error| DB::error(self.table.name(), error));
        let rows = transaction.end_statement(answer);
        let records = rows.map(|rows| records::<DB>(self.table.name(), rows));
        self.table.stored_in_transaction(records)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        if write.kind() != WriteKind::Enrolled {
            return Err(Error::OnlyImports);
        }
        let (sql, arguments) = bind::<DB>(self.table.write(account, write)?)?;
        let query = sqlx::query_with(sql, arguments);
        let mut transaction = self.transaction.lock().await;
        let answer = query.execute(transaction.begin_statement()?).await;
        let rows = match answer {
            Ok(done) => Ok(DB::rows_affected(&done)),
            Err(error) => Err(DB::error(self.table.name(), error)),
        };
        let result = self.table.written_in_transaction(write, rows);
        transaction.end_statement(result)
    }
}

impl<DB: Database> fmt::Debug for TransactionStore<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionStore")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
