use core::error::Error;
use std::boxed::Box;
use std::sync::Arc;

use super::{ConditionalWrite, StoredRecord, WriteResult};
use crate::AccountId;

/// A host's database, as the verifier sees it: one opaque record for an account, and one conditional write.
///
/// Any engine with an atomic conditional write on one key can be a store: a row with its revision in a column, a key with
/// a script, a document with a condition. Records are 1 byte to 64 KiB long; most are under 600 bytes. There is one key
/// for an account, so accounts can live on any number of machines.
///
/// `countersign` never asks a store to decide anything, and trusts nothing it reads before it has opened under the
/// keyring. What it cannot check is whether a record is the latest. That is the store's part, and the whole of it:
///
/// | an answer that is wrong | what an attacker gains |
/// |---|---|
/// | [`load`](Self::load) gives an older record (a replica, a cache) | an attempt judged against it is refused by the swap; but waits, locks and statuses that are read from it are out of date |
/// | [`load`](Self::load) gives `None` though there is a record | the account looks as if it had never enrolled; hosts that let such accounts in are open |
/// | [`load`](Self::load) gives the record of another account | no login: it opens for its own only; the owner is shut out |
/// | a row expired or was evicted | the account looks as if it had never enrolled |
/// | `Done`, but nothing was written | the passcode just accepted can be used again; a failed guess costs nothing |
/// | `Done`, but the expected revision was not there | two logins with one passcode; failures that another login forgets |
/// | `Done`, and an outer transaction rolls it back | unlimited guesses, each of them forgotten |
/// | `Stale`, but it was written | nothing: a user is told to try again, a code may be used up |
/// | an error, whatever happened | nothing: the attempt is not accepted |
///
/// So in doubt the safe answer is an error, never `Done`, `Stale` or `None`.
///
/// # Rules for implementations
///
/// - **Linearizable.** Both methods act on the primary, and once an answer was given every later call sees its effect, on
///   every handle and machine. `Done` means durable: it survives what the database survives.
/// - **One atomic step.** Compare and write in one statement (`UPDATE ... WHERE account = ? AND revision = ?`, and
///   `INSERT ... ON CONFLICT DO NOTHING` if nothing is expected) and count the rows, or in one transaction that locks the
///   row. A read that a write follows is two steps, and two logins fit between them.
/// - **No outer transaction.** The write is committed when the method answers. A store may add rows of the host's own to
///   its transaction (see [`WriteKind`](crate::store::WriteKind)); it must not join one that somebody else can still roll back.
/// - **Byte by byte.** Account ids that differ in one byte are different accounts: use a binary collation, and a column of
///   at least 255 bytes. Records come back exactly as they were written.
/// - **Accounts are independent.** A write to one account never undoes a write to another, and no
///   call gets the answer to another call. A store that keeps all accounts in one file or document
///   must compare it as a whole.
/// - **Rows do not expire.** A row stays until it is erased. Give it no time to live and no lease.
///   Keep it out of caches that evict. Let no job delete rows that were not written for long.
/// - **Every kind alike.** Compare, write and answer in the same way for every
///   [`WriteKind`](crate::store::WriteKind). If the [`Summary`](crate::store::Summary) has columns, they hold every
///   32-bit `key` and up to 100 `codes_left`.
/// - **Bounded, and lost answers are errors.** Every call ends within a few seconds, also when the server is silent or the
///   pool is empty. A time-out or a broken connection is an error, and it does not matter which: the verifier finds out
///   whether the write landed.
/// - **Never retry.** A swap whose answer was lost may have landed, so a repetition within the store finds its own write
///   and says `Stale`. Turn off what the driver repeats by itself. What the database itself says it has rolled back (a
///   deadlock, a serialization failure) can be run again.
/// - **Futures may be dropped** at any await. The write then may land or not, but whole, and what comes next on the same
///   connection must not suffer.
///
/// The suite behind the feature `conformance` checks these rules on a host's own store; run it.
/// The chapter `guide::writing_a_store` lists what the suite cannot see.
///
/// # Example
///
/// Over SQL, with whatever client the host has, an implementation is two statements and no more:
///
/// ```
/// use countersign::AccountId;
/// use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
/// # type SqlError = std::io::Error;
/// # struct Database;
/// # impl Database {
/// #     async fn row(&self, _: &str, _: &str) -> Result<Option<(Vec<u8>, i64)>, SqlError> { Ok(None) }
/// #     async fn execute(&self, _: &str, _: &[&(dyn Sync + Send)]) -> Result<u64, SqlError> { Ok(1) }
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
///     async fn compare_and_swap(&self, account: &AccountId, swap: ConditionalWrite<'_>) -> Result<WriteResult, SqlError> {
///         let (id, new) = (account.as_str(), swap.revision().as_i64());
///         let rows = match (swap.expected().map(Revision::as_i64), swap.record()) {
///             (None, Some(record)) => {
///                 let sql = "INSERT INTO second_factor (account, revision, record) VALUES ($1, $2, $3)
///                            ON CONFLICT (account) DO NOTHING";
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
pub trait Store: Send + Sync {
    /// What can go wrong on the way to the database. The verifier boxes it and keeps it as the source of its own error.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static;

    /// The account's record and the revision it was written under, read in one step, or `None` if there is none.
    ///
    /// From the primary: never from a replica that may lag, and never from a cache.
    ///
    /// # Errors
    /// Whatever keeps the store from knowing. Never answer `None` for that.
    fn load(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<StoredRecord>, Self::Error>> + Send;

    /// Atomically: if the account's revision is [`swap.expected()`](Swap::expected) (`None`: there is no record), replaces
    /// the record by [`swap.record()`](Swap::record) under [`swap.revision()`](Swap::revision), or erases it if that is
    /// `None`, and answers [`WriteResult::Done`]; else changes nothing and answers [`WriteResult::Stale`].
    ///
    /// A swap that expects a revision never creates a record, and one that expects none never replaces one. The revision
    /// changes even when the bytes of the record do not.
    ///
    /// # Errors
    /// Whatever keeps the store from knowing that the swap is durable, or that nothing changed. The write may have landed
    /// all the same; the verifier finds out.
    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, Self::Error>> + Send;
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
        swap: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, Self::Error>> + Send {
        (**self).compare_and_swap(account, swap)
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
        swap: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, Self::Error>> + Send {
        (**self).compare_and_swap(account, swap)
    }
}
