use std::marker::PhantomData;
use std::sync::Arc;

use countersign::AccountId;
use countersign_postgres::{Connections, PostgresStore};
use countersign_store_testing::bench::{Database, Error, REVISION, Table};
use countersign_store_testing::{Durability, Postgres, available};
use tokio::sync::OnceCell;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row};

use crate::CONNECTIONS;
use crate::pools::Pool;

/// The server of all measurements.
static SERVER: OnceCell<Option<Postgres>> = OnceCell::const_new();

pub(crate) async fn server(durability: Durability) -> Option<&'static Postgres> {
    let start = || async { available(Postgres::start(durability)) };
    SERVER.get_or_init(start).await.as_ref()
}

/// A store on the server, and the driver alone on the same pool.
pub(crate) struct TokioPostgres<P: Pool> {
    connections: P::Connections,
    admin: Arc<Client>,
}

pub(crate) struct Accounts<P: Pool> {
    connections: P::Connections,
    admin: Arc<Client>,
    store: PostgresStore<P::Connections>,
    name: String,
    select: Arc<str>,
    update: Arc<str>,
    pool: PhantomData<P>,
}

impl<P: Pool> Clone for Accounts<P> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            admin: Arc::clone(&self.admin),
            store: self.store.clone(),
            name: self.name.clone(),
            select: Arc::clone(&self.select),
            update: Arc::clone(&self.update),
            pool: PhantomData,
        }
    }
}

impl<P: Pool> Database for TokioPostgres<P> {
    type Table = Accounts<P>;

    const NAME: &'static str = P::NAME;

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = server(durability).await else {
            return Ok(None);
        };
        let config: Config = server.url().parse()?;
        let (admin, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(Some(Self {
            connections: P::open(config).await?,
            admin: Arc::new(admin),
        }))
    }

    async fn describe(&self) -> Result<String, Error> {
        describe(&self.admin).await
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts<P>, Error> {
        let name = format!("accounts_{}_{rows}", P::NAME);
        let store = PostgresStore::new(self.connections.clone()).with_table(&name)?;
        let store = P::settings(store);
        fill(&self.admin, store.schema(), &name, rows, record).await?;
        Ok(Accounts {
            select: format!("SELECT record, revision FROM {name} WHERE account = $1").into(),
            update: format!(
                "UPDATE {name} SET revision = $1, record = $2 WHERE account = $3 AND revision = $4"
            )
            .into(),
            connections: self.connections.clone(),
            admin: Arc::clone(&self.admin),
            store,
            name,
            pool: PhantomData,
        })
    }
}

/// The version and the settings of the server.
pub(crate) async fn describe(admin: &Client) -> Result<String, Error> {
    let mut text = String::from("PostgreSQL ");
    for name in [
        "server_version",
        "fsync",
        "synchronous_commit",
        "shared_buffers",
    ] {
        let row = admin.query_one(&format!("SHOW {name}"), &[]).await?;
        let value: String = row.get(0);
        text.push_str(&format!("{name} = {value}, "));
    }
    Ok(format!("{text}a pool of {CONNECTIONS} over TCP."))
}

/// Makes a table with the accounts `1` to `rows`, in the state of a table that grew slowly.
pub(crate) async fn fill(
    admin: &Client,
    schema: &str,
    name: &str,
    rows: u32,
    record: &[u8],
) -> Result<(), Error> {
    admin
        .batch_execute(&format!("DROP TABLE IF EXISTS {name}; {schema}"))
        .await?;
    let fill = format!(
        "INSERT INTO {name} (account, revision, record, enabled, codes_left, key_id) \
         SELECT number::text, $3, $1, true, 10, 1 FROM generate_series(1, $2::bigint) AS number"
    );
    let rows = i64::from(rows);
    admin.execute(&fill, &[&record, &rows, &REVISION]).await?;
    for after in [format!("VACUUM ANALYZE {name}"), "CHECKPOINT".into()] {
        admin.batch_execute(&after).await?;
    }
    Ok(())
}

/// The size of a table and its index.
pub(crate) async fn bytes(admin: &Client, name: &str) -> Result<u64, Error> {
    let size = format!("SELECT pg_total_relation_size('{name}')");
    let size: i64 = admin.query_one(&size, &[]).await?.get(0);
    Ok(size.try_into()?)
}

type Values<'a> = [(&'a (dyn ToSql + Sync), Type)];

impl<P: Pool> Accounts<P> {
    async fn query(&self, sql: &str, values: &Values<'_>) -> Result<Vec<Row>, Error> {
        let connection = self.connections.connection().await?;
        let client = P::Connections::client(&connection);
        if !P::PREPARES {
            return Ok(client.query_typed(sql, values).await?);
        }
        let (values, types): (Vec<_>, Vec<_>) = values.iter().cloned().unzip();
        let statement = P::Connections::prepare(&connection, sql, &types).await?;
        Ok(client.query(&statement, &values).await?)
    }

    async fn execute(&self, sql: &str, values: &Values<'_>) -> Result<u64, Error> {
        let connection = self.connections.connection().await?;
        let client = P::Connections::client(&connection);
        if !P::PREPARES {
            return Ok(client.execute_typed(sql, values).await?);
        }
        let (values, types): (Vec<_>, Vec<_>) = values.iter().cloned().unzip();
        let statement = P::Connections::prepare(&connection, sql, &types).await?;
        Ok(client.execute(&statement, &values).await?)
    }
}

impl<P: Pool> Table for Accounts<P> {
    type Store = PostgresStore<P::Connections>;

    fn store(&self) -> Self::Store {
        self.store.clone()
    }

    async fn read(&self, account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
        let values: &Values<'_> = &[(&account.as_str(), Type::TEXT)];
        let rows = self.query(&self.select, values).await?;
        let row = rows.first().ok_or("the account is gone")?;
        Ok((row.try_get(1)?, row.try_get(0)?))
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        let values: &Values<'_> = &[
            (&revision, Type::INT8),
            (&record, Type::BYTEA),
            (&account.as_str(), Type::TEXT),
            (&expected, Type::INT8),
        ];
        Ok(self.execute(&self.update, values).await? == 1)
    }

    async fn bytes(&self) -> Result<u64, Error> {
        bytes(&self.admin, &self.name).await
    }
}
