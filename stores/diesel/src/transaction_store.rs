use std::fmt;
use std::sync::Arc;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::RecordTable;
use diesel_async::{AsyncConnection, AsyncConnectionCore};

use crate::async_session::AsyncSession;
use crate::import_transaction::ImportTransaction;
use crate::{Database, Error};

/// A store inside *your* transaction, for [`Verifier::import_in_transaction`][import] only.
///
/// Make it with [`DieselStore::in_transaction`](crate::DieselStore::in_transaction), in the closure
/// of `transaction` of diesel-async. An import of a new account is one statement.
///
/// - If the closure fails, nothing was imported.
/// - If an import returns [`ImportError::Failed`][failed], return the error from the closure. From
///   the first statement that fails, the store answers every call with
///   [`Error::TransactionFailed`]. Outside of a transaction of diesel, every statement fails.
/// - Do not drop the future of an import. If you do, the store answers every call with the same
///   error. Return an error from the closure then.
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
pub struct TransactionStore<'t, C>(ImportTransaction<AsyncSession<'t, C>>);

impl<'t, C> TransactionStore<'t, C>
where
    C: AsyncConnection + AsyncConnectionCore<Backend: Database> + 'static,
{
    pub(crate) fn new(connection: &'t mut C, table: Arc<RecordTable>) -> Self {
        Self(ImportTransaction::new(AsyncSession(connection), table))
    }
}

impl<C> Store for TransactionStore<'_, C>
where
    C: AsyncConnection + AsyncConnectionCore<Backend: Database> + 'static,
{
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        self.0.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        self.0.compare_and_swap(account, write).await
    }
}

impl<C> fmt::Debug for TransactionStore<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionStore").finish_non_exhaustive()
    }
}
