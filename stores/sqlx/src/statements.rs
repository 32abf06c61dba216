use std::fmt;
use std::sync::Arc;

use countersign::AccountId;
use countersign::store::WriteResult;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::table_name::TableName;
use crate::value::Value;
use crate::{AccountColumn, Error};

/// The SQL statements for one table. Cloning a `SqlStr` is cheap, and each connection caches its
/// prepared statements by this text.
pub(crate) struct Statements {
    pub(crate) table: TableName,
    pub(crate) account: AccountColumn,
    /// Returns record and revision.
    pub(crate) load: SqlStr,
    /// Like `load`. It also returns a row that another transaction committed after this transaction
    /// began to read.
    pub(crate) load_in_transaction: SqlStr,
    pub(crate) create: SqlStr,
    pub(crate) replace: SqlStr,
    pub(crate) erase: SqlStr,
    /// Takes the number of accounts.
    pub(crate) first_accounts: SqlStr,
    /// Takes an account and the number of accounts.
    pub(crate) accounts_after: SqlStr,
    pub(crate) create_table: SqlStr,
}

impl Statements {
    /// The account id as the column stores it.
    pub(crate) fn key<'a>(&self, account: &'a AccountId) -> Result<Value<'a>, Error> {
        let key = self.account.key(account);
        key.ok_or_else(|| Error::WrongAccount {
            account: account.clone(),
            column: self.account,
        })
    }
}

impl fmt::Debug for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statements")
            .field("table", &self.table)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Only a [`TableName`] varies in these texts, and a table name cannot contain a quote.
pub(crate) fn sql(text: String) -> SqlStr {
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}

/// The result of a write of one row, from the number of rows that it changed.
pub(crate) fn write_result(table: &TableName, rows: u64) -> Result<WriteResult, Error> {
    match rows {
        0 => Ok(WriteResult::Stale),
        1 => Ok(WriteResult::Done),
        _ => Err(Error::corrupt_row(table, SEVERAL_ROWS)),
    }
}

/// The row of an account, or `None`.
pub(crate) fn at_most_one<R>(table: &TableName, mut rows: Vec<R>) -> Result<Option<R>, Error> {
    let row = rows.pop();
    if rows.is_empty() {
        Ok(row)
    } else {
        Err(Error::corrupt_row(table, SEVERAL_ROWS))
    }
}

const SEVERAL_ROWS: &str = "one account has several rows; make `account` the primary key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_account_that_does_not_fit() {
        let statements = Statements {
            table: TableName::default(),
            account: AccountColumn::BigInt,
            load: sql(String::new()),
            load_in_transaction: sql(String::new()),
            create: sql(String::new()),
            replace: sql(String::new()),
            erase: sql(String::new()),
            first_accounts: sql(String::new()),
            accounts_after: sql(String::new()),
            create_table: sql(String::new()),
        };
        let bob = AccountId::new("bob").unwrap();
        match statements.key(&bob) {
            Err(Error::WrongAccount { account, column }) => {
                assert_eq!((account, column), (bob, AccountColumn::BigInt));
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("a number column accepted a name"),
        }
    }
}
