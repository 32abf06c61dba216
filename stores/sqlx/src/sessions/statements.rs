use std::fmt;

use countersign_sql::TableName;
use sqlx::SqlStr;

/// The SQL statements for a table of sessions. Each takes its arguments in the order that its
/// comment says.
pub(crate) struct SessionStatements {
    pub(crate) table: TableName,
    /// `id, data, expires_at`. Changes no row, or fails as a duplicate, if the id exists.
    pub(crate) insert: SqlStr,
    /// `data, expires_at, id`.
    pub(crate) update: SqlStr,
    /// `id, now`. Returns `data, expires_at`.
    pub(crate) find: SqlStr,
    /// `id`.
    pub(crate) delete: SqlStr,
    /// `now`.
    pub(crate) delete_expired: SqlStr,
    pub(crate) create_table: SqlStr,
}

impl fmt::Debug for SessionStatements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStatements")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
