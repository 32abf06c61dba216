use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key};
use actix_web::cookie::time::{Duration, OffsetDateTime};
use sqlx::PgPool;
use sqlx::types::Json;

use crate::sign_in::Stage;

type State = HashMap<String, String>;

/// Sessions in the table `sessions`. The table has hashes of the ids, so reading it signs nobody in.
#[derive(Clone)]
pub struct SessionTable(pub PgPool);

impl SessionTable {
    async fn write(&self, sql: &'static str, key: &SessionKey, data: State, ttl: &Duration) -> Result<(), sqlx::Error> {
        let query = sqlx::query(sql).bind(key.as_ref().as_bytes()).bind(Json(data));
        query.bind(OffsetDateTime::now_utc() + *ttl).execute(&self.0).await.map(|_| ())
    }

    /// Completes a login in the session with this value `id`. The next page gives the session a new
    /// id.
    pub async fn complete(&self, id: String, full: &Stage) -> Result<(), sqlx::Error> {
        let sql = "UPDATE sessions SET data = data - 'enrollment' \
            || jsonb_build_object('stage', $2::jsonb::text, 'renew', 'true') WHERE id = decode($1, 'hex')";
        sqlx::query(sql).bind(id).bind(Json(full)).execute(&self.0).await.map(|_| ())
    }
}

impl SessionStore for SessionTable {
    /// Adds the value `id`, so that handlers can name their session.
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let sql = "SELECT data || jsonb_build_object('id', to_jsonb(encode(id, 'hex'))::text) \
            FROM sessions WHERE id = sha256($1) AND expires_at > now()";
        let query = sqlx::query_scalar(sql).bind(key.as_ref().as_bytes());
        let data = query.fetch_optional(&self.0).await.map_err(|e| LoadError::Other(e.into()))?;
        Ok(data.map(|Json(data)| data))
    }

    async fn save(&self, data: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        let sql = "INSERT INTO sessions (id, data, expires_at) VALUES (sha256($1), $2, $3)";
        let written = self.write(sql, &key, data, ttl).await;
        written.map(|()| key).map_err(|e| SaveError::Other(e.into()))
    }

    /// Changes a session only if it still exists, so a session that was ended stays ended.
    async fn update(&self, key: SessionKey, data: State, ttl: &Duration) -> Result<SessionKey, UpdateError> {
        let sql = "UPDATE sessions SET data = $2, expires_at = $3 WHERE id = sha256($1)";
        let written = self.write(sql, &key, data, ttl).await;
        written.map(|()| key).map_err(|e| UpdateError::Other(e.into()))
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), anyhow::Error> {
        let sql = "UPDATE sessions SET data = data || $2, expires_at = $3 WHERE id = sha256($1)";
        Ok(self.write(sql, key, State::new(), ttl).await?)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let query = sqlx::query("DELETE FROM sessions WHERE id = sha256($1)");
        query.bind(key.as_ref().as_bytes()).execute(&self.0).await?;
        Ok(())
    }
}
