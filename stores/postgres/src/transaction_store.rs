use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_sql::{Call, RecordTable};
use tokio_postgres::{Row, Transaction};

use crate::Error;
use crate::record_row::record_row;
use crate::statement::{Answer, Statement};

/// A store inside *your* transaction, for [`Verifier::import_in_transaction`][import] only.
///
/// Make it with [`PostgresStore::in_transaction`](crate::PostgresStore::in_transaction). An import
/// of a new account is one statement.
///
/// - Commit after the last import. If you roll back, nothing was imported.
/// - If an import returns [`ImportError::Failed`][failed], roll back. From the first statement that
///   fails, the store answers every call with [`Error::TransactionFailed`].
/// - If you drop the future of an import, the import may be part of the transaction.
/// - Other errors of an import leave the transaction as it was. Continue with the next account.
/// - A failed attempt that is rolled back is a free guess. So the store refuses the writes of other
///   methods with [`Error::OnlyImports`]. Do not call `confirm_enrollment` on it.
/// - The store has no time limit. Set the limits of your connection.
///
/// In the transaction, hash no backup codes: call [`Verifier::prepare_import`][prepare] before it
/// begins.
///
/// [import]: countersign::Verifier::import_in_transaction
/// [prepare]: countersign::Verifier::prepare_import
/// [failed]: countersign::import::ImportError::Failed
pub struct TransactionStore<'t> {
    transaction: &'t Transaction<'t>,
    table: Arc<RecordTable>,
    /// The first error of a statement.
    failed: Mutex<Option<Arc<Error>>>,
}

impl<'t> TransactionStore<'t> {
    pub(crate) fn new(transaction: &'t Transaction<'t>, table: Arc<RecordTable>) -> Self {
        Self {
            transaction,
            table,
            failed: Mutex::default(),
        }
    }

    /// Sends the text of a statement. A transaction is too short to prepare one.
    async fn run<A: Answer>(&self, call: Call<'_>) -> Result<A, Error> {
        if let Some(reason) = &*self.failed() {
            return Err(Error::TransactionFailed(Some(Arc::clone(reason))));
        }
        let statement = Statement::from(call);
        let answer = statement.run_text(self.transaction.client()).await;
        answer.map_err(|error| {
            let error = error.of_statement(self.table.name());
            let mut failed = self.failed();
            let reason = failed.get_or_insert(Arc::new(error));
            Error::TransactionFailed(Some(Arc::clone(reason)))
        })
    }

    fn failed(&self) -> MutexGuard<'_, Option<Arc<Error>>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for TransactionStore<'_> {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let rows: Result<Vec<Row>, _> = self.run(self.table.load_in_transaction(account)?).await;
        let rows = rows.map(|rows| rows.into_iter().map(|row| record_row(&self.table, &row)));
        self.table.stored_in_transaction(rows)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        if write.kind() != WriteKind::Enrolled {
            return Err(Error::OnlyImports);
        }
        let changed = self.run(self.table.write(account, write)?).await;
        self.table.written_in_transaction(write, changed)
    }
}

impl fmt::Debug for TransactionStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionStore")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
