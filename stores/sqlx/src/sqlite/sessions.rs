//! The sessions of tower-sessions.

use countersign_sql::TableName;

use super::SqliteStore;
use crate::TableNameError;
use crate::driver::sql;
use crate::sessions::{SessionStatements, SessionTable};

impl SqliteStore {
    /// Returns a session store of tower-sessions 0.15 in the table of this name. It uses the pool
    /// and the time limit of this store.
    ///
    /// # Errors
    /// [`TableNameError`], as for [`with_table`](Self::with_table).
    pub fn sessions(&self, table: &str) -> Result<SessionTable, TableNameError> {
        let statements = statements(TableName::new(table)?);
        Ok(SessionTable::new(self.clone(), statements))
    }
}

fn statements(table: TableName) -> SessionStatements {
    let create = format!(
        "CREATE TABLE IF NOT EXISTS \"{table}\" (
    id TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID"
    );
    SessionStatements {
        insert: sql(format!(
            "INSERT INTO \"{table}\" (id, data, expires_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (id) DO NOTHING"
        )),
        update: sql(format!(
            "UPDATE \"{table}\" SET data = ?1, expires_at = ?2 WHERE id = ?3"
        )),
        find: sql(format!(
            "SELECT CAST(data AS BLOB), expires_at FROM \"{table}\" \
             WHERE id = ?1 AND expires_at > ?2"
        )),
        delete: sql(format!("DELETE FROM \"{table}\" WHERE id = ?1")),
        delete_expired: sql(format!("DELETE FROM \"{table}\" WHERE expires_at <= ?1")),
        create_table: sql(create),
        table,
    }
}
