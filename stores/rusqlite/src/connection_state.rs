use rusqlite::{Connection, Result};

/// Whether a statement would be part of a transaction that other code has begun. Its end decides
/// whether a write is stored, and it can hide newer rows from a load.
pub(crate) fn has_open_transaction(connection: &Connection) -> bool {
    !connection.is_autocommit() || connection.is_busy()
}

/// The setting `synchronous`. From [`FULL`] on, an answer means that the disk has the write.
pub(crate) fn synchronous(connection: &Connection) -> Result<i64> {
    let mut prepared = connection.prepare_cached(SYNCHRONOUS)?;
    prepared.query_row([], |row| row.get(0))
}

pub(crate) const SYNCHRONOUS: &str = "PRAGMA main.synchronous";

/// <https://www.sqlite.org/pragma.html#pragma_synchronous>
pub(crate) const FULL: i64 = 2;
