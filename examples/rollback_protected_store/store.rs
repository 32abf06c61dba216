//! A store with records in one database and their revisions in another. An attacker with write
//! access to the records cannot restore an older one.
//!
//! The verifier decrypts a record only with its own revision. So you need to protect only the
//! revisions: eight bytes per account, in a database that only the sign-in service can write to.

use std::path::Path;
use std::sync::Arc;

use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

/// The encrypted records, by account and revision. Others may have write access.
const RECORDS: TableDefinition<'_, (&str, i64), &[u8]> = TableDefinition::new("records");
/// The current revision of each account. Only the sign-in service has write access.
const REVISIONS: TableDefinition<'_, &str, i64> = TableDefinition::new("revisions");

#[derive(Clone)]
pub(crate) struct RollbackProtectedStore {
    records: Arc<Database>,
    revisions: Arc<Database>,
}

impl RollbackProtectedStore {
    pub(crate) fn open(records: &Path, revisions: &Path) -> Result<Self, redb::Error> {
        let (records, revisions) = (Database::create(records)?, Database::create(revisions)?);
        let transaction = records.begin_write()?;
        transaction.open_table(RECORDS)?;
        transaction.commit()?;
        let transaction = revisions.begin_write()?;
        transaction.open_table(REVISIONS)?;
        transaction.commit()?;
        Ok(Self {
            records: Arc::new(records),
            revisions: Arc::new(revisions),
        })
    }

    fn revision(&self, account: &AccountId) -> Result<Option<i64>, redb::Error> {
        let table = self.revisions.begin_read()?.open_table(REVISIONS)?;
        Ok(table.get(account.as_str())?.map(|row| row.value()))
    }

    /// Returns the record of a revision.
    pub(crate) fn record(
        &self,
        account: &AccountId,
        revision: i64,
    ) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.records.begin_read()?.open_table(RECORDS)?;
        let row = table.get((account.as_str(), revision))?;
        Ok(row.map(|row| row.value().to_vec()))
    }

    /// Writes or removes the record of a revision.
    pub(crate) fn put(
        &self,
        account: &AccountId,
        revision: i64,
        record: Option<&[u8]>,
    ) -> Result<(), redb::Error> {
        let transaction = self.records.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            let key = (account.as_str(), revision);
            match record {
                Some(record) => table.insert(key, record)?,
                None => table.remove(key)?,
            };
        }
        transaction.commit()?;
        Ok(())
    }

    /// Replaces the revision by compare-and-swap, which commits the whole write. Returns `None` if
    /// it succeeded, otherwise the revision that was found.
    fn replace_revision(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<Option<Option<i64>>, redb::Error> {
        let transaction = self.revisions.begin_write()?;
        {
            let mut table = transaction.open_table(REVISIONS)?;
            let found = table.get(account.as_str())?.map(|row| row.value());
            if found != write.expected().map(Revision::as_i64) {
                return Ok(Some(found));
            }
            match write.record() {
                Some(_) => table.insert(account.as_str(), write.revision().as_i64())?,
                None => table.remove(account.as_str())?,
            };
        }
        transaction.commit()?;
        Ok(None)
    }
}

impl blocking::Store for RollbackProtectedStore {
    type Error = redb::Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, redb::Error> {
        while let Some(found) = self.revision(account)? {
            if let Some(record) = self.record(account, found)? {
                let revision = Revision::from_i64(found)
                    .map_err(|error| redb::Error::Corrupted(error.to_string()))?;
                return Ok(Some(StoredRecord::new(record, revision)));
            }
            // A later write may have replaced the record in between. Otherwise the record was
            // removed, which is an error and not `None`.
            if self.revision(account)? == Some(found) {
                return Err(redb::Error::Corrupted(format!(
                    "the record of revision {found} is missing"
                )));
            }
        }
        Ok(None)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, redb::Error> {
        let ours = write.revision().as_i64();
        if let Some(record) = write.record() {
            // A crash between here and the compare-and-swap leaves a record that nobody reads.
            self.put(account, ours, Some(record))?;
        }
        match self.replace_revision(account, write)? {
            None => {
                if let Some(superseded) = write.expected() {
                    self.put(account, superseded.as_i64(), None)?;
                }
                Ok(WriteResult::Done)
            }
            Some(found) => {
                // The verifier may send the same write twice. Then the stored revision is `ours`.
                if found != Some(ours) {
                    self.put(account, ours, None)?;
                }
                Ok(WriteResult::Stale)
            }
        }
    }
}
