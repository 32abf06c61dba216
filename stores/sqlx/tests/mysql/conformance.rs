//! Runs the conformance suite at every isolation level, for each type of the account column, and
//! with one pool per handle.

use countersign_store_testing::sql::{a_concurrent_mix_matches_the_rows, one_of_64_writes_is_done};

use super::*;

struct Handles {
    runtime: Runtime,
    url: String,
    column: AccountColumn,
    isolation: &'static str,
    shared: Option<MySqlPool>,
    rarest_fault: u32,
}

impl Handles {
    fn new(server: &MariaDb, column: AccountColumn, isolation: &'static str) -> Self {
        let mut handles = Self {
            runtime: Runtime::new().unwrap(),
            url: server.url(),
            column,
            isolation,
            shared: None,
            rarest_fault: rarest_fault(20),
        };
        let pool = isolated(isolation).max_connections(16);
        let pool = handles.runtime.block_on(pool.connect(&handles.url));
        let pool = handles.shared.insert(pool.unwrap()).clone();
        handles.runtime.block_on(async {
            handles.store().create_table().await.unwrap();
            let set = sqlx::query_scalar("SELECT @@tx_isolation").fetch_one(&pool);
            let set: String = set.await.unwrap();
            assert_eq!(set.replace('-', " "), isolation);
        });
        handles
    }

    /// All suites run the same code, so only one looks for rarer faults than one in 20 calls.
    fn thorough(self) -> Self {
        let rarest_fault = rarest_fault(200);
        Self {
            rarest_fault,
            ..self
        }
    }

    fn store(&self) -> MySqlStore {
        let new = || {
            let _runtime = self.runtime.enter();
            let pool = isolated(self.isolation).max_connections(2);
            pool.connect_lazy(&self.url).unwrap()
        };
        let table = format!("accounts_{:?}", self.column).to_lowercase();
        MySqlStore::new(self.shared.clone().unwrap_or_else(new))
            .with_account_column(self.column)
            .with_table(&table)
            .unwrap()
            .with_timeout(Duration::from_secs(60))
    }
}

impl Harness for Handles {
    type Store = MappedIds<MySqlStore>;

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
    ($($name:ident: $handles:expr;)+) => { $(
        mod $name {
            use super::*;
            countersign::conformance_tests!(match &*SERVER {
                Some(server) => ($handles)(server),
                None => return Ok(()),
            });
        }
    )+ };
}

const TEXT: AccountColumn = AccountColumn::Text;
const DEFAULT: &str = "REPEATABLE READ";

suite! {
    repeatable_read: |server| Handles::new(server, TEXT, DEFAULT).thorough();
    read_committed: |server| Handles::new(server, TEXT, "READ COMMITTED");
    serializable: |server| Handles::new(server, TEXT, "SERIALIZABLE");
    numbers: |server| Handles::new(server, AccountColumn::BigInt, DEFAULT);
    uuids: |server| Handles::new(server, AccountColumn::Uuid, DEFAULT);
    a_pool_for_each_handle: |server| Handles {
        shared: None,
        ..Handles::new(server, TEXT, DEFAULT)
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn one_write_succeeds_at_every_isolation_level() {
    let server = server!();
    for isolation in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let pool = isolated(isolation).max_connections(64);
        let store = store(&pool.connect(&server.url()).await.unwrap()).await;
        one_of_64_writes_is_done(&store, 10).await;
        a_concurrent_mix_matches_the_rows(&store, 50).await;
    }
}
