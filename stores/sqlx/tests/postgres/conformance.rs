//! Runs the conformance suite at every isolation level, for each type of the account column, and
//! with one pool per handle.

use countersign_store_testing::sql::{a_concurrent_mix_matches_the_rows, one_of_64_writes_is_done};

use super::*;

struct Handles {
    runtime: Runtime,
    options: PgConnectOptions,
    column: AccountColumn,
    shared: Option<PgPool>,
    rarest_fault: u32,
}

impl Handles {
    fn new(server: &Postgres, column: AccountColumn, setting: &str) -> Self {
        let options = options(server).options([("default_transaction_isolation", setting)]);
        let runtime = Runtime::new().unwrap();
        let pool = PgPoolOptions::new().max_connections(16);
        let shared = runtime.block_on(pool.connect_with(options.clone()));
        let shared = Some(shared.unwrap());
        let handles = Self {
            runtime,
            options,
            column,
            shared,
            rarest_fault: rarest_fault(20),
        };
        let isolation = handles.runtime.block_on(async {
            handles.store().create_table().await.unwrap();
            let isolation = sqlx::query_scalar("SHOW transaction_isolation");
            isolation.fetch_one(handles.shared.as_ref().unwrap()).await
        });
        let isolation: String = isolation.unwrap();
        assert_eq!(isolation, setting);
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

    fn store(&self) -> PostgresStore {
        let new = || {
            let _runtime = self.runtime.enter();
            let pool = PgPoolOptions::new().max_connections(2);
            pool.connect_lazy_with(self.options.clone())
        };
        let table = format!("accounts_{:?}", self.column).to_lowercase();
        PostgresStore::new(self.shared.clone().unwrap_or_else(new))
            .with_account_column(self.column)
            .with_table(&table)
            .unwrap()
            .with_timeout(Duration::from_secs(60))
    }
}

impl Harness for Handles {
    type Store = MappedIds<PostgresStore>;

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
const DEFAULT: &str = "read committed";

suite! {
    read_committed: |server| Handles::new(server, TEXT, DEFAULT).thorough();
    repeatable_read: |server| Handles::new(server, TEXT, "repeatable read");
    serializable: |server| Handles::new(server, TEXT, "serializable");
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
    for isolation in ["read committed", "repeatable read", "serializable"] {
        let options = options(server).options([("default_transaction_isolation", isolation)]);
        let pool = PgPoolOptions::new().max_connections(64);
        let store = store(&pool.connect_with(options).await.unwrap()).await;
        one_of_64_writes_is_done(&store, 10).await;
        a_concurrent_mix_matches_the_rows(&store, 50).await;
    }
}
