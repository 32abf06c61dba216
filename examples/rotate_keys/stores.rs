//! Lists the accounts of the two stores, and fills the stores.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use countersign::store::{ConditionalWrite, MemoryStore, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, blocking};
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::Failure;
use crate::accounts::{Enrolled, enroll};
use crate::keys::OLD;
use crate::progress::Progress;

/// A store that can list its accounts, page by page.
pub(crate) trait Listed: Store {
    fn page(
        &self,
        cursor: Option<&AccountId>,
    ) -> impl Future<Output = Result<Vec<AccountId>, Failure>> + Send;
}

impl Listed for MemoryStore {
    async fn page(&self, cursor: Option<&AccountId>) -> Result<Vec<AccountId>, Failure> {
        Ok(self.accounts_after(cursor, PAGE))
    }
}

impl Listed for SqliteStore {
    async fn page(&self, cursor: Option<&AccountId>) -> Result<Vec<AccountId>, Failure> {
        Ok(self.accounts_after(cursor, u32::try_from(PAGE)?).await?)
    }
}

pub(crate) fn fill_memory(store: &MemoryStore, count: u32) -> Result<(), Failure> {
    let (next, progress) = (AtomicU32::new(1), Progress::new("enroll", count));
    let worker = || -> Result<(), Failure> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number > count {
                return Ok(());
            }
            let Enrolled {
                account, stored, ..
            } = enroll(number)?;
            let summary = Summary::new(true, 0, OLD);
            let write = ConditionalWrite::put(
                None,
                stored.revision,
                &stored.record,
                WriteKind::Enrolled,
                summary,
            );
            if blocking::Store::compare_and_swap(store, &account, write)? == WriteResult::Stale {
                return Err("an account exists already".into());
            }
            progress.step();
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let join =
            |worker: thread::ScopedJoinHandle<'_, _>| worker.join().map_err(|_| "a worker died")?;
        workers.into_iter().try_for_each(join)
    })
}

pub(crate) async fn open_sqlite(path: &Path) -> Result<(SqliteStore, SqlitePool), Failure> {
    let options = SqliteStore::connect_options(path);
    let pool = SqlitePoolOptions::new()
        .test_before_acquire(false)
        .max_connections(4);
    let pool = pool.connect_with(options).await?;
    let store = SqliteStore::new(pool.clone());
    store.create_table().await?;
    Ok((store, pool))
}

/// Enrolls the accounts in one transaction, unless an earlier run did.
pub(crate) async fn fill_sqlite(pool: &SqlitePool, count: u32) -> Result<(), Failure> {
    let sql = "SELECT count(*) FROM countersign";
    let found: u32 = sqlx::query_scalar(sql).fetch_one(pool).await?;
    if found == count {
        return Ok(());
    }
    if found > 0 {
        return Err(format!("the database has {found} accounts: pass --sqlite {found}").into());
    }
    let progress = Progress::new("enroll", count);
    let mut transaction = pool.begin().await?;
    for number in 1..=count {
        let Enrolled {
            account, stored, ..
        } = enroll(number)?;
        sqlx::query(
            "INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id) \
             VALUES (?1, ?2, ?3, 1, 0, ?4)",
        )
        .bind(account.as_str())
        .bind(stored.revision.as_i64())
        .bind(stored.record)
        .bind(OLD.get())
        .execute(&mut *transaction)
        .await?;
        progress.step();
    }
    transaction.commit().await?;
    Ok(())
}

const PAGE: usize = 1000;
