use std::fmt;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::table_name::TableName;

/// The statements over one table, put together once. Cloning a `SqlStr` is cheap.
pub(super) struct Statements {
    pub(super) table: TableName,
    pub(super) load: SqlStr,
    pub(super) create: SqlStr,
    pub(super) replace: SqlStr,
    pub(super) erase: SqlStr,
    pub(super) accounts_after: SqlStr,
    pub(super) create_table: SqlStr,
}

impl Statements {
    pub(super) fn new(table: TableName) -> Self {
        Self {
            load: sql(format!(
                "SELECT record, revision FROM \"{table}\" WHERE account = ?1"
            )),
            create: sql(format!(
                "INSERT INTO \"{table}\" (account, revision, record, enabled, codes_left, key_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (account) DO NOTHING"
            )),
            replace: sql(format!(
                "UPDATE \"{table}\" \
                 SET revision = ?2, record = ?3, enabled = ?4, codes_left = ?5, key_id = ?6 \
                 WHERE account = ?1 AND revision = ?7"
            )),
            erase: sql(format!(
                "DELETE FROM \"{table}\" WHERE account = ?1 AND revision = ?2"
            )),
            accounts_after: sql(format!(
                "SELECT account FROM \"{table}\" WHERE account > ?1 ORDER BY account LIMIT ?2"
            )),
            create_table: sql(create_table(&table)),
            table,
        }
    }
}

impl fmt::Debug for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statements")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// The schema. SQLite compares text byte by byte unless it is told otherwise, and `STRICT` keeps the columns to their
/// types.
pub(super) fn create_table(table: &TableName) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS \"{table}\" (
    account TEXT NOT NULL PRIMARY KEY COLLATE BINARY,
    revision INTEGER NOT NULL,
    record BLOB NOT NULL,
    enabled INTEGER NOT NULL,
    codes_left INTEGER NOT NULL,
    key_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID"
    )
}

/// All that varies in the text is a [`TableName`], which cannot end the quotes it stands in.
fn sql(text: String) -> SqlStr {
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}
