//! A store of your own over redb, an embedded key-value database: two methods. `custom_store` runs
//! the conformance tests on it, and `blocking` a whole login.

use std::path::Path;
use std::sync::Arc;

use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const RECORDS: TableDefinition<'_, &str, (i64, &[u8])> = TableDefinition::new("second_factor");

/// One table: from the account to the revision and the record.
#[derive(Clone)]
pub(crate) struct RedbStore(Arc<Database>);

impl RedbStore {
    pub(crate) fn open(path: &Path) -> Result<Self, redb::Error> {
        let database = Database::create(path)?;
        let transaction = database.begin_write()?;
        transaction.open_table(RECORDS)?;
        transaction.commit()?;
        Ok(Self(Arc::new(database)))
    }
}

/// redb blocks, so this implements the trait without futures. `blocking::Adapter` turns it into a
/// `Store`.
impl blocking::Store for RedbStore {
    type Error = redb::Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, redb::Error> {
        let table = self.0.begin_read()?.open_table(RECORDS)?;
        let Some(row) = table.get(account.as_str())? else {
            return Ok(None);
        };
        let (revision, record) = row.value();
        let revision = Revision::from_i64(revision)
            .map_err(|error| redb::Error::Corrupted(error.to_string()))?;
        Ok(Some(StoredRecord::new(record.to_vec(), revision)))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, redb::Error> {
        // redb runs one write transaction at a time, so no other write comes between the comparison
        // and the write.
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            let found = table.get(account.as_str())?.map(|row| row.value().0);
            if found != write.expected().map(Revision::as_i64) {
                return Ok(WriteResult::Stale);
            }
            match write.record() {
                Some(record) => {
                    table.insert(account.as_str(), (write.revision().as_i64(), record))?
                }
                None => table.remove(account.as_str())?,
            };
        }
        // By default redb returns from a commit when it is on disk.
        transaction.commit()?;
        Ok(WriteResult::Done)
    }
}
