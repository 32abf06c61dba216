use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

/// Sets what a store needs of a connection:
///
/// - `busy_timeout` of 4 seconds: a write waits as long for another connection that writes.
/// - `journal_mode = WAL`: loads do not wait for writes. The file keeps this setting. A database
///   that does not support it, such as one in memory, keeps its own mode.
/// - `synchronous = FULL`: a write waits for the disk. With a weaker setting, a power failure can
///   undo the last writes. A used passcode is then valid again, or a wrong guess is not counted.
///
/// Call this function on every connection that you give to a store, for example in the function
/// `with_init` of a manager of r2d2.
///
/// # Errors
/// The error of the driver, for example if the file is no database or read-only, or if another
/// connection keeps it locked.
pub fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    switch_to_wal(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")
}

/// If several connections switch a new database at the same time, SQLite does not let one wait for
/// the other, but answers some of them at once that the database is locked.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        let answer = connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
        match answer.as_ref().map_err(rusqlite::Error::sqlite_error_code) {
            Err(Some(ErrorCode::DatabaseBusy)) if begun.elapsed() < BUSY_TIMEOUT => {
                thread::sleep(PAUSE);
            }
            _ => return answer,
        }
    }
}

/// Shorter than the time limit of a call, so that a locked database is an error that says so.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(5);
