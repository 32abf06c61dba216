use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc::{SendError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::{Connections, NoConnection};

/// One connection that several threads use, one after the other. A clone is the same connection.
///
/// Share it between a store and your own code, for example if the database is in memory:
///
/// ```
/// use countersign_rusqlite::{Connections, OneConnection, blocking::SqliteStore, configure};
/// use rusqlite::Connection;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open_in_memory()?;
/// configure(&connection)?;
/// let connection = OneConnection::new(connection);
/// let store = SqliteStore::new(connection.clone());
/// store.create_table()?;
///
/// let mut connection = connection.connection(Duration::from_secs(5))?;
/// let transaction = connection.transaction()?;
/// transaction.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)", [])?;
/// transaction.commit()?;
/// # Ok(())
/// # }
/// ```
///
/// Drop the [`ConnectionGuard`] before you call the store on the same thread. Otherwise the store
/// waits for it until its time limit.
///
/// Threads get the connection in the order in which they ask.
#[derive(Clone)]
pub struct OneConnection(Arc<Shared>);

struct Shared {
    connection: Mutex<Connection>,
    /// The threads that wait for their turn. `None` if it is nobody's turn.
    waiting: Mutex<Option<VecDeque<Sender<Turn>>>>,
}

impl OneConnection {
    /// Takes a connection. It needs the settings of [`configure`](crate::configure).
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self(Arc::new(Shared {
            connection: Mutex::new(connection),
            waiting: Mutex::new(None),
        }))
    }

    fn turn(&self, limit: Duration) -> Result<Turn, NoConnection> {
        let mut waiting = ignore_poison(self.0.waiting.lock());
        let Some(queue) = &mut *waiting else {
            *waiting = Some(VecDeque::new());
            return Ok(Turn(Some(Arc::clone(&self.0))));
        };
        let (sender, receiver) = channel();
        queue.push_back(sender);
        drop(waiting);
        // A turn that comes too late is dropped with the channel, and goes to the next thread.
        let turn = receiver.recv_timeout(limit);
        turn.map_err(|_| NoConnection::InUse)
    }
}

impl Connections for OneConnection {
    type Connection<'a> = ConnectionGuard<'a>;

    fn connection(&self, limit: Duration) -> Result<ConnectionGuard<'_>, NoConnection> {
        let turn = self.turn(limit)?;
        Ok(ConnectionGuard {
            connection: ignore_poison(self.0.connection.lock()),
            _turn: turn,
        })
    }
}

impl fmt::Debug for OneConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneConnection").finish_non_exhaustive()
    }
}

/// The connection, while nothing else uses it.
#[derive(Debug)]
pub struct ConnectionGuard<'a> {
    connection: MutexGuard<'a, Connection>,
    /// Dropped last, so that the next thread finds the connection free.
    _turn: Turn,
}

impl Deref for ConnectionGuard<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for ConnectionGuard<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// The right to use the connection. If it is dropped, the next thread gets it.
///
/// It is `None` only while it is dropped.
struct Turn(Option<Arc<Shared>>);

impl Drop for Turn {
    fn drop(&mut self) {
        while let Some(shared) = self.0.take() {
            let mut waiting = ignore_poison(shared.waiting.lock());
            let next = waiting.as_mut().and_then(VecDeque::pop_front);
            if next.is_none() {
                *waiting = None;
            }
            drop(waiting);
            let refused = next.and_then(|thread| thread.send(Turn(Some(shared))).err());
            // The thread has given up. Takes the turn back, without another call of this method.
            self.0 = refused.and_then(|SendError(mut turn)| turn.0.take());
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

/// A panic of a user leaves the connection usable: rusqlite resets the statement, and the store
/// checks for an open transaction.
fn ignore_poison<'a, T>(
    locked: Result<MutexGuard<'a, T>, PoisonError<MutexGuard<'a, T>>>,
) -> MutexGuard<'a, T> {
    locked.unwrap_or_else(PoisonError::into_inner)
}
