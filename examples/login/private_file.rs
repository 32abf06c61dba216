//! Files that only their owner can read.

#[cfg(unix)]
use std::fs::File;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// What [`write()`] does if there is a file already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Keeps the file, with the error [`ErrorKind::AlreadyExists`].
    Keep,
    /// Replaces the file.
    Replace,
}

/// Writes a complete file. On Unix, it has mode 0600 from the start. Its name is durable after
/// [`sync_directory`].
///
/// # Errors
/// If the file cannot be written, or exists and must be kept.
pub fn write(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(directory_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let persisted = match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    persisted.map(|_| ()).map_err(|error| error.error)
}

/// Makes the name of a file durable. The directory stores the name.
///
/// # Errors
/// If the directory cannot be opened or synced.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = directory_of(path);
    #[cfg(unix)]
    {
        File::open(directory)?.sync_all()
    }
    // Other systems do not open a directory as a file.
    #[cfg(not(unix))]
    {
        fs::metadata(directory).map(|_| ())
    }
}

/// Removes a file, so that it is still removed after a power failure.
///
/// # Errors
/// If the file is missing or cannot be removed, or its directory cannot be synced.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_directory(path)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

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
