use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::WriteKind;

use crate::AccountColumn;

/// The reason why a store could not answer. `E` is the error of the driver.
///
/// Each error says what happened and what to do. Its text says what is known about a write, and
/// nothing more. The verifier returns the error as the source of its own error, so log the whole
/// chain. No error of a store counts as a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// All connections of the pool stayed in use for the whole time limit, or opening a connection
    /// took as long.
    #[error(
        "no connection was free within {limit:?}, so no statement was sent; \
         check that the database is reachable and that the pool is large enough"
    )]
    NoConnection {
        /// How long the store waited.
        limit: Duration,
    },

    /// The server refuses connections: it is down, has another address, is starting, or has no free
    /// connection. No statement was sent.
    #[error(
        "the database server refuses connections, so no statement was sent; \
         check that it runs, its address, and how many connections it allows"
    )]
    Unreachable(#[source] E),

    /// The database answered and rejected the user or the database name. Or the database is a file
    /// that cannot be opened, or that is no database.
    #[error(
        "the database cannot be opened; check its path or name, the user, and the user's rights"
    )]
    CannotOpen(#[source] E),

    /// The statement was sent, and no answer came in time. A write may still be applied later.
    #[error(
        "no answer from the database within {limit:?}, so a write may still be applied; \
         check its load, its locks and the network"
    )]
    Timeout {
        /// The time limit of the call.
        limit: Duration,
    },

    /// The connection broke before the answer came, as it does when the server is stopped. A write
    /// may have been applied.
    #[error(
        "the connection to the database broke before the answer came, \
         so a write may have been applied; check the server and the network"
    )]
    ConnectionLost(#[source] E),

    /// The node has left its Galera cluster. It refused the statement (error 1047), or could not
    /// commit it (error 1180). In the second case, a write may have been applied. A single server
    /// also reports 1180 if a commit fails: see the source.
    ///
    /// MariaDB 10.11 reports 1047 when the node leaves. With `wsrep_sync_wait = 7`, it reports 1205
    /// from then on: see [`Locked`][l] and [`NodeBehind`][b].
    ///
    /// [l]: Self::Locked
    /// [b]: Self::NodeBehind
    #[error(
        "this node has left its Galera cluster and did not finish the statement, so a write may \
         have been applied; use another node, or wait until this one has joined again"
    )]
    LeftCluster(#[source] E),

    /// The load did not begin in time (error 1205). In a Galera cluster with `wsrep_sync_wait`, the
    /// node could not catch up with the others, or has left the cluster. On a single server, a lock
    /// on the whole table is the cause. A load waits for nothing else.
    #[error(
        "the load did not begin, so nothing was read: the node did not catch up with its Galera \
         cluster in time, or has left it, or a client locked the table; check the state of the \
         node and the locks"
    )]
    NodeBehind(#[source] E),

    /// There is no tokio runtime, or the runtime was shut down before the answer came. In the
    /// second case, a write may have been applied.
    #[error(
        "there is no tokio runtime, or it was shut down before the database answered, so a write \
         may have been applied; call the store in a runtime, and shut it down after the last call"
    )]
    Interrupted,

    /// The call panicked, or the thread of the store could not be started. A write may have been
    /// applied.
    #[error(
        "the call panicked or its thread could not be started, so a write may have been applied; \
         see the message of the panic, and how many threads the system allows"
    )]
    ThreadFailed,

    /// The row or the database stayed locked until the database stopped waiting. Nothing was
    /// written.
    ///
    /// In a Galera cluster with `wsrep_sync_wait = 7`, a write also waits until the node has caught
    /// up with the others. If it does not, or has left the cluster, the code is the same (1205).
    #[error(
        "the row or the database stayed locked, so nothing was written; look for a long \
         transaction, or for a Galera node that is behind its cluster or has left it"
    )]
    Locked(#[source] E),

    /// The database rolled the statement back several times, in favour of concurrent statements.
    /// Nothing was written.
    #[error("the database rolled the statement back 51 times in favour of others; try again")]
    Conflict(#[source] E),

    /// A row with this key exists, or a table with this name. Nothing was written.
    ///
    /// A store answers `Stale` instead if the row is the record of the account.
    #[error("a row with this key, or a table with this name, exists already; see the source")]
    AlreadyExists(#[source] E),

    /// The table does not exist.
    #[error(
        "there is no table `{table}`; \
         put the text of `schema` into a migration, or call `create_table`"
    )]
    NoTable {
        /// The table name.
        table: String,
        /// The error that the database reported.
        source: E,
    },

    /// The table has other columns than this version of the crate needs. A column is missing, has
    /// another type, or gets no value from an insert. Or the table does not belong to a store.
    ///
    /// On PostgreSQL, also: a column got another type after the connection prepared its statement.
    /// If the new type fits, a new connection works.
    #[error("the table `{table}` has other columns than the text of `schema`; migrate it")]
    WrongTable {
        /// The table name.
        table: String,
        /// The error that the database reported.
        source: E,
    },

    /// The account id does not fit the column. No statement was sent.
    #[error("the account id {account:?} does not fit the column `account`; it must be {column}")]
    WrongAccount {
        /// The account.
        account: AccountId,
        /// The type of the column.
        column: AccountColumn,
    },

    /// Your own foreign key refuses the row. Nothing was written.
    #[error(
        "a foreign key of the table `{table}` refuses the row; \
         create the user before the second factor"
    )]
    ForeignKey {
        /// The table name.
        table: String,
        /// The error that the database reported.
        source: E,
    },

    /// Your table of users has no row for the account, so its flag cannot be stored. Nothing was
    /// written.
    #[error(
        "the table `{table}` has no row for the account, so nothing was written; \
         create the user before the second factor"
    )]
    NoUser {
        /// The table name.
        table: String,
    },

    /// Your code left a transaction open on the connection, or a statement unfinished. No statement
    /// was sent.
    #[error(
        "the connection has an open transaction or an unfinished statement, so no statement was \
         sent; end it before you call the store, or give the store a connection of its own"
    )]
    OpenTransaction,

    /// The database is read-only. Nothing was written.
    ///
    /// After a failover, a connection can lead to the former primary. So close the connection, as
    /// the stores of countersign-postgres and countersign-sqlx do on servers.
    #[error(
        "the database is read-only, so nothing was written; check that it is the primary, \
         the connection options, and the rights on a file and its directory"
    )]
    ReadOnly(#[source] E),

    /// The database user lacks a right on the table. Nothing was written.
    #[error(
        "the database user lacks a right; grant SELECT, INSERT, UPDATE and DELETE on the table"
    )]
    NotAllowed(#[source] E),

    /// The disk is full. Nothing was written.
    #[error("the disk of the database is full, so nothing was written; free disk space")]
    DiskFull(#[source] E),

    /// The server does not know a statement that was prepared on this connection, or knows another
    /// one by its name. Nothing was written.
    ///
    /// Either a pooler pools by transaction, or other code on the connection sent `DISCARD ALL` or
    /// `DEALLOCATE ALL`.
    #[error(
        "a prepared statement is unknown or of another client: a pooler pools by transaction, or \
         other code sent `DISCARD ALL` or `DEALLOCATE ALL`; connect directly, pool by session, \
         discard nothing, or use `behind_pooler` of countersign-postgres"
    )]
    Pooler(#[source] E),

    /// The database has a setting with which the store cannot keep its promises. No statement was
    /// sent.
    #[error(
        "the database's setting `{name}` is `{value}`, so no statement was sent; \
         set it to `{wanted}`, or the store cannot keep its promises"
    )]
    UnsafeSetting {
        /// The name of the setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// A value that is safe.
        wanted: &'static str,
    },

    /// A row contains an account or a revision that no store writes, or an account has two rows.
    #[error("the table `{table}` contains a row that no store wrote; find out what wrote it")]
    CorruptRow {
        /// The table name.
        table: String,
        /// What is wrong with the row.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// A statement of your transaction failed or was interrupted, so that the database may have
    /// ended the transaction. The store sends no further statement.
    #[error(
        "a statement of the transaction failed or was interrupted, so nothing of the transaction \
         is stored; roll it back, and import its accounts again"
    )]
    TransactionFailed(#[source] Option<Arc<Self>>),

    /// A method other than `Verifier::import_in_transaction` would write in your transaction. No
    /// statement was sent.
    #[error(
        "only `import_in_transaction` may write in your transaction, so no statement was sent; \
         call other methods on a verifier whose store uses the pool"
    )]
    OnlyImports,

    /// This kind of write must not depend on rows of your own: if it counts a failed attempt, a
    /// rollback would make the guess free. No statement was sent.
    #[error(
        "a write of the kind {kind:?} must not depend on rows of your own, so no statement was \
         sent; call `compare_and_swap` for it"
    )]
    OnlyAccepted {
        /// The kind of the write.
        kind: WriteKind,
    },

    /// Your own rows of the transaction could not be written. The transaction was rolled back, so
    /// the record was not written either.
    #[error(
        "your own rows of the transaction could not be written, so it was rolled back, and nothing \
         was written; see the source"
    )]
    RowsFailed(#[source] Box<dyn StdError + Send + Sync>),

    /// Any other error of the database or the driver.
    #[error("the database reported an error; see its source")]
    Database(#[source] E),
}
