//! The sessions of tower-sessions.

use countersign_sql::TableName;

use super::MySqlStore;
use crate::TableNameError;
use crate::driver::sql;
use crate::sessions::{SessionStatements, SessionTable};

impl MySqlStore {
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
        "CREATE TABLE IF NOT EXISTS `{table}` (
    id VARBINARY(64) NOT NULL PRIMARY KEY,
    data MEDIUMBLOB NOT NULL,
    expires_at BIGINT NOT NULL
) ENGINE = InnoDB"
    );
    SessionStatements {
        insert: sql(format!(
            "INSERT INTO `{table}` (id, data, expires_at) VALUES (?, ?, ?)"
        )),
        update: sql(format!(
            "UPDATE `{table}` SET data = ?, expires_at = ? WHERE id = ?"
        )),
        find: sql(format!(
            "SELECT data, expires_at FROM `{table}` WHERE id = ? AND expires_at > ?"
        )),
        delete: sql(format!("DELETE FROM `{table}` WHERE id = ?")),
        delete_expired: sql(format!("DELETE FROM `{table}` WHERE expires_at <= ?")),
        create_table: sql(create),
        table,
    }
}
