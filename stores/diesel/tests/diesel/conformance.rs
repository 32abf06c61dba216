//! Runs the conformance suite on each kind of pool on each database, and on each database for each
//! type of the account column.

use std::convert::identity;

use countersign::conformance::{Effort, Harness};
use countersign_diesel::AccountColumn;
use countersign_store_testing::rarest_fault;
use countersign_store_testing::sql::{
    MappedIds, a_concurrent_mix_matches_the_rows, one_of_64_writes_is_done,
};
use tokio::runtime::Runtime;

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, TestStore};
use crate::support::{on, store};

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
            rarest_fault: rarest_fault(20),
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

/// All kinds run the same code, so only some look for rarer faults than one in 20 calls.
fn thorough<K: Kind>(handles: Handles<K>) -> Handles<K> {
    Handles {
        rarest_fault: rarest_fault(200),
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
    one_write_succeeds, a_mix_matches_the_rows;
    R2d2OnPostgres, DeadpoolOnPostgres, R2d2OnMariaDb, DeadpoolOnMariaDb, R2d2OnSqlite,
    DeadpoolOnSqlite,
);

async fn one_write_succeeds<K: Kind>(database: &Database) {
    let store = store::<K>(&K::open(&database.url, 16).await).await;
    one_of_64_writes_is_done(&store, 5).await;
}

async fn a_mix_matches_the_rows<K: Kind>(database: &Database) {
    let store = store::<K>(&K::open(&database.url, 16).await).await;
    let rounds = if K::Engine::IS_SERVER { 50 } else { 10 };
    a_concurrent_mix_matches_the_rows(&store, rounds).await;
}
