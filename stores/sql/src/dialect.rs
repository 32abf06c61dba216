use crate::AccountColumn;

/// The SQL of one kind of database.
///
/// For a table of your own with account ids, such as sign-ins, a dialect knows the column type, the
/// placeholder and the expression that fit [`RecordTable::key`](crate::RecordTable::key) and
/// [`RecordTable::account`](crate::RecordTable::account).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite from 3.37, with placeholders `?1`.
    Sqlite,
    /// PostgreSQL, with placeholders `$1`.
    Postgres,
    /// MySQL and MariaDB, with placeholders `?`.
    MySql,
}

impl Dialect {
    /// The type of a column of account ids. A column of text compares bytes: on SQLite by its
    /// default collation `BINARY`, on PostgreSQL by the collation `"C"`, and on MySQL because it is
    /// a binary column. On MySQL, even a binary collation of text ignores trailing spaces.
    ///
    /// ```
    /// use countersign_sql::{AccountColumn, Dialect};
    ///
    /// assert_eq!(Dialect::Postgres.account_type(AccountColumn::Uuid), "uuid");
    /// assert_eq!(Dialect::MySql.account_type(AccountColumn::Uuid), "BINARY(16)");
    /// ```
    #[must_use]
    pub const fn account_type(self, column: AccountColumn) -> &'static str {
        match (self, column) {
            (Self::Sqlite, AccountColumn::Text) => "TEXT",
            (Self::Sqlite, AccountColumn::BigInt) => "INTEGER",
            (Self::Sqlite, AccountColumn::Uuid) => "BLOB",
            (Self::Postgres, AccountColumn::Text) => "text COLLATE \"C\"",
            (Self::Postgres, AccountColumn::BigInt) => "bigint",
            (Self::Postgres, AccountColumn::Uuid) => "uuid",
            (Self::MySql, AccountColumn::Text) => "VARBINARY(255)",
            (Self::MySql, AccountColumn::BigInt) => "BIGINT",
            (Self::MySql, AccountColumn::Uuid) => "BINARY(16)",
        }
    }

    /// The placeholder of an account id. `number` is its place among the arguments, from 1.
    ///
    /// On PostgreSQL, the placeholder of a UUID takes a `uuid` and a text.
    ///
    /// ```
    /// use countersign_sql::{AccountColumn, Dialect};
    ///
    /// let placeholder = Dialect::Postgres.account_placeholder(AccountColumn::Uuid, 2);
    /// assert_eq!(placeholder, "CAST($2 AS uuid)");
    /// ```
    #[must_use]
    pub fn account_placeholder(self, column: AccountColumn, number: u8) -> String {
        match (self, column) {
            (Self::Sqlite, _) => format!("?{number}"),
            (Self::Postgres, AccountColumn::Uuid) => format!("CAST(${number} AS uuid)"),
            (Self::Postgres, _) => format!("${number}"),
            (Self::MySql, _) => "?".to_owned(),
        }
    }

    /// The expression that returns the account id of the column `account`: text on PostgreSQL, and
    /// bytes elsewhere. On PostgreSQL, do not name the result `account`, because `ORDER BY account`
    /// would then sort by the text.
    #[must_use]
    pub const fn account_expression(self, column: AccountColumn) -> &'static str {
        match (self, column) {
            // CAST to BLOB keeps the bytes of text and UUIDs, and turns a number into decimal text.
            (Self::Sqlite, _) => "CAST(account AS BLOB)",
            (Self::Postgres, _) => "CAST(account AS text)",
            // This also works for your own column of another number type.
            (Self::MySql, AccountColumn::BigInt) => "CAST(account AS CHAR)",
            (Self::MySql, _) => "account",
        }
    }
}
