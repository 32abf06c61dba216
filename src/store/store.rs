use core::error::Error;
use core::fmt;
use core::pin::Pin;
use std::boxed::Box;
use std::sync::Arc;

use super::{ConditionalWrite, StoredRecord, WriteResult};
use crate::AccountId;

/// Your database, as the verifier sees it: one encrypted record per account, and one conditional
/// write.
///
/// Any database with an atomic conditional write on one key can be a store. Examples are a row with
/// its revision in a column, a key with a script, and a document with a condition. A record has 1
/// byte to 64 KiB; most have less than 600 bytes. Each account has one key, so accounts can be
/// spread over any number of servers.
///
/// The verifier never asks a store to decide anything. The verifier trusts a record only if the
/// record decrypts under the keyring. Encryption cannot show whether a record is the latest one. So
/// the store must always return the latest record. This table shows what an attacker gains from a
/// wrong answer:
///
/// | an answer that is wrong | what an attacker gains |
/// |---|---|
/// | [`load`](Self::load) returns an older record (a replica, a cache) | no login, because the conditional write refuses the attempt; but back-off, locks and statuses are out of date |
/// | [`load`](Self::load) returns `None` though there is a record | the account looks as if it had never enrolled; an attacker who knows the password gets into applications that let such accounts in |
/// | [`load`](Self::load) returns the record of another account | no login, because the record decrypts for its own account only; the owner is locked out |
/// | a row expired or was evicted | the account looks as if it had never enrolled |
/// | `Done`, but nothing was written | the passcode just accepted can be used again; a failed guess is not counted |
/// | `Done`, but the expected revision was not there | two logins with one passcode; another login undoes counted failures |
/// | `Done`, and an outer transaction rolls it back | unlimited guesses, because each counted failure is undone |
/// | `Stale`, but it was written | nothing: the verifier asks the user to try again, and a code may be used up |
/// | an error, whatever happened | nothing: the attempt is not accepted |
///
/// In doubt, the safe answer is an error: never `Done`, `Stale` or `None`.
///
/// # Rules for implementations
///
/// - **Linearizable.** Both methods use the primary. After a call has answered, every later call
///   sees the effect of that call, on every handle and server. `Done` means durable: the write
///   survives what the database survives.
/// - **One atomic step.** Compare and write in one statement, and count the rows: `UPDATE ... WHERE
///   account = ? AND revision = ?`, or `INSERT ... ON CONFLICT DO NOTHING` if the write expects no
///   record. Or use one transaction that locks the row. A read and then a write are two steps: two
///   concurrent logins can both read before either writes.
/// - **No outer transaction.** The write is committed when the method answers. A store may add rows
///   of your own to its transaction (see [`WriteKind`](crate::store::WriteKind)). The write must
///   not be part of a transaction that other code can still roll back. The only exception is a
///   store that you use for `Verifier::import_in_transaction` alone.
/// - **Byte by byte.** Account ids that differ in one byte are different accounts. Use a binary
///   collation, and a column of at least 255 bytes. Records come back exactly as they were written.
/// - **Accounts are independent.** A write to one account never undoes a write to another one. No
///   call gets the answer to another call. A store that keeps all accounts in one file or document
///   must compare it as a whole.
/// - **Rows do not expire.** A row stays until it is erased. Give it no time to live and no lease.
///   Keep it out of caches that evict. Let no job delete rows that have not
///   been written for long.
/// - **All kinds alike.** Compare, write and answer in the same way for every
///   [`WriteKind`](crate::store::WriteKind). If the [`Summary`](crate::store::Summary) has columns,
///   they hold every 32-bit `key` and up to 100 `codes_left`.
/// - **Bounded calls.** Every call ends within a few seconds, also when the server is silent or the
///   pool is empty. Return an error for a time-out or a broken connection. The verifier finds out
///   whether the write was stored.
/// - **No repetition.** If an answer is lost, the write may be stored. A repetition inside the
///   store would find its own write and answer `Stale`. Turn off the automatic retries of the
///   driver. If the database says that it rolled a statement back (a deadlock, a serialization
///   failure), the store can run it again.
/// - **Dropped futures.** A future may be dropped at any await. Its write may be stored or not, but
///   never in part. The next call on the same connection must work as usual.
///
/// The conformance tests (feature `conformance`) check these rules on your store: run them. The
/// chapter `guide::writing_a_store` lists the faults that no test can detect.
///
/// # A store chosen at run time
///
/// This trait is not dyn compatible. Use [`BoxStore`] instead of `Arc<dyn Store>` or
/// `Box<dyn Store>`. An `Arc<S>` is a store if `S` is one. A `Box<S>` is not.
///
/// # Example
///
/// Over SQL, an implementation is a query and three statements:
///
/// ```
/// use countersign::AccountId;
/// use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
/// # type SqlError = std::io::Error;
/// # type Row = Option<(Vec<u8>, i64)>;
/// # struct Database;
/// # impl Database {
/// #     async fn row(&self, _: &str, _: &str) -> Result<Row, SqlError> { Ok(None) }
/// #     async fn execute(&self, _: &str, _: &[&(dyn Sync + Send)]) -> Result<u64, SqlError> {
/// #         Ok(1)
/// #     }
/// # }
/// struct SqlStore(Database);
///
/// impl Store for SqlStore {
///     type Error = SqlError;
///
///     async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, SqlError> {
///         let sql = "SELECT record, revision FROM second_factor WHERE account = $1";
///         match self.0.row(sql, account.as_str()).await? {
///             None => Ok(None),
///             Some((record, revision)) => {
///                 let revision = Revision::from_i64(revision).map_err(SqlError::other)?;
///                 Ok(Some(StoredRecord::new(record, revision)))
///             }
///         }
///     }
///
///     async fn compare_and_swap(
///         &self,
///         account: &AccountId,
///         write: ConditionalWrite<'_>,
///     ) -> Result<WriteResult, SqlError> {
///         let (id, new) = (account.as_str(), write.revision().as_i64());
///         let rows = match (write.expected().map(Revision::as_i64), write.record()) {
///             (None, Some(record)) => {
///                 let sql = "INSERT INTO second_factor (account, revision, record)
///                            VALUES ($1, $2, $3) ON CONFLICT (account) DO NOTHING";
///                 self.0.execute(sql, &[&id, &new, &record]).await?
///             }
///             (Some(old), Some(record)) => {
///                 let sql = "UPDATE second_factor SET revision = $2, record = $3
///                            WHERE account = $1 AND revision = $4";
///                 self.0.execute(sql, &[&id, &new, &record, &old]).await?
///             }
///             (Some(old), None) => {
///                 let sql = "DELETE FROM second_factor WHERE account = $1 AND revision = $2";
///                 self.0.execute(sql, &[&id, &old]).await?
///             }
///             (None, None) => 0,
///         };
///         Ok(if rows == 1 { WriteResult::Done } else { WriteResult::Stale })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `countersign::store::Store`",
    label = "this type does not implement `countersign::store::Store`",
    note = "for a store that is chosen at run time, use `countersign::store::BoxStore`",
    note = "for a `countersign::blocking::Store`, use `countersign::blocking::Adapter::new`"
)]
pub trait Store: Send + Sync {
    /// The error of a call to the database. The verifier keeps it as the source of its own error.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static;

