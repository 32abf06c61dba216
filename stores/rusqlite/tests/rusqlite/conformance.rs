//! Runs the conformance suite on both stores, on one connection, on a connection for each handle
//! and on a pool, for each type of the account column.
//!
//! With a connection for each handle, the suite finds a fault in one call of 200. The other cases
//! run the same code, and wait for the disk as often. So there it finds a fault in one call of 20.

use countersign::blocking::Adapter;
use countersign::conformance::{Effort, Harness};
use countersign_rusqlite::{AccountColumn, OneConnection, SqliteStore, blocking};
use countersign_store_testing::rarest_fault;
use countersign_store_testing::sql::MappedIds;
use r2d2::Pool;
use tokio::runtime::Runtime;

use crate::support::{Database, LONG, Manager};

const TEXT: AccountColumn = AccountColumn::Text;

/// Handles of the blocking store, which need no runtime.
struct Blocking {
    database: Database,
    column: AccountColumn,
    /// `None`: each handle has its own.
    shared: Option<OneConnection>,
}

impl Blocking {
    fn new(column: AccountColumn) -> Self {
        let database = Database::new();
        let shared = database.patient();
        let store = blocking::SqliteStore::new(shared.clone());
        store.with_account_column(column).create_table().unwrap();
        Self {
            database,
            column,
            shared: Some(shared),
        }
    }
}

impl Harness for Blocking {
    type Store = MappedIds<Adapter<blocking::SqliteStore>>;

    fn open(&self) -> Self::Store {
        let shared = self.shared.clone();
        let connection = shared.unwrap_or_else(|| self.database.patient());
        let store = blocking::SqliteStore::new(connection).with_timeout(LONG);
        let store = store.with_account_column(self.column);
        MappedIds::new(Adapter::new(store), self.column)
    }

    fn effort(&self) -> Effort {
        effort(self.shared.is_some())
    }
}

/// The effort for handles on shared connections, or on a connection for each.
fn effort(is_shared: bool) -> Effort {
    Effort::default().one_in(rarest_fault(if is_shared { 20 } else { 200 }))
}

/// Handles of the blocking store on a pool of r2d2.
struct Pooled {
    store: blocking::SqliteStore<Pool<Manager>>,
    _database: Database,
}

impl Pooled {
    fn new() -> Self {
        let database = Database::new();
        let pool = Pool::builder().max_size(4);
        let pool = pool.build(Manager(database.path())).unwrap();
        let store = blocking::SqliteStore::new(pool).with_timeout(LONG);
        store.create_table().unwrap();
        Self {
            store,
            _database: database,
        }
    }
}

impl Harness for Pooled {
    type Store = Adapter<blocking::SqliteStore<Pool<Manager>>>;

    fn open(&self) -> Self::Store {
        Adapter::new(self.store.clone())
    }

    fn effort(&self) -> Effort {
        effort(true)
    }
}

/// Handles of the async store.
struct Async {
    runtime: Runtime,
    database: Database,
    column: AccountColumn,
    /// `None`: each handle has its own.
    shared: Option<SqliteStore>,
}

impl Async {
    fn new(column: AccountColumn) -> Self {
        let (runtime, database) = (Runtime::new().unwrap(), Database::new());
        let store = async_store(&database, column);
        runtime.block_on(store.create_table()).unwrap();
        Self {
            runtime,
            database,
            column,
            shared: Some(store),
        }
    }
}

fn async_store(database: &Database, column: AccountColumn) -> SqliteStore {
    let store = blocking::SqliteStore::new(database.patient()).with_timeout(LONG);
    SqliteStore::new(store.with_account_column(column))
}

impl Harness for Async {
    type Store = MappedIds<SqliteStore>;

    fn open(&self) -> Self::Store {
        let new = || async_store(&self.database, self.column);
        MappedIds::new(self.shared.clone().unwrap_or_else(new), self.column)
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn effort(&self) -> Effort {
        effort(self.shared.is_some())
    }
}

macro_rules! suite {
    ($($name:ident: $handles:expr;)+) => { $(
        mod $name {
            use super::*;
            countersign::conformance_tests!($handles);
        }
    )+ };
}

suite! {
    one_connection: Blocking::new(TEXT);
    a_connection_for_each_handle: Blocking { shared: None, ..Blocking::new(TEXT) };
    a_pool: Pooled::new();
    numbers: Blocking::new(AccountColumn::BigInt);
    one_thread: Async::new(TEXT);
    a_thread_for_each_handle: Async { shared: None, ..Async::new(TEXT) };
    uuids: Async::new(AccountColumn::Uuid);
}
