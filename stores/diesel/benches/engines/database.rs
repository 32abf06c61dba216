use std::marker::PhantomData;
use std::sync::Arc;

use countersign::AccountId;
use countersign_diesel::{Connections, DieselStore};
use countersign_store_testing::bench::{Database, Error, REVISION, Table};
use countersign_store_testing::{Durability, Postgres, available};
use diesel::sql_types::{BigInt, Binary};
use diesel_async::methods::ExecuteDsl;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::sync::{Mutex, OnceCell};

use crate::CONNECTIONS;
use crate::pools::Pool;
use crate::statements::{Select, Update};

/// The server of all measurements.
static SERVER: OnceCell<Option<Postgres>> = OnceCell::const_new();

/// A connection of its own.
type Admin = Arc<Mutex<AsyncPgConnection>>;

/// A store on the server, and the driver alone on the same pool.
pub(crate) struct DieselPostgres<P: Pool> {
    connections: P::Connections,
    admin: Admin,
}

pub(crate) struct Accounts<P: Pool> {
    connections: P::Connections,
    admin: Admin,
    store: DieselStore<P::Connections>,
    name: Arc<str>,
    pool: PhantomData<P>,
}

impl<P: Pool> Clone for Accounts<P> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            admin: Arc::clone(&self.admin),
            store: self.store.clone(),
            name: Arc::clone(&self.name),
            pool: PhantomData,
        }
    }
}

impl<P: Pool> Database for DieselPostgres<P> {
    type Table = Accounts<P>;

    const NAME: &'static str = P::NAME;

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let start = || async { available(Postgres::start(durability)) };
        let Some(server) = SERVER.get_or_init(start).await else {
            return Ok(None);
        };
        let admin = AsyncPgConnection::establish(&server.url()).await?;
        Ok(Some(Self {
            connections: P::open(&server.url()).await?,
            admin: Arc::new(Mutex::new(admin)),
        }))
    }

    async fn describe(&self) -> Result<String, Error> {
        let mut text = String::from("PostgreSQL ");
        for name in [
            "server_version",
            "fsync",
            "synchronous_commit",
            "shared_buffers",
        ] {
            let mut admin = self.admin.lock().await;
            let setting = diesel::dsl::sql::<diesel::sql_types::Text>("current_setting(")
                .bind::<diesel::sql_types::Text, _>(name)
                .sql(")");
            let value: String = diesel::select(setting).get_result(&mut *admin).await?;
            text.push_str(&format!("{name} = {value}, "));
        }
        Ok(format!("{text}a pool of {CONNECTIONS} over TCP."))
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts<P>, Error> {
        let name = format!("accounts_{}_{rows}", P::NAME);
        let store = DieselStore::new(self.connections.clone()).with_table(&name)?;
        let store = P::settings(store);
        let mut admin = self.admin.lock().await;
        let create = format!("DROP TABLE IF EXISTS {name}; {}", store.schema());
        admin.batch_execute(&create).await?;
        let fill = format!(
            "INSERT INTO {name} (account, revision, record, enabled, codes_left, key_id) \
             SELECT number::text, $1, $2, true, 10, 1 FROM generate_series(1, $3) AS number"
        );
        diesel::sql_query(fill)
            .bind::<BigInt, _>(REVISION)
            .bind::<Binary, _>(record)
            .bind::<BigInt, _>(i64::from(rows))
            .execute(&mut *admin)
            .await?;
        // The state of a table that grew slowly.
        for after in [format!("VACUUM ANALYZE {name}"), "CHECKPOINT".into()] {
            admin.batch_execute(&after).await?;
        }
        drop(admin);
        Ok(Accounts {
            connections: self.connections.clone(),
            admin: Arc::clone(&self.admin),
            store,
            name: name.into(),
            pool: PhantomData,
        })
    }
}

impl<P: Pool> Table for Accounts<P> {
    type Store = DieselStore<P::Connections>;

    fn store(&self) -> Self::Store {
        self.store.clone()
    }

    async fn read(&self, account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
        let select = Select {
            table: Arc::clone(&self.name),
            account: account.as_str().to_owned(),
        };
        let mut connection = self.connections.connection().await?;
        let row: (Vec<u8>, i64) = select.get_result(&mut *connection).await?;
        Ok((row.1, row.0))
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        let update = Update {
            table: Arc::clone(&self.name),
            account: account.as_str().to_owned(),
            expected,
            revision,
            record: record.to_vec(),
        };
        let mut connection = self.connections.connection().await?;
        let changed = ExecuteDsl::execute(update, &mut *connection).await?;
        Ok(changed == 1)
    }

    async fn bytes(&self) -> Result<u64, Error> {
        let mut admin = self.admin.lock().await;
        let size = format!("pg_total_relation_size('{}')", self.name);
        let size = diesel::dsl::sql::<BigInt>(&size);
        let size: i64 = diesel::select(size).get_result(&mut *admin).await?;
        Ok(size.try_into()?)
    }
}
