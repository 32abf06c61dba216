use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_sql::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{self, ExpiredDeletion, SessionStore};

use super::{Rows, SessionStatements};
use crate::Error;

/// A session store of tower-sessions 0.15, in a table of your database.
///
/// The method `sessions` of a store makes it. The sessions use the pool and the time limit of that
/// store:
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use countersign_sqlx::SqliteStore;
/// use sqlx::sqlite::SqlitePool;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("accounts.db");
/// let pool = SqlitePool::connect_with(SqliteStore::connect_options(path)).await?;
/// let sessions = SqliteStore::new(pool).sessions("browser_sessions")?;
/// sessions.create_table().await?;
/// // let layer = SessionManagerLayer::new(GateSessions::new(sessions));
/// # Ok(())
/// # }
/// ```
///
/// # Table
///
/// A row has the id, the data as JSON, and the end of the session in seconds since 1970. The id in
/// the table is a hash (SHA-256) of the id in the cookie. So an attacker who reads the table cannot
/// take over a session.
///
/// Nothing deletes the rows of expired sessions, unless you call
/// [`delete_expired`](ExpiredDeletion::delete_expired) regularly. That call reads the whole table:
/// an index on the end would make every save slower.
///
/// # Saves
///
/// A save changes an existing session only. So a request that comes late does not bring back a
/// session that ended in the meantime. A call is one statement, and the last save wins.
#[derive(Clone)]
pub struct SessionTable {
    rows: Arc<dyn Rows>,
    statements: Arc<SessionStatements>,
    lifetime: Option<Duration>,
}

impl SessionTable {
    pub(crate) fn new(rows: impl Rows + 'static, statements: SessionStatements) -> Self {
        Self {
            rows: Arc::new(rows),
            statements: Arc::new(statements),
            lifetime: None,
        }
    }

    /// Limits the time for which a session is kept after its last save, even if its own expiry is
    /// later. tower-sessions keeps a session whose cookie has no age for two weeks.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        let lifetime = Some(lifetime);
        Self { lifetime, ..self }
    }

    /// Creates the table if it is missing. It does not check an existing table.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be reached or written to.
    pub async fn create_table(&self) -> Result<(), Error> {
        let SessionStatements {
            table,
            create_table,
            ..
        } = &*self.statements;
        self.rows.create(table, create_table).await
    }

    /// The end of the session, in seconds since 1970.
    fn end(&self, record: &Record) -> i64 {
        let end = record.expiry_date;
        let latest = |lifetime| now().saturating_add(lifetime);
        let lifetime = self.lifetime.map(time::Duration::try_from);
        let end = match lifetime {
            Some(Ok(lifetime)) => end.min(latest(lifetime)),
            Some(Err(_)) | None => end,
        };
        end.unix_timestamp()
    }
}

#[async_trait]
impl SessionStore for SessionTable {
    /// Creates a session. If its id exists, the session gets another one.
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let SessionStatements { table, insert, .. } = &*self.statements;
        let (data, end) = (data(record)?, self.end(record));
        loop {
            let key = key(record.id);
            let values = vec![Value::Text(&key), Value::Text(&data), Value::Number(end)];
            match self.rows.change(table, insert, values).await {
                Ok(0) => record.id = Id::default(),
                Ok(_) => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let SessionStatements { table, update, .. } = &*self.statements;
        let (key, data) = (key(record.id), data(record)?);
        let end = Value::Number(self.end(record));
        let values = vec![Value::Text(&data), end, Value::Text(&key)];
        let saved = self.rows.change(table, update, values).await;
        saved.map(|_| ()).map_err(failed)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let SessionStatements { table, find, .. } = &*self.statements;
        let key = key(*id);
        let values = vec![Value::Text(&key), Value::Number(now().unix_timestamp())];
        let row = self.rows.find(table, find, values).await;
        let Some((data, end)) = row.map_err(failed)? else {
            return Ok(None);
        };
        let expiry_date = OffsetDateTime::from_unix_timestamp(end).map_err(undecoded)?;
        Ok(Some(Record {
            id: *id,
            data: serde_json::from_slice(&data).map_err(undecoded)?,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let SessionStatements { table, delete, .. } = &*self.statements;
        let key = key(*id);
        let values = vec![Value::Text(&key)];
        let deleted = self.rows.change(table, delete, values).await;
        deleted.map(|_| ()).map_err(failed)
    }
}

#[async_trait]
impl ExpiredDeletion for SessionTable {
    async fn delete_expired(&self) -> session_store::Result<()> {
        let statements = &*self.statements;
        let values = vec![Value::Number(now().unix_timestamp())];
        let sql = &statements.delete_expired;
        let deleted = self.rows.change(&statements.table, sql, values).await;
        deleted.map(|_| ()).map_err(failed)
    }
}

impl fmt::Debug for SessionTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTable")
            .field("table", &self.statements.table)
            .finish_non_exhaustive()
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// The hash of an id, as hexadecimal digits.
fn key(id: Id) -> String {
    let mut key = String::with_capacity(64);
    for byte in Sha256::digest(id.0.to_le_bytes()) {
        // Writing to a string does not fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

fn data(record: &Record) -> session_store::Result<String> {
    let data = serde_json::to_string(&record.data);
    data.map_err(|error| session_store::Error::Encode(error.to_string()))
}

fn undecoded(error: impl fmt::Display) -> session_store::Error {
    session_store::Error::Decode(error.to_string())
}

fn failed(error: impl fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
