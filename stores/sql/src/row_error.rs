use std::error::Error as StdError;

use countersign::AccountId;

use crate::{AccountColumn, Error, TableName};

/// The account id does not fit the column `account`. `?` turns it into
/// [`Error::WrongAccount`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the account id {account:?} does not fit the column `account`; it must be {column}")]
#[non_exhaustive]
pub struct WrongAccount {
    /// The account.
    pub account: AccountId,
    /// The type of the column.
    pub column: AccountColumn,
}

/// The table contains a row that no store wrote. `?` turns it into [`Error::CorruptRow`].
#[derive(Debug, thiserror::Error)]
#[error("the table `{table}` contains a row that no store wrote; find out what wrote it")]
#[non_exhaustive]
pub struct CorruptRow {
    /// The table name.
    pub table: String,
    /// What is wrong with the row.
    pub source: Box<dyn StdError + Send + Sync>,
}

impl CorruptRow {
    /// Says what is wrong with a row of this table.
    pub fn new(table: &TableName, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            table: table.as_str().to_owned(),
            source: source.into(),
        }
    }
}

impl<E> From<WrongAccount> for Error<E> {
    fn from(WrongAccount { account, column }: WrongAccount) -> Self {
        Self::WrongAccount { account, column }
    }
}

impl<E> From<CorruptRow> for Error<E> {
    fn from(CorruptRow { table, source }: CorruptRow) -> Self {
        Self::CorruptRow { table, source }
    }
}
