//! Stores the accounts of a batch in one transaction.

use countersign::import::{ImportError, Imported};
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign::{AccountId, Verifier, VerifierError};
use countersign_sqlx::{Error, SqliteStore, TransactionStore};
use futures_util::stream::{self, StreamExt};
use sqlx::Sqlite;

use crate::database::Database;
use crate::failure::Failure;
use crate::fault::Fault;
use crate::row::Account;

/// How often a batch waits for the write lock of the database: 4 seconds each.
const ATTEMPTS: u32 = 5;

/// The accounts that are encrypted or inserted at the same time.
const AT_ONCE: usize = 8;

/// Writes batches to a database.
pub(crate) struct BatchWriter {
    pub(crate) database: Database,
    pub(crate) verifier: Verifier<SqliteStore>,
    /// In a dry run: the database that the batches are checked against, and that stays as it is.
    pub(crate) existing: Option<Database>,
}

impl BatchWriter {
    /// Imports the accounts in one transaction. Returns one answer for each account.
    ///
    /// If the database fails, nothing of the batch is stored.
    pub(crate) async fn write<'a>(
        &self,
        accounts: impl Iterator<Item = &'a Account>,
    ) -> Result<Vec<Result<Imported, Fault>>, Failure> {
        let mut transaction = self.begin().await?;
        let verifier = self.verifier.with_store(BatchStore {
            existing: self.existing.as_ref().map(|existing| &existing.store),
            batch: self.verifier.store().in_transaction(&mut transaction),
        });
        let importer = &verifier;
        let imports = stream::iter(accounts).map(|account| async move {
            let answer = importer.import_in_transaction(&account.id, &account.import);
            match answer.await {
                Ok(imported) => Ok(Ok(imported)),
                Err(error) => refusal(account, error).map(Err),
            }
        });
        // The statements run one after the other, in the order of the lines. While the database
        // inserts one account, the next accounts are encrypted.
        let answers: Vec<_> = imports.buffered(AT_ONCE).collect().await;
        let answers = answers.into_iter().collect::<Result<_, Failure>>()?;
        drop(verifier);
        transaction.commit().await?;
        Ok(answers)
    }

    pub(crate) async fn close(self) {
        self.database.close().await;
        if let Some(existing) = self.existing {
            existing.close().await;
        }
    }

    /// Begins a transaction with the write lock. Other programs may hold this lock for a while.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, Sqlite>, Failure> {
        let writer = &self.database.writer;
        for _ in 1..ATTEMPTS {
            match writer.begin_with("BEGIN IMMEDIATE").await {
                Err(error) if is_locked(&error) => {}
                answer => return Ok(answer?),
            }
        }
        Ok(writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Whether an account is refused alone, or the whole batch fails.
///
/// A record that cannot be decrypted belongs to one account. All other failures belong to the
/// database.
pub(crate) fn refusal(account: &Account, error: ImportError) -> Result<Fault, Failure> {
    match error {
        ImportError::Failed(VerifierError::Record(_))
        | ImportError::Occupied(_)
        | ImportError::Unfit(_)
        | ImportError::BackupCodes(_) => Ok(Fault::of_import(&error, account.form)),
        error => Err(error.into()),
    }
}

fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == SQLITE_BUSY)
}

const SQLITE_BUSY: &str = "5";

/// The store of a batch.
struct BatchStore<'t> {
    existing: Option<&'t SqliteStore>,
    batch: TransactionStore<'t, Sqlite>,
}

impl BatchStore<'_> {
    async fn existing(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        match self.existing {
            None => Ok(None),
            Some(store) => store.load(account).await,
        }
    }
}

impl Store for BatchStore<'_> {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        match self.existing(account).await? {
            Some(stored) => Ok(Some(stored)),
            None => self.batch.load(account).await,
        }
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        match self.existing(account).await? {
            None => self.batch.compare_and_swap(account, write).await,
            Some(stored) if write.expected() == Some(stored.revision) => Ok(WriteResult::Done),
            Some(_) => Ok(WriteResult::Stale),
        }
    }
}
