use rusqlite::{Connection, Result};

/// Whether a statement would be part of a transaction that other code has begun. Its end decides
/// whether a write is stored, and it can hide newer rows from a load.
pub(crate) fn has_open_transaction(connection: &Connection) -> bool {
    !connection.is_autocommit() || connection.is_busy()
}

/// Whether an answer means that the disk has the write.
pub(crate) fn waits_for_disk(connection: &Connection) -> Result<bool> {
    let mut prepared = connection.prepare_cached(SYNCHRONOUS)?;
    let level: i64 = prepared.query_row([], |row| row.get(0))?;
    Ok(level >= FULL)
}

pub(crate) const SYNCHRONOUS: &str = "PRAGMA main.synchronous";

/// <https://www.sqlite.org/pragma.html#pragma_synchronous>
const FULL: i64 = 2;
