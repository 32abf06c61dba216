//! A host's own store, here over redb, an embedded key-value database: two methods, and the suite that checks them.
//!
//! ```text
//! cargo run --example custom_store [DATABASE]
//! ```
//!
//! Prints every case of the suite with `ok`, or with what an attacker gains. Without a path it takes a temporary database.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use countersign::conformance::{Harness, cases};
use countersign::{AccountId, Revision, Stored, Swap, Swapped, blocking};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const RECORDS: TableDefinition<'_, &str, (i64, &[u8])> = TableDefinition::new("second_factor");

#[derive(Clone)]
struct RedbStore(Arc<Database>);

impl RedbStore {
    fn open(path: &Path) -> Result<Self, redb::Error> {
        let database = Database::create(path)?;
        let transaction = database.begin_write()?;
        transaction.open_table(RECORDS)?;
        transaction.commit()?;
        Ok(Self(Arc::new(database)))
    }
}

/// redb blocks, so this is the contract without futures; `blocking::Adapter` makes it the one with futures.
impl blocking::Store for RedbStore {
    type Error = redb::Error;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, redb::Error> {
        let table = self.0.begin_read()?.open_table(RECORDS)?;
        let Some(row) = table.get(account.as_str())? else {
            return Ok(None);
        };
        let (revision, record) = row.value();
        let revision = Revision::from_i64(revision)
            .map_err(|error| redb::Error::Corrupted(error.to_string()))?;
        Ok(Some(Stored::new(record.to_vec(), revision)))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: Swap<'_>,
    ) -> Result<Swapped, redb::Error> {
        // redb lets one transaction write at a time, so nothing comes between the comparison and the write.
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            let found = table.get(account.as_str())?.map(|row| row.value().0);
            if found != swap.expected().map(Revision::as_i64) {
                return Ok(Swapped::Stale);
            }
            match swap.record() {
                Some(record) => {
                    table.insert(account.as_str(), (swap.revision().as_i64(), record))?
                }
                None => table.remove(account.as_str())?,
            };
        }
        // By default redb answers a commit when it is on the disk.
        transaction.commit()?;
        Ok(Swapped::Done)
    }
}

impl Harness for RedbStore {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.clone())
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map(Into::into);
    let store = RedbStore::open(&path.unwrap_or_else(|| folder.path().join("records.redb")))?;
    let mut status = ExitCode::SUCCESS;
    for case in cases() {
        match case.run(&store) {
            Ok(()) => println!("{} ... ok", case.name()),
            Err(failure) => {
                println!("FAILED: {failure}");
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}
