//! The key that seals the records, in a file beside the database.
//!
//! Good enough to try things out. A service keeps it where it keeps its other secrets, apart from the database: whoever
//! has both can read every secret.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use countersign::SealingKey;

/// Why there is no key.
#[derive(Debug)]
pub(crate) struct KeyFileError {
    path: PathBuf,
    problem: String,
}

impl std::error::Error for KeyFileError {}

impl std::fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the key file {}: {}", self.path.display(), self.problem)
    }
}

/// `accounts.db.key` for `accounts.db`.
pub(crate) fn beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

/// Reads the key, or makes one if there is no database yet whose records it would have to open.
pub(crate) fn open_or_create(path: &Path, database: &Path) -> Result<SealingKey, KeyFileError> {
    let problem = |problem: String| KeyFileError {
        path: path.into(),
        problem,
    };
    match read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        read => return read.map_err(|error| problem(error.to_string())),
    }
    match database.try_exists() {
        Ok(true) => Err(problem(format!(
            "it is missing, and without it the records in {} cannot be opened; \
             put it back from your backup, or move the database away to begin anew",
            database.display()
        ))),
        Ok(false) => create(path).map_err(|error| problem(format!("it cannot be made: {error}"))),
        Err(error) => Err(problem(format!("{}: {error}", database.display()))),
    }
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

/// Makes a key file that is whole from the first moment on, and never takes the place of another: if a second process
/// was faster, its key is the key.
fn create(path: &Path) -> io::Result<SealingKey> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let key = SealingKey::generate().map_err(io::Error::other)?;
    // Its mode is 0600 from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(key.expose())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            sync_folder(folder)?;
            Ok(key)
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error.error),
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
        "its mode is {mode:04o}, so others can get at it; \
         chmod 600 it if you are sure that nobody did"
    )))
}

#[cfg(not(unix))]
fn refuse_if_others_can_read(_: &File) -> io::Result<()> {
    Ok(())
}

/// The name of a file is durable when its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(fs::canonicalize(folder)?)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::metadata(folder).map(|_| ())
}
