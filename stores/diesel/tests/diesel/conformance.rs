//! Runs the conformance suite on each kind of pool on each database, and on each database for each
//! type of the account column.

use std::convert::identity;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use countersign::conformance::{Effort, Harness};
use countersign::store::{Store, WriteResult};
use countersign_diesel::{AccountColumn, Error};
use countersign_store_testing::rarest_fault;
use countersign_store_testing::sql::MappedIds;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, TestStore};
use crate::support::{account, erase, on, store, write};

struct Handles<K: Kind> {
    runtime: Runtime,
    column: AccountColumn,
    /// `None`: each handle has its own.
    shared: Option<K::Pool>,
    table: String,
    database: Database,
    rarest_fault: u32,
}

impl<K: Kind> Handles<K> {
    fn new(database: Database, column: AccountColumn) -> Self {
        let runtime = Runtime::new().unwrap();
        let pool = runtime.block_on(K::open(&database.url, 16));
        let table = format!("conformance_{column:?}").to_lowercase();
        let handles = Self {
            runtime,
            column,
            shared: Some(pool),
            table,
            database,
            rarest_fault: 20,
        };
        let store = handles.store();
        handles.runtime.block_on(store.create_table()).unwrap();
        handles
    }

    fn store(&self) -> K::Store {
        let new = || self.runtime.block_on(K::open(&self.database.url, 2));
        let pool = self.shared.clone().unwrap_or_else(new);
        on::<K>(&pool, &self.table).with_account_column(self.column)
    }
}

impl<K: Kind> Harness for Handles<K> {
    type Store = MappedIds<K::Store>;

    fn open(&self) -> Self::Store {
        MappedIds::new(self.store(), self.column)
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(self.rarest_fault)
    }
}

macro_rules! suite {
    ($($name:ident: $kind:ident, $column:ident, $change:expr;)+) => { $(
        mod $name {
            use super::*;
            countersign::conformance_tests!(match crate::kinds::database::<crate::kinds::$kind>() {
                Some(database) => ($change)(Handles::<crate::kinds::$kind>::new(
                    database,
                    AccountColumn::$column,
                )),
                None => return Ok(()),
            });
        }
    )+ };
}

/// All kinds run the same code, so only some search for rarer faults than one in 20 calls.
fn thorough<K: Kind>(handles: Handles<K>) -> Handles<K> {
    Handles {
        rarest_fault: rarest_fault(),
        ..handles
    }
}

fn pool_for_each_handle<K: Kind>(handles: Handles<K>) -> Handles<K> {
    Handles {
        shared: None,
        ..handles
    }
}

suite! {
    r2d2_on_postgres: R2d2OnPostgres, Text, thorough;
    deadpool_on_postgres: DeadpoolOnPostgres, BigInt, identity;
    bb8_on_postgres: Bb8OnPostgres, Uuid, identity;
    r2d2_on_mariadb: R2d2OnMariaDb, Uuid, identity;
    deadpool_on_mariadb: DeadpoolOnMariaDb, Text, thorough;
    bb8_on_mariadb: Bb8OnMariaDb, BigInt, identity;
    r2d2_on_sqlite: R2d2OnSqlite, BigInt, identity;
    deadpool_on_sqlite: DeadpoolOnSqlite, Uuid, identity;
    bb8_on_sqlite: Bb8OnSqlite, Text, identity;
    a_pool_for_each_handle: DeadpoolOnPostgres, Text, pool_for_each_handle;
}

on_each_kind!(
    one_of_64_writes_is_done, a_concurrent_mix_matches_the_rows;
    R2d2OnPostgres, DeadpoolOnPostgres, R2d2OnMariaDb, DeadpoolOnMariaDb, R2d2OnSqlite,
    DeadpoolOnSqlite,
);

/// 64 tasks create, replace and erase one revision at the same time: one is `Done`, and all others
/// are `Stale`. No answer of the database becomes an error.
async fn one_of_64_writes_is_done<K: Kind>(database: &Database) {
    let store = store::<K>(&K::open(&database.url, 16).await).await;
    for round in 0..5 {
        let account = account(round);
        for step in 0..3 {
            let start = Arc::new(Barrier::new(64));
            let tasks: Vec<_> = (1..65)
                .map(|number| {
                    let (store, account, start) = (store.clone(), account.clone(), start.clone());
                    tokio::spawn(async move {
                        let write = match step {
                            0 => write(None, 7, b"created"),
                            1 => write(Some(7), 1000 + number, b"replaced"),
                            _ => {
                                let stored = store.load(&account).await.unwrap();
                                erase(stored.unwrap().revision.as_i64())
                            }
                        };
                        start.wait().await;
                        store.compare_and_swap(&account, write).await.unwrap()
                    })
                })
                .collect();
            let mut done = 0;
            for task in tasks {
                if task.await.unwrap() == WriteResult::Done {
                    done += 1;
                }
            }
            assert_eq!(done, 1, "round {round}, step {step}");
        }
        assert_eq!(store.load(&account).await.unwrap(), None);
    }
}

/// 16 tasks create, replace and erase one account in any order: no answer is an error, and the
/// number of rows matches the answers.
async fn a_concurrent_mix_matches_the_rows<K: Kind>(database: &Database) {
    let store = store::<K>(&K::open(&database.url, 16).await).await;
    let (account, next) = (account(1), Arc::new(AtomicI64::new(1)));
    let rounds = if K::Engine::IS_SERVER { 50 } else { 10 };
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (store, account, next) = (store.clone(), account.clone(), next.clone());
            tokio::spawn(async move {
                let mut rows = 0;
                for round in 0..rounds {
                    let found = store.load(&account).await?;
                    let found = found.map(|stored| stored.revision.as_i64());
                    let new = next.fetch_add(1, Ordering::SeqCst);
                    let (write, change) = match found {
                        None => (write(None, new, b"created"), 1),
                        Some(old) if round % 3 == 0 => (erase(old), -1),
                        Some(old) => (write(Some(old), new, b"replaced"), 0),
                    };
                    if store.compare_and_swap(&account, write).await? == WriteResult::Done {
                        rows += change;
                    }
                }
                Ok::<_, Error>(rows)
            })
        })
        .collect();
    let mut rows = 0;
    for task in tasks {
        rows += task.await.unwrap().unwrap();
    }
    let live = store.load(&account).await.unwrap();
    assert_eq!(rows, i32::from(live.is_some()));
}
