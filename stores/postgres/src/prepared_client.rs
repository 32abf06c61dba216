use std::collections::HashMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement};

use crate::{Connections, NoConnection};

/// A client with the statements that are prepared on its connection. It dereferences to the
/// [`Client`].
///
/// An `Arc<PreparedClient>` is the simplest [`Connections`] of a store: one connection for all
/// calls. The driver sends the statements of concurrent calls one after the other without waiting
/// for answers, so one connection serves many clients. But one statement that waits for a lock
/// makes all calls wait. After a lost connection, a time-out, or an error that a new connection may
/// not have, every call fails with [`Error::Unreachable`](crate::Error::Unreachable): connect
/// again, and make a new store. So use it in tools and tests, and use a pool in a service.
///
/// Do not begin a transaction by text on this client while a call runs: the write of the call could
/// become part of it.
///
/// ```no_run
/// use countersign_postgres::{PostgresStore, PreparedClient};
/// use std::sync::Arc;
/// use tokio_postgres::NoTls;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "postgres://app@db.internal/app";
/// let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
/// tokio::spawn(connection);
/// let store = PostgresStore::new(Arc::new(PreparedClient::new(client)));
/// # Ok(())
/// # }
/// ```
pub struct PreparedClient {
    client: Client,
    statements: Mutex<HashMap<Box<str>, Statement>>,
    given_up: AtomicBool,
    /// Whether other code than a store got the client since the last
    /// [`take_used`](Self::take_used).
    used: AtomicBool,
}

impl PreparedClient {
    /// No statement is prepared yet.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            statements: Mutex::default(),
            given_up: AtomicBool::new(false),
            used: AtomicBool::new(true),
        }
    }

    /// Prepares a statement at the first call, and returns the same statement afterwards. It is
    /// found by its text, and prepared again if the types differ.
    ///
    /// # Errors
    /// The error of the driver.
    pub async fn prepare_once(&self, sql: &str, types: &[Type]) -> Result<Statement, Error> {
        let found = self.statements().get(sql).cloned();
        if let Some(statement) = found.filter(|statement| statement.params() == types) {
            return Ok(statement);
        }
        let statement = self.client.prepare_typed(sql, types).await?;
        self.statements().insert(sql.into(), statement.clone());
        Ok(statement)
    }

    /// Marks the connection as one that must not be used again, because an answer is still due on
    /// it. When nothing uses the client any more, the driver waits for that answer and closes the
    /// connection. With `tcp_user_timeout` of [`Config`](tokio_postgres::Config), it does not wait
    /// for a silent network.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Takes [`give_up`](Self::give_up) back, because the answer came.
    #[cfg(feature = "bb8")]
    pub(crate) fn keep(&self) {
        self.given_up.store(false, Ordering::Relaxed);
    }

    /// Whether the connection is open and nobody has given it up.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.given_up.load(Ordering::Relaxed) && !self.client.is_closed()
    }

    /// The client, for the store or for the pool.
    pub(crate) const fn quietly(&self) -> &Client {
        &self.client
    }

    /// The client, for the pool.
    #[cfg(feature = "bb8")]
    pub(crate) const fn quietly_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Whether other code got the client since the last time. Only of use if the caller has the
    /// client for itself: others may have kept a reference.
    #[cfg(feature = "bb8")]
    pub(crate) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn statements(&self) -> MutexGuard<'_, HashMap<Box<str>, Statement>> {
        // A statement is inserted as a whole, so a panic leaves no half of one.
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for PreparedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.used.store(true, Ordering::Relaxed);
        &self.client
    }
}

impl DerefMut for PreparedClient {
    fn deref_mut(&mut self) -> &mut Client {
        self.used.store(true, Ordering::Relaxed);
        &mut self.client
    }
}

impl fmt::Debug for PreparedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedClient")
            .field("usable", &self.is_usable())
            .finish_non_exhaustive()
    }
}

impl Connections for Arc<PreparedClient> {
    type Connection = Self;
    type Memory = ();

    async fn connection(&self) -> Result<Self, NoConnection> {
        if self.is_usable() {
            Ok(Self::clone(self))
        } else {
            Err(NoConnection::pool(NOT_USABLE))
        }
    }

    fn client(connection: &Self) -> &Client {
        connection.quietly()
    }

    async fn prepare(connection: &Self, sql: &str, types: &[Type]) -> Result<Statement, Error> {
        connection.prepare_once(sql, types).await
    }

    fn close(connection: Self) {
        connection.give_up();
    }
}

const NOT_USABLE: &str =
    "the client lost its connection, or was given up after an earlier error; connect again";
