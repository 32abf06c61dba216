//! Records in one database, their revisions in another: whoever can write to the records cannot put an older one back.
//!
//! A record names its revision within its seal, and the verifier opens it under no other. So the revisions are all that has
//! to be out of reach: eight bytes an account, in a database that only the sign-in service can write to.

use std::path::Path;
use std::sync::Arc;

use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

/// In reach of others: the sealed records, by account and revision.
const RECORDS: TableDefinition<'_, (&str, i64), &[u8]> = TableDefinition::new("records");
/// Out of their reach: the revision of each account.
const REVISIONS: TableDefinition<'_, &str, i64> = TableDefinition::new("revisions");

#[derive(Clone)]
pub(crate) struct AnchoredStore {
    records: Arc<Database>,
    revisions: Arc<Database>,
}

impl AnchoredStore {
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

    /// The record of a revision, for whoever has the database of the records in hand.
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

    /// The compare-and-swap, and the only moment at which anything changes: `None` when it is done, else what was found.
    fn swap_revision(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<Option<Option<i64>>, redb::Error> {
        let transaction = self.revisions.begin_write()?;
        {
            let mut table = transaction.open_table(REVISIONS)?;
            let found = table.get(account.as_str())?.map(|row| row.value());
            if found != swap.expected().map(Revision::as_i64) {
                return Ok(Some(found));
            }
            match swap.record() {
                Some(_) => table.insert(account.as_str(), swap.revision().as_i64())?,
                None => table.remove(account.as_str())?,
            };
        }
        transaction.commit()?;
        Ok(None)
    }
}

impl blocking::Store for AnchoredStore {
    type Error = redb::Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, redb::Error> {
        while let Some(found) = self.revision(account)? {
            if let Some(record) = self.record(account, found)? {
                let revision = Revision::from_i64(found)
                    .map_err(|error| redb::Error::Corrupted(error.to_string()))?;
                return Ok(Some(StoredRecord::new(record, revision)));
            }
            // Gone because a later one has come in between; or because somebody removed it, which is no `None`.
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
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, redb::Error> {
        let ours = swap.revision().as_i64();
        if let Some(record) = swap.record() {
            // A crash from here to the swap leaves a record that nobody looks for.
            self.put(account, ours, Some(record))?;
        }
        match self.swap_revision(account, swap)? {
            None => {
                if let Some(superseded) = swap.expected() {
                    self.put(account, superseded.as_i64(), None)?;
                }
                Ok(WriteResult::Done)
            }
            Some(found) => {
                // The same swap can come twice: then it is ours that is there.
                if found != Some(ours) {
                    self.put(account, ours, None)?;
                }
                Ok(WriteResult::Stale)
            }
        }
    }
}
