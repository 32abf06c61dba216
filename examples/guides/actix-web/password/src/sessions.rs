use std::collections::HashMap;

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::{Duration, OffsetDateTime};
use sqlx::PgPool;
use sqlx::types::Json;

type State = HashMap<String, String>;

/// Sessions in the table `sessions`. It has hashes of the keys, so reading it signs nobody in.
#[derive(Clone)]
pub struct SessionTable(pub PgPool);

impl SessionTable {
    async fn write(
        &self,
        sql: &'static str,
        key: &SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<(), anyhow::Error> {
        let query = sqlx::query(sql).bind(key.as_ref().as_bytes()).bind(Json(state));
        let expires_at = OffsetDateTime::now_utc() + *ttl;
        query.bind(expires_at).execute(&self.0).await?;
        Ok(())
    }
}

impl SessionStore for SessionTable {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let sql = "SELECT data FROM sessions WHERE id = sha256($1) AND expires_at > now()";
        let query = sqlx::query_scalar(sql).bind(key.as_ref().as_bytes());
        let data = query.fetch_optional(&self.0).await;
        let data: Option<Json<State>> = data.map_err(|e| LoadError::Other(e.into()))?;
        Ok(data.map(|Json(state)| state))
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        let sql = "INSERT INTO sessions (id, data, expires_at) VALUES (sha256($1), $2, $3)";
        let saved = self.write(sql, &key, state, ttl).await;
        saved.map(|()| key).map_err(SaveError::Other)
    }

    /// Changes a session only if it still exists, so a session that was ended stays ended.
    async fn update(
        &self,
        key: SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        let sql = "UPDATE sessions SET data = $2, expires_at = $3 WHERE id = sha256($1)";
        let updated = self.write(sql, &key, state, ttl).await;
        updated.map(|()| key).map_err(UpdateError::Other)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), anyhow::Error> {
        let sql = "UPDATE sessions SET data = data || $2, expires_at = $3 WHERE id = sha256($1)";
        self.write(sql, key, State::new(), ttl).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let query = sqlx::query("DELETE FROM sessions WHERE id = sha256($1)");
        query.bind(key.as_ref().as_bytes()).execute(&self.0).await?;
        Ok(())
    }
}