    /// Loads the account's record and its revision in one step, or returns `None` if there is none.
    ///
    /// Read the primary: never a replica that may lag, and never a cache.
    ///
    /// # Errors
    /// Any error after which the store is not sure of the answer. Never return `None` then.
    fn load(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<StoredRecord>, Self::Error>> + Send;

    /// Compares the account's revision and writes, in one atomic step.
    ///
    /// - If the account's revision is [`write.expected()`](ConditionalWrite::expected) (`None`:
    ///   there is no record), replace the record by [`write.record()`](ConditionalWrite::record)
    ///   under [`write.revision()`](ConditionalWrite::revision), or erase it if
    ///   [`write.record()`](ConditionalWrite::record) is `None`. Answer [`WriteResult::Done`].
    /// - Otherwise change nothing, and answer [`WriteResult::Stale`].
    ///
    /// A write that expects a revision never creates a record. A write that expects no record never
    /// replaces one. The revision changes even if the bytes of the record do not.
    ///
    /// # Errors
    /// Any error after which the store is not sure that the write is durable, or that nothing
    /// changed. The verifier finds out which of the two happened.
    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, Self::Error>> + Send; // `dyn`? Use `BoxStore`.
}

impl<S: Store> Store for &S {
    type Error = S::Error;

    fn load(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<StoredRecord>, Self::Error>> + Send {
        (**self).load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, Self::Error>> + Send {
        (**self).compare_and_swap(account, write)
    }
}

impl<S: Store> Store for Arc<S> {
    type Error = S::Error;

    fn load(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<StoredRecord>, Self::Error>> + Send {
        (**self).load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, Self::Error>> + Send {
        (**self).compare_and_swap(account, write)
    }
}

/// Any store, chosen at run time.
///
/// Clones share the one store. A call costs one allocation more than a call on the store itself.
///
/// ```
/// use countersign::store::{BoxStore, MemoryStore};
///
/// let database = std::env::var("DATABASE_URL").unwrap_or_else(|_| "memory".into());
/// let store = match database.as_str() {
///     "memory" => BoxStore::new(MemoryStore::new()),
///     // "sqlite:..." => BoxStore::new(SqliteStore::new(pool)),
///     other => return Err(format!("no such database: {other}").into()),
/// };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BoxStore(Arc<dyn ErasedStore>);

impl BoxStore {
    /// Boxes a store.
    pub fn new(store: impl Store + 'static) -> Self {
        Self(Arc::new(store))
    }
}

impl Store for BoxStore {
    type Error = BoxError;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.0.erased_load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.0.erased_compare_and_swap(account, write).await
    }
}

impl fmt::Debug for BoxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxStore").finish_non_exhaustive()
    }
}

type BoxError = Box<dyn Error + Send + Sync>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// [`Store`] with boxed futures, which makes it dyn compatible.
trait ErasedStore: Send + Sync {
    fn erased_load<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, Option<StoredRecord>>;

