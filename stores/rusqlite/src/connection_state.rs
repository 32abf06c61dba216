use rusqlite::{Connection, Result};

/// Whether a statement would be part of a transaction that other code has begun. Its end decides
/// whether a write is stored, and it can hide newer rows from a load.
pub(crate) fn has_open_transaction(connection: &Connection) -> bool {
    !connection.is_autocommit() || connection.is_busy()
}

/// The setting `synchronous`, a number.
pub(crate) fn synchronous(connection: &Connection) -> Result<i64> {
    let mut prepared = connection.prepare_cached(SYNCHRONOUS)?;
    prepared.query_row([], |row| row.get(0))
}

/// Faster than the settings of the dialect, because it comes before each write.
pub(crate) const SYNCHRONOUS: &str = "PRAGMA main.synchronous";
