use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key};
use actix_web::cookie::time::{Duration, OffsetDateTime};
use countersign_actix::SaveAs;
use sqlx::Pool;

/// Sessions in a table of PostgreSQL or SQLite.
#[derive(Clone)]
pub struct SqlSessions(pub Pool<super::Db>);

pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS sessions \
    (id text PRIMARY KEY, data text NOT NULL, expires_at bigint NOT NULL)";

type State = HashMap<String, String>;

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

impl SqlSessions {
    async fn write(&self, sql: &'static str, key: &str, state: &State, ttl: &Duration) -> Result<(), anyhow::Error> {
        let query = sqlx::query(sql).bind(key).bind(serde_json::to_string(state)?);
        query.bind(now().saturating_add(ttl.whole_seconds())).execute(&self.0).await?;
        Ok(())
    }

    /// Deletes the sessions that are over. Call it regularly.
    pub async fn purge(&self) -> Result<(), sqlx::Error> {
        let query = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1");
        query.bind(now()).execute(&self.0).await.map(|_| ())
    }
}

impl SessionStore for SqlSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let query = sqlx::query_scalar("SELECT data FROM sessions WHERE id = $1 AND expires_at > $2");
        let data: Option<String> = query.bind(key.as_ref()).bind(now()).fetch_optional(&self.0).await
            .map_err(|error| LoadError::Other(error.into()))?;
        data.map(|data| serde_json::from_str(&data)).transpose()
            .map_err(|error| LoadError::Deserialization(error.into()))
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        self.save_as(generate_session_key(), state, ttl).await
    }

    /// Changes a session only if it is there, so a session that was ended stays ended.
    async fn update(&self, key: SessionKey, state: State, ttl: &Duration) -> Result<SessionKey, UpdateError> {
        let sql = "UPDATE sessions SET data = $2, expires_at = $3 WHERE id = $1";
        let written = self.write(sql, key.as_ref(), &state, ttl).await;
        written.map(|()| key).map_err(UpdateError::Other)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), anyhow::Error> {
        let query = sqlx::query("UPDATE sessions SET expires_at = $2 WHERE id = $1").bind(key.as_ref());
        query.bind(now().saturating_add(ttl.whole_seconds())).execute(&self.0).await?;
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        sqlx::query("DELETE FROM sessions WHERE id = $1").bind(key.as_ref()).execute(&self.0).await?;
        Ok(())
    }
}

impl SaveAs for SqlSessions {
    async fn save_as(&self, key: SessionKey, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let sql = "INSERT INTO sessions (id, data, expires_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        let written = self.write(sql, key.as_ref(), &state, ttl).await;
        written.map(|()| key).map_err(SaveError::Other)
    }
}
