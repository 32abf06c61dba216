use countersign_sql::{Dialect, Failure};
use diesel::backend::Backend;
use diesel::deserialize;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::row::Row;

use crate::argument::Argument;

/// A kind of database: `diesel::pg::Pg`, `diesel::mysql::Mysql` or `diesel::sqlite::Sqlite`, each
/// with the feature of its name.
///
/// Only this crate implements it.
pub trait Database: Backend + 'static {
    #[doc(hidden)]
    const DIALECT: Dialect;

    /// Binds the next argument.
    #[doc(hidden)]
    fn push<'b>(pass: AstPass<'_, 'b, Self>, argument: &'b Argument) -> QueryResult<()>;

    /// The bytes in a column. For a text, its bytes.
    #[doc(hidden)]
    fn bytes<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<Vec<u8>>;

    #[doc(hidden)]
    fn number<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<i64>;

    /// Classifies the message of an error. Diesel hides the error codes of most errors.
    #[doc(hidden)]
    fn failure(message: &str) -> Failure;
}

/// What a row becomes.
pub(crate) trait FromRow: Send + Sized + 'static {
    fn from_row<'r, B: Database>(row: &impl Row<'r, B>) -> deserialize::Result<Self>;
}

/// A record and its revision.
impl FromRow for (Vec<u8>, i64) {
    fn from_row<'r, B: Database>(row: &impl Row<'r, B>) -> deserialize::Result<Self> {
        Ok((B::bytes(row, 0)?, B::number(row, 1)?))
    }
}

/// The answer to the question of a pooler check.
impl FromRow for (i64, i64) {
    fn from_row<'r, B: Database>(row: &impl Row<'r, B>) -> deserialize::Result<Self> {
        Ok((B::number(row, 0)?, B::number(row, 1)?))
    }
}

/// An account id.
impl FromRow for Vec<u8> {
    fn from_row<'r, B: Database>(row: &impl Row<'r, B>) -> deserialize::Result<Self> {
        B::bytes(row, 0)
    }
}

/// The name and the value of a setting.
impl FromRow for (String, String) {
    fn from_row<'r, B: Database>(row: &impl Row<'r, B>) -> deserialize::Result<Self> {
        let text = |column| -> deserialize::Result<String> {
            Ok(String::from_utf8(B::bytes(row, column)?)?)
        };
        Ok((text(0)?, text(1)?))
    }
}

impl FromRow for i64 {
    fn from_row<'r, B: Database>(row: &impl Row<'r, B>) -> deserialize::Result<Self> {
        B::number(row, 0)
    }
}
