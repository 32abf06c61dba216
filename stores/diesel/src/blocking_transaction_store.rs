use std::fmt;
use std::sync::Arc;

use countersign::AccountId;
use countersign::blocking::Store;
use countersign::store::{ConditionalWrite, StoredRecord, WriteResult};
use countersign_sql::RecordTable;
use diesel::connection::{Connection, LoadConnection};

use crate::blocking_session::{BlockingSession, now};
use crate::import_transaction::ImportTransaction;
use crate::{Database, Error};

/// A store inside *your* transaction, for [`Verifier::import_in_transaction`][import] only.
///
/// Make it with [`DieselStore::in_transaction`](crate::blocking::DieselStore::in_transaction), in
/// the closure of `transaction` of diesel. An import of a new account is one statement.
///
/// - If the closure fails, nothing was imported.
/// - If an import returns [`ImportError::Failed`][failed], return the error from the closure. From
///   the first statement that fails, the store answers every call with
///   [`Error::TransactionFailed`]. Outside of a transaction of diesel, every statement fails.
/// - Other errors of an import leave the transaction as it was. Continue with the next account.
/// - A failed attempt that is rolled back is a free guess. So the store refuses the writes of other
///   methods with [`Error::OnlyImports`]. Do not call `confirm_enrollment` on it.
/// - The store has no time limit. Set the limits of your connection.
///
/// In the transaction, hash no backup codes: call [`Verifier::prepare_import`][prepare] before it
/// begins.
///
/// [import]: countersign::blocking::Verifier::import_in_transaction
/// [prepare]: countersign::blocking::Verifier::prepare_import
/// [failed]: countersign::import::ImportError::Failed
pub struct TransactionStore<'t, C>(ImportTransaction<BlockingSession<'t, C>>);

impl<'t, C> TransactionStore<'t, C>
where
    C: Connection<Backend: Database> + LoadConnection + Send,
{
    pub(crate) fn new(connection: &'t mut C, table: Arc<RecordTable>) -> Self {
        Self(ImportTransaction::new(BlockingSession(connection), table))
    }
}

impl<C> Store for TransactionStore<'_, C>
where
    C: Connection<Backend: Database> + LoadConnection + Send,
{
    type Error = Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        now(self.0.load(account))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        now(self.0.compare_and_swap(account, write))
    }
}

impl<C> fmt::Debug for TransactionStore<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionStore").finish_non_exhaustive()
    }
}
