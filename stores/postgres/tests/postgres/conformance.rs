//! Runs the conformance suite on each kind of connections, at every isolation level, for each type
//! of the account column, with one pool per handle, and without prepared statements.

use countersign::conformance::{Effort, Harness};
use countersign_postgres::{AccountColumn, Connections, PostgresStore};
use countersign_store_testing::sql::{
    MappedIds, a_concurrent_mix_matches_the_rows, one_of_64_writes_is_done,
};
use countersign_store_testing::{PgBouncer, Postgres, rarest_fault};
use tokio::runtime::Runtime;
use tokio_postgres::Config;

use crate::kinds::{Bb8, Deadpool, Kind, OneClient, Reconnecting};
use crate::support::{at, config, open, store};

pub(crate) struct Handles<K: Kind> {
    runtime: Runtime,
    config: Config,
    column: AccountColumn,
    prepares: bool,
    /// `None`: each handle has its own.
    shared: Option<K::Connections>,
    rarest_fault: u32,
    /// The pooler that the connections lead to.
    _pooler: Option<PgBouncer>,
}

impl<K: Kind> Handles<K> {
    pub(crate) fn new(config: Config, column: AccountColumn, prepares: bool) -> Self {
        let runtime = Runtime::new().unwrap();
        let shared = Some(runtime.block_on(K::open(config.clone(), 16)));
        let handles = Self {
            runtime,
            config,
            column,
            prepares,
            shared,
            rarest_fault: rarest_fault(20),
            _pooler: None,
        };
        let store = handles.store();
        handles.runtime.block_on(store.create_table()).unwrap();
        handles
    }

    pub(crate) fn with_pooler(self, pooler: PgBouncer) -> Self {
        let _pooler = Some(pooler);
        Self { _pooler, ..self }
    }

    /// All kinds run the same code, so only some look for rarer faults than one in 20 calls.
    fn thorough(self) -> Self {
        let rarest_fault = rarest_fault(200);
        Self {
            rarest_fault,
            ..self
        }
    }

    fn at_level(server: &Postgres, column: AccountColumn, isolation: &str) -> Self {
        let handles = Self::new(config_at_level(server, isolation), column, true);
        let seen = handles.runtime.block_on(async {
            let connection = handles.shared.as_ref().unwrap().connection().await.unwrap();
            let client = K::Connections::client(&connection);
            let row = client.query_one("SHOW transaction_isolation", &[]).await;
            row.unwrap().get::<_, String>(0)
        });
        assert_eq!(seen, isolation);
        handles
    }

    fn store(&self) -> PostgresStore<K::Connections> {
        let new = || self.runtime.block_on(K::open(self.config.clone(), 2));
        let connections = self.shared.clone().unwrap_or_else(new);
        let table = format!("conformance_{:?}", self.column).to_lowercase();
        let store = at(&connections, &table).with_account_column(self.column);
        if self.prepares {
            store
        } else {
            store.behind_pooler()
        }
    }
}

fn config_at_level(server: &Postgres, isolation: &str) -> Config {
    let setting = isolation.replace(' ', "\\ ");
    let mut config = config(server);
    config.options(format!("-c default_transaction_isolation={setting}"));
    config
}

impl<K: Kind> Harness for Handles<K> {
    type Store = MappedIds<PostgresStore<K::Connections>>;

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
            countersign::conformance_tests!(match &*crate::support::SERVER {
                Some(server) => ($handles)(server),
                None => return Ok(()),
            });
        }
    )+ };
}

const TEXT: AccountColumn = AccountColumn::Text;

suite! {
    deadpool: |server| Handles::<Deadpool>::new(config(server), TEXT, true).thorough();
    bb8: |server| Handles::<Bb8>::new(config(server), TEXT, true);
    one_client: |server| Handles::<OneClient>::new(config(server), TEXT, true);
    another_pool: |server| Handles::<Reconnecting>::new(config(server), TEXT, true);
    repeatable_read: |server| Handles::<Deadpool>::at_level(server, TEXT, "repeatable read");
    serializable: |server| Handles::<Deadpool>::at_level(server, TEXT, "serializable");
    numbers: |server| Handles::<Bb8>::new(config(server), AccountColumn::BigInt, true);
    uuids: |server| Handles::<Deadpool>::new(config(server), AccountColumn::Uuid, true);
    unprepared: |server| Handles::<Deadpool>::new(config(server), TEXT, false).thorough();
    unprepared_uuids: |server| Handles::<Bb8>::new(config(server), AccountColumn::Uuid, false);
    a_pool_for_each_handle: |server| Handles::<Deadpool> {
        shared: None,
        ..Handles::new(config(server), TEXT, true)
    };
    a_client_for_each_handle: |server| Handles::<OneClient> {
        shared: None,
        ..Handles::new(config(server), TEXT, true)
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn one_write_succeeds_at_every_isolation_level() {
    let server = server!();
    for isolation in ["read committed", "repeatable read", "serializable"] {
        let pool = Deadpool::open(config_at_level(server, isolation), 64).await;
        let store = store(&pool).await;
        one_of_64_writes_is_done(&store, 10).await;
        a_concurrent_mix_matches_the_rows(&store, 50).await;
    }
}

on_each_kind!(
    one_write_succeeds;
    on_bb8: Bb8, on_one_client: OneClient, on_another_pool: Reconnecting,
);

async fn one_write_succeeds<K: Kind>(server: &Postgres) {
    let store = store(&open::<K>(server).await).await;
    one_of_64_writes_is_done(&store, 10).await;
    a_concurrent_mix_matches_the_rows(&store, 50).await;
}
