use std::sync::Arc;

use countersign::AccountId;
use countersign::store::Store;
use countersign_store_testing::bench::{Error, Table};
use tempfile::TempDir;

use crate::bare::Bare;

/// A table in a file of its own, with the store and the driver alone. Each has one connection.
#[derive(Clone)]
pub(crate) struct Accounts<S, B> {
    pub(crate) store: S,
    pub(crate) bare: B,
    pub(crate) _directory: Arc<TempDir>,
}

impl<S: Store + Clone + 'static, B: Bare> Table for Accounts<S, B> {
    type Store = S;

    fn store(&self) -> S {
        self.store.clone()
    }

    async fn read(&self, account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
        let account = account.as_str().to_owned();
        let read = self.bare.run(move |connection| {
            let mut select = connection.prepare_cached(SELECT)?;
            select.query_row([account], |row| Ok((row.get(1)?, row.get(0)?)))
        });
        read.await
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        let (account, record) = (account.as_str().to_owned(), record.to_vec());
        let written = self.bare.run(move |connection| {
            let mut update = connection.prepare_cached(UPDATE)?;
            update.execute((revision, record, account, expected))
        });
        Ok(written.await? == 1)
    }

    async fn bytes(&self) -> Result<u64, Error> {
        let size = self.bare.run(|connection| {
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            Ok(pages.saturating_mul(bytes))
        });
        Ok(size.await?.try_into()?)
    }
}

const SELECT: &str = "SELECT record, revision FROM countersign WHERE account = ?1";
const UPDATE: &str = "UPDATE countersign SET revision = ?1, record = ?2 \
     WHERE account = ?3 AND revision = ?4";
