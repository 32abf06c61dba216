use std::fmt;

use countersign_sql::TableName;
use sqlx::SqlStr;

use super::SignInTables;

/// The SQL statements for the tables of sign-ins, flags and events. Each takes its arguments in the
/// order that its comment says.
pub(crate) struct SignInStatements {
    pub(crate) tables: SignInTables,
    /// The arguments of a conditional write that replaces a record, then `id, at, at`. Writes the
    /// record and the sign-in in one statement, and returns a row if it wrote the record. `None` if
    /// the database needs a transaction for that.
    pub(crate) accept: Option<SqlStr>,
    /// `id, account, at, at`.
    pub(crate) insert: SqlStr,
    /// `account`. Locks the flag until the end of the transaction. `None` if `insert_if_off` does
    /// so itself.
    pub(crate) lock_flag: Option<SqlStr>,
    /// `id, account, at, at, account`. Returns or changes a row if the flag is off.
    pub(crate) insert_if_off: SqlStr,
    /// `id`. Returns `account, begun_at, seen_at`.
    pub(crate) find: SqlStr,
    /// `at, id, at`.
    pub(crate) touch: SqlStr,
    /// `id`.
    pub(crate) end: SqlStr,
    /// `account, id, id`.
    pub(crate) end_others: SqlStr,
    /// `seen_at, limit`.
    pub(crate) purge: SqlStr,
    /// `account`. Returns the flag as a number.
    pub(crate) flag: SqlStr,
    /// `flag, account`.
    pub(crate) set_flag: SqlStr,
    pub(crate) outbox: Option<OutboxStatements>,
    pub(crate) create_tables: Vec<SqlStr>,
}

/// The SQL statements for the outbox. Each takes its arguments in the order that its comment says.
pub(crate) struct OutboxStatements {
    pub(crate) table: TableName,
    /// `account, revision, at, event, cause`.
    pub(crate) insert: SqlStr,
    /// The arguments of a conditional write that replaces a record, then `at, event, cause`. Writes
    /// the record and the event in one statement, and returns a row if it wrote the record. `None`
    /// if the database needs a transaction for that.
    pub(crate) replace: Option<SqlStr>,
    /// Like `replace`, with the arguments of the sign-in before those of the event: `id, at, at`.
    pub(crate) accept: Option<SqlStr>,
}

impl SignInStatements {
    /// The text that creates the tables, for a migration.
    pub(crate) fn schema(&self) -> String {
        let text = self.create_tables.iter().map(SqlStr::as_str);
        let text: Vec<_> = text.map(|statement| format!("{statement};\n")).collect();
        text.concat()
    }
}

impl fmt::Debug for SignInStatements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInStatements")
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}
