//! The key that encrypts the records, in a file. This is good enough for a trial. A service keeps
//! the key with its other secrets, and never next to the database.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use countersign::SealingKey;
use countersign_web::{BoxError, Database};

/// Reads the key. Creates one if there are no records yet.
pub(crate) async fn open(path: &Path, database: &Database) -> Result<SealingKey, BoxError> {
    let key = match fs::read(path) {
        Ok(bytes) => match bytes.as_slice().try_into() {
            Ok(bytes) => Ok(SealingKey::from_bytes(bytes)),
            Err(_) => Err("it is damaged: a key has 32 bytes".into()),
        },
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Err(_) if database.has_records().await? => Err(MISSING.into()),
        Err(_) => create(path),
    };
    key.map_err(|error| format!("the key file {}: {error}", path.display()).into())
}

fn create(path: &Path) -> Result<SealingKey, BoxError> {
    let key = SealingKey::generate()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(key.expose())?;
    file.sync_all()?;
    Ok(key)
}

const MISSING: &str = "it is missing, and the records in the database cannot be decrypted without it; restore the file \
    from your backup";
