use async_trait::async_trait;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use crate::database::{Database, execute, query};
use crate::token;

/// The session store of tower-sessions, in a table of the service. The table holds only a hash of
/// the id, so an attacker who reads it cannot take over a session.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(pub(crate) Database);

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while self.write(INSERT, record).await? == 0 {
            record.id = Id::default();
        }
        Ok(())
    }

    /// Changes an existing session. A session that was ended meanwhile stays ended.
    async fn save(&self, record: &Record) -> Result<()> {
        self.write(UPDATE, record).await.map(|_| ())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let sql = "SELECT data, expires_at FROM browser_sessions WHERE id = $1 AND expires_at > $2";
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let key = key(*id);
        let row = query!(fetch_optional, &self.0, sql, key, now);
        let row: Option<(String, i64)> = row.map_err(backend)?;
        let Some((data, expires_at)) = row else {
            return Ok(None);
        };
        let decode = |error: &dyn std::error::Error| Error::Decode(error.to_string());
        Ok(Some(Record {
            id: *id,
            data: serde_json::from_str(&data).map_err(|error| decode(&error))?,
            expiry_date: time::OffsetDateTime::from_unix_timestamp(expires_at)
                .map_err(|error| decode(&error))?,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let sql = "DELETE FROM browser_sessions WHERE id = $1";
        execute!(&self.0, sql, key(*id)).map_err(backend)?;
        Ok(())
    }
}

impl Sessions {
    pub(crate) async fn delete_expired(&self) -> Result<()> {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let sql = "DELETE FROM browser_sessions WHERE expires_at <= $1";
        execute!(&self.0, sql, now).map_err(backend)?;
        Ok(())
    }

    async fn write(&self, sql: &'static str, record: &Record) -> Result<u64> {
        let data = serde_json::to_string(&record.data);
        let data = data.map_err(|error| Error::Encode(error.to_string()))?;
        let key = key(record.id);
        let latest = time::OffsetDateTime::now_utc().saturating_add(LIFETIME);
        let expires_at = record.expiry_date.min(latest).unix_timestamp();
        execute!(&self.0, sql, key, data, expires_at).map_err(backend)
    }
}

fn key(id: Id) -> String {
    token::hash(&id.0.to_le_bytes())
}

fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

/// The lifetime of a session without changes. No sign-in lasts longer.
const LIFETIME: time::Duration = time::Duration::hours(12);
const INSERT: &str = "INSERT INTO browser_sessions (id, data, expires_at) VALUES ($1, $2, $3) \
    ON CONFLICT (id) DO NOTHING";
const UPDATE: &str = "UPDATE browser_sessions SET data = $2, expires_at = $3 WHERE id = $1";
