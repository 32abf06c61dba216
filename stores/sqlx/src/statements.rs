use std::fmt;
use std::sync::Arc;

use countersign::store::WriteResult;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::table_name::TableName;
use crate::{AccountColumn, Error};

/// The statements over one table, put together once. Cloning a `SqlStr` is cheap, and each connection keeps what it has
/// prepared by this text.
pub(crate) struct Statements {
    pub(crate) table: TableName,
    pub(crate) account: AccountColumn,
    /// Gives record and revision.
    pub(crate) load: SqlStr,
    pub(crate) create: SqlStr,
    pub(crate) replace: SqlStr,
    pub(crate) erase: SqlStr,
    /// Takes how many.
    pub(crate) first_accounts: SqlStr,
    /// Takes an account and how many.
    pub(crate) accounts_after: SqlStr,
    pub(crate) create_table: SqlStr,
}

impl fmt::Debug for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statements")
            .field("table", &self.table)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// All that varies in the text is a [`TableName`], which cannot end the quotes it stands in.
pub(crate) fn sql(text: String) -> SqlStr {
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}

/// What became of a write of one row, by the number of rows it changed.
pub(crate) fn swapped(table: &TableName, rows: u64) -> Result<WriteResult, Error> {
    match rows {
        0 => Ok(WriteResult::Stale),
        1 => Ok(WriteResult::Done),
        _ => Err(Error::corrupt_row(table, SEVERAL_ROWS)),
    }
}

/// The one row of an account, or none.
pub(crate) fn at_most_one<R>(table: &TableName, mut rows: Vec<R>) -> Result<Option<R>, Error> {
    let row = rows.pop();
    if rows.is_empty() {
        Ok(row)
    } else {
        Err(Error::corrupt_row(table, SEVERAL_ROWS))
    }
}

const SEVERAL_ROWS: &str = "one account has several rows; `account` must be the primary key";
