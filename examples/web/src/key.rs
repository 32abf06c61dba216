//! The key that encrypts the records, in a file. This is good enough for a trial. A service keeps
//! the key with its other secrets, and never next to the database.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use countersign::SealingKey;
use countersign_web::{BoxError, Database};
use tempfile::NamedTempFile;

/// Reads the key. Creates one if there are no records yet.
pub(crate) async fn open(path: &Path, database: &Database) -> Result<SealingKey, BoxError> {
    let key = match read(path) {
        Ok(None) => create_or_read(path, database).await,
        Ok(Some(key)) => Ok(key),
        Err(error) => Err(error),
    };
    key.map_err(|error| format!("the key file {}: {error}", path.display()).into())
}

/// Returns `None` if there is no file.
fn read(path: &Path) -> Result<Option<SealingKey>, BoxError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    match bytes.as_slice().try_into() {
        Ok(bytes) => Ok(Some(SealingKey::from_bytes(bytes))),
        Err(_) => Err("it is damaged: a key has 32 bytes".into()),
    }
}

/// Creates the key file, which was missing, or reads the file of a service that was faster.
async fn create_or_read(path: &Path, database: &Database) -> Result<SealingKey, BoxError> {
    let records = database.has_records().await;
    if !records.map_err(|error| format!("it is missing, and the database fails: {error}"))? {
        create(path)?;
    }
    // Every service creates the key before its first record. If another service has just created
    // both, the key is there by now.
    read(path)?.ok_or_else(|| MISSING.into())
}

/// Creates a complete key file with mode 0600, and never overwrites another.
fn create(path: &Path) -> Result<(), BoxError> {
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(SealingKey::generate()?.expose())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error.into()),
        _ => {
            // The directory stores the name. Other systems do not open a directory as a file.
            if cfg!(unix) {
                File::open(directory)?.sync_all()?;
            }
            Ok(())
        }
    }
}

const MISSING: &str = "it is missing, and the records in the database cannot be decrypted without it; restore the file \
    from your backup";

#[cfg(test)]
mod tests {
    use super::*;

    /// Another service creates the key after this one has found none.
    #[tokio::test]
    async fn a_slower_service_reads_the_new_key() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("web.db").display());
        let database = Database::open(&url).await.unwrap();
        let path = directory.path().join("key");
        let key = open(&path, &database).await.unwrap();
        let read = create_or_read(&path, &database).await.unwrap();
        assert_eq!(read.expose(), key.expose(), "before the first record");

        let Database::Sqlite(pool) = &database else {
            panic!("not SQLite");
        };
        let record =
            "INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id)
            VALUES (1, 1, x'00', 0, 0, 1)";
        sqlx::query(record).execute(pool).await.unwrap();
        let read = create_or_read(&path, &database).await.unwrap();
        assert_eq!(read.expose(), key.expose(), "after the first record");

        fs::remove_file(&path).unwrap();
        let error = create_or_read(&path, &database).await.unwrap_err();
        assert!(error.to_string().contains("it is missing"), "{error}");
        assert!(!path.exists());
    }
}
