//! Opens the database and its key.

use std::path::Path;
use std::time::Duration;

use countersign::{KeyId, Keyring, SealingKey, Verifier, VerifierError};
use countersign_login::{key_file, private_file};
use countersign_sqlx::{Error, SqliteStore};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

use crate::failure::Failure;
use crate::fault::chain;

/// Where the database and its key are.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) db: &'a Path,
    pub(crate) key: &'a Path,
}

/// The database and the key of its records.
pub(crate) struct Database {
    /// One connection for the batches. A second writer would empty its page cache.
    pub(crate) writer: SqlitePool,
    pub(crate) store: SqliteStore,
    pool: SqlitePool,
    pub(crate) key: SealingKey,
}

/// The name of the service, as an authenticator app would show it.
pub(crate) const ISSUER: &str = "Example";

impl Database {
    pub(crate) fn keyring(&self) -> Keyring {
        Keyring::new(KeyId::new(1), SealingKey::from_bytes(self.key.expose()))
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }

    /// Opens a database. Creates it, with its key file, if there is none.
    pub(crate) async fn open_or_create(place: Place<'_>) -> Result<Self, Failure> {
        // The key comes first, so that no database exists without it.
        let key = key_file::open_or_create(place.key, place.db)?;
        private_file::create_if_missing(place.db)
            .map_err(|error| Failure::new(format!("{}: {error}", place.db.display())))?;
        let options = SqliteStore::connect_options(place.db);
        let database = Self::connect(place, options, key).await?;
        database.store.create_table().await?;
        database.check_key(place).await?;
        Ok(database)
    }

    /// Opens a database that exists.
    pub(crate) async fn open(place: Place<'_>) -> Result<Self, Failure> {
        let options = SqliteStore::connect_options(place.db).create_if_missing(false);
        Self::connect(place, options, key_file::open(place.key)?).await
    }

    /// Opens a database to read only, or returns `None` if there is none.
    pub(crate) async fn open_read_only(place: Place<'_>) -> Result<Option<Self>, Failure> {
        let exists = place.db.try_exists();
        if !exists.map_err(|error| Failure::new(format!("{}: {error}", place.db.display())))? {
            return Ok(None);
        }
        // A connection that SQLite opens as read-only would leave files of the WAL behind.
        let options = SqliteConnectOptions::new()
            .filename(place.db)
            .pragma("query_only", "1")
            .busy_timeout(Duration::from_secs(4));
        let database = Self::connect(place, options, key_file::open(place.key)?).await?;
        match database.store.accounts_after(None, 1).await {
            Err(Error::NoTable { .. }) => return Ok(None),
            answer => answer?,
        };
        database.check_key(place).await?;
        Ok(Some(database))
    }

    /// Makes an empty database in a temporary file, which SQLite deletes.
    pub(crate) async fn temporary(key: SealingKey) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::new()
            .filename("")
            .journal_mode(SqliteJournalMode::Memory);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        let store = SqliteStore::new(pool.clone());
        store.create_table().await?;
        Ok(Self {
            writer: pool.clone(),
            store,
            pool,
            key,
        })
    }

    async fn connect(
        place: Place<'_>,
        options: SqliteConnectOptions,
        key: SealingKey,
    ) -> Result<Self, Failure> {
        let pool = SqlitePoolOptions::new().test_before_acquire(false);
        let writer = pool
            .clone()
            .max_connections(1)
            .connect_lazy_with(options.clone());
        let pool = pool.connect_with(options).await;
        let pool = pool
            .map_err(|error| Failure::new(format!("{}: {}", place.db.display(), chain(&error))))?;
        Ok(Self {
            writer,
            store: SqliteStore::new(pool.clone()),
            pool,
            key,
        })
    }

    /// Checks that the key decrypts a record of the database. Otherwise the records of the import
    /// and the records of the service would have different keys.
    async fn check_key(&self, place: Place<'_>) -> Result<(), Failure> {
        let Some(account) = self.store.accounts_after(None, 1).await?.pop() else {
            return Ok(());
        };
        let verifier = Verifier::builder(self.store.clone(), self.keyring(), ISSUER).build()?;
        match verifier.status(&account).await {
            Err(VerifierError::Record(error)) => Err(Failure::new(format!(
                "the key in {} does not decrypt the records in {}: {error}; give the key file \
                 that belongs to the database",
                place.key.display(),
                place.db.display()
            ))),
            answer => {
                answer?;
                Ok(())
            }
        }
    }
}