    fn erased_compare_and_swap<'a>(
        &'a self,
        account: &'a AccountId,
        write: ConditionalWrite<'a>,
    ) -> BoxFuture<'a, WriteResult>;
}

impl<S: Store> ErasedStore for S {
    fn erased_load<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, Option<StoredRecord>> {
        Box::pin(async move { self.load(account).await.map_err(Into::into) })
    }

    fn erased_compare_and_swap<'a>(
        &'a self,
        account: &'a AccountId,
        write: ConditionalWrite<'a>,
    ) -> BoxFuture<'a, WriteResult> {
        Box::pin(async move {
            self.compare_and_swap(account, write)
                .await
                .map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;

    struct Empty;

    impl Store for Empty {
        type Error = Infallible;

        async fn load(&self, _: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
            Ok(None)
        }

        async fn compare_and_swap(
            &self,
            _: &AccountId,
            _: ConditionalWrite<'_>,
        ) -> Result<WriteResult, Infallible> {
            Ok(WriteResult::Stale)
        }
    }

    #[test]
    fn stores_and_futures_move_between_threads() {
        fn is_send<T: Send>(_: &T) {}
        fn is_send_sync<T: Send + Sync>(_: &T) {}
        let store = BoxStore::new(Empty);
        let account = AccountId::from(1_u32);
        is_send_sync(&store);
        is_send(&store.load(&account));
        is_send(&Arc::new(&store).load(&account));
    }
}
