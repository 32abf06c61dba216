use std::error::Error as _;

use countersign_sql::{Failure, TableName};
use rusqlite::ffi;

use crate::Error;

/// Converts the error of a statement, or of opening a connection if there is no statement.
pub(crate) fn error(table: &TableName, sql: &str, source: rusqlite::Error) -> Error {
    let failure = match &source {
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::InvalidColumnIndex(_)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => Failure::WrongTable,
        error => reported(error, sql),
    };
    failure.error(table, source)
}

/// The failure that SQLite reported.
///
/// The variant for an error at a place in the statement exists only with a feature of the driver,
/// so its code is read from its source. Its text contains the statement, which could contain any
/// word that the classification looks for.
fn reported(error: &rusqlite::Error, sql: &str) -> Failure {
    let code = error.source().and_then(|source| source.downcast_ref());
    let Some(ffi::Error { extended_code, .. }) = code else {
        return Failure::Other;
    };
    let text = error.to_string();
    let message = match text.split_once(sql) {
        Some((message, _)) if !sql.is_empty() => message,
        _ => &text,
    };
    Failure::sqlite(*extended_code, message)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// The text of this statement has the words of a table without a key.
    #[test]
    fn the_statement_is_no_part_of_the_message() {
        let sql = "SELECT 1 ON CONFLICT (column)";
        let connection = Connection::open_in_memory().unwrap();
        let source = connection.prepare(sql).unwrap_err();
        let text = source.to_string();
        assert!(
            text.contains("syntax error") && text.contains("ON CONFLICT"),
            "{text}"
        );
        let error = error(&TableName::default(), sql, source);
        assert!(matches!(error, Error::Database(_)), "{error:?}");
    }
}
