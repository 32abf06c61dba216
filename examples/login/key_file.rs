//! The key that encrypts the records, in a file.
//!
//! This is good enough for a trial. A service keeps the key with its other secrets, away from the
//! database: an attacker who has both can read every secret.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use countersign::SealingKey;

use crate::private_file::{self, Existing};

/// The key file cannot be used.
#[derive(Debug)]
pub struct KeyFileError {
    path: PathBuf,
    problem: String,
}

impl std::error::Error for KeyFileError {}

impl std::fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the key file {}: {}", self.path.display(), self.problem)
    }
}

/// Returns `accounts.db.key` for `accounts.db`.
#[must_use]
pub fn path_for(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

/// Reads the key.
///
/// # Errors
/// If the file is missing or damaged, or if other users can read it.
pub fn open(path: &Path) -> Result<SealingKey, KeyFileError> {
    read(path).map_err(|error| KeyFileError {
        path: path.into(),
        problem: match error.kind() {
            ErrorKind::NotFound => "it is missing; give the file that encrypts the database".into(),
            _ => error.to_string(),
        },
    })
}

/// Reads the key. Creates one if there is no database yet.
///
/// # Errors
/// As [`open`]. Also if the file is missing and the database exists, or if the file cannot be
/// created.
pub fn open_or_create(path: &Path, database: &Path) -> Result<SealingKey, KeyFileError> {
    let read = match read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => create_or_read(path, database),
        read => read,
    };
    read.map_err(|error| KeyFileError {
        path: path.into(),
        problem: error.to_string(),
    })
}

/// Creates the key file, which was missing, or reads the file of a process that was faster.
fn create_or_read(path: &Path, database: &Path) -> io::Result<SealingKey> {
    let exists = database
        .try_exists()
        .map_err(|error| io::Error::other(format!("{}: {error}", database.display())))?;
    if !exists {
        return create(path)
            .map_err(|error| io::Error::other(format!("it cannot be created: {error}")));
    }
    // Every process creates the key before the database. If another process has just created both,
    // the key is there by now.
    read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => io::Error::other(format!(
            "it is missing, and the records in {} cannot be decrypted without it; \
             restore the file from your backup, or move the database away to start with a new one",
            database.display()
        )),
        _ => error,
    })
}

fn read(path: &Path) -> io::Result<SealingKey> {
    let file = File::open(path)?;
    refuse_if_others_can_read(&file)?;
    let mut bytes = Vec::with_capacity(33);
    file.take(33).read_to_end(&mut bytes)?;
    let bytes = bytes
        .as_slice()
        .try_into()
        .map_err(|_| io::Error::other("it is damaged: a key has 32 bytes"))?;
    Ok(SealingKey::from_bytes(bytes))
}

/// Creates a complete key file, and never overwrites another. If a second process was faster,
/// returns the key of that process.
fn create(path: &Path) -> io::Result<SealingKey> {
    let key = SealingKey::generate().map_err(io::Error::other)?;
    match private_file::write(path, key.expose(), Existing::Keep) {
        Ok(()) => {
            private_file::sync_directory(path)?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn refuse_if_others_can_read(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "its mode is {mode:04o}, so other users can read it; \
         if you are sure that nobody has, run chmod 600 on it"
    )))
}

#[cfg(not(unix))]
fn refuse_if_others_can_read(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The first process creates both files after this one has found no key.
    #[test]
    fn a_slower_process_reads_the_new_key() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("login.db");
        let path = path_for(&database);
        let key = open_or_create(&path, &database).unwrap();
        File::create(&database).unwrap();
        let read = create_or_read(&path, &database).unwrap();
        assert_eq!(read.expose(), key.expose());

        fs::remove_file(&path).unwrap();
        let error = create_or_read(&path, &database).unwrap_err();
        assert!(error.to_string().contains("it is missing"), "{error}");
        assert!(!path.exists());
    }
}
