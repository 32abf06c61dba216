//! Files that only their owner can read.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Creates an empty file if there is no file. On Unix, the new file has mode 0600. A file that exists
/// keeps its mode.
///
/// Call this function before SQLite opens a database. SQLite creates a new database with mode 0644,
/// so that other users can read it. SQLite opens an empty file as a new database, and gives the mode
/// of that file to the files `-wal` and `-shm`. If the path is a symbolic link to a missing file,
/// SQLite creates that file, with mode 0644.
///
/// # Errors
/// If the file cannot be created.
pub fn create_if_missing(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
