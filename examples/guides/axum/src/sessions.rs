use async_trait::async_trait;
use sqlx::PgPool;
use sqlx::types::Json;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// Sessions in the table `sessions`. The table has hashes of the ids, so reading it signs nobody in.
#[derive(Clone, Debug)]
pub struct SessionTable(pub PgPool);

impl SessionTable {
    async fn write(&self, sql: &'static str, record: &Record) -> Result<u64> {
        let query = sqlx::query(sql).bind(key(&record.id)).bind(Json(&record.data));
        let done = query.bind(record.expiry_date).execute(&self.0).await;
        Ok(done.map_err(failed)?.rows_affected())
    }
}

#[async_trait]
impl SessionStore for SessionTable {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let sql = "INSERT INTO sessions (id, data, expires_at) VALUES (sha256($1), $2, $3) ON CONFLICT DO NOTHING";
        while self.write(sql, record).await? == 0 {
            record.id = Id::default();
        }
        Ok(())
    }

    /// Changes a session only if it still exists, so a session that was ended stays ended.
    async fn save(&self, record: &Record) -> Result<()> {
        let sql = "UPDATE sessions SET data = $2, expires_at = $3 WHERE id = sha256($1)";
        self.write(sql, record).await.map(|_| ())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let sql = "SELECT data, expires_at FROM sessions WHERE id = sha256($1) AND expires_at > now()";
        let row = sqlx::query_as(sql).bind(key(id)).fetch_optional(&self.0).await;
        let record = |(Json(data), expiry_date)| Record { id: *id, data, expiry_date };
        Ok(row.map_err(failed)?.map(record))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let query = sqlx::query("DELETE FROM sessions WHERE id = sha256($1)").bind(key(id));
        query.execute(&self.0).await.map(|_| ()).map_err(failed)
    }
}

fn key(id: &Id) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

fn failed(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}
