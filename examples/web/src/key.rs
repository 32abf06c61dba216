//! The key that encrypts the records, in a file. This is good enough for a trial. A service keeps
//! the key with its other secrets, and never next to the database.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use countersign::SealingKey;
use countersign_web::{BoxError, Database};

/// Reads the key. Creates one if there are no records yet.
pub(crate) async fn open(path: &Path, database: &Database) -> Result<SealingKey, BoxError> {
    let problem = |what: String| BoxError::from(format!("the key file {}: {what}", path.display()));
    match File::open(path) {
        Ok(file) => read(file).map_err(|error| problem(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if database.has_records().await? {
                let what = "it is missing, and the records in the database cannot be decrypted without it; \
                    restore the file from your backup";
                return Err(problem(what.into()));
            }
            create(path).map_err(|error| problem(error.to_string()))
        }
        Err(error) => Err(problem(error.to_string())),
    }
}

fn read(file: File) -> Result<SealingKey, BoxError> {
    let mut bytes = Vec::with_capacity(33);
    file.take(33).read_to_end(&mut bytes)?;
    let bytes = bytes.as_slice().try_into();
    let bytes = bytes.map_err(|_| "it is damaged: a key has 32 bytes")?;
    Ok(SealingKey::from_bytes(bytes))
}

fn create(path: &Path) -> Result<SealingKey, BoxError> {
    let key = SealingKey::generate()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(key.expose())?;
    file.sync_all()?;
    Ok(key)
}
