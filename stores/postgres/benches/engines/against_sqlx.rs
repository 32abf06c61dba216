use std::sync::Arc;

use countersign::AccountId;
use countersign_sqlx::PostgresStore;
use countersign_store_testing::Durability;
use countersign_store_testing::bench::{Database, Error, Table};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio_postgres::{Client, NoTls};

use crate::CONNECTIONS;
use crate::database::{bytes, describe, fill, server};

/// The store of countersign-sqlx, with its fastest pool. The bare driver is not measured here: the
/// bench `engines` of countersign-sqlx does so.
pub(crate) struct Sqlx {
    pool: PgPool,
    admin: Arc<Client>,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    store: PostgresStore,
    admin: Arc<Client>,
    name: String,
}

impl Database for Sqlx {
    type Table = Accounts;

    const NAME: &'static str = "sqlx";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = server(durability).await else {
            return Ok(None);
        };
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .test_before_acquire(false)
            .connect(&server.url())
            .await?;
        let (admin, connection) = tokio_postgres::connect(&server.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(Some(Self {
            pool,
            admin: Arc::new(admin),
        }))
    }

    async fn describe(&self) -> Result<String, Error> {
        describe(&self.admin).await
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts, Error> {
        let name = format!("accounts_sqlx_{rows}");
        let store = PostgresStore::new(self.pool.clone()).with_table(&name)?;
        let schema = PostgresStore::schema(&name, countersign_sqlx::AccountColumn::Text)?;
        fill(&self.admin, &schema, &name, rows, record).await?;
        Ok(Accounts {
            store,
            admin: Arc::clone(&self.admin),
            name,
        })
    }
}

impl Table for Accounts {
    type Store = PostgresStore;

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    async fn read(&self, _account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
        Err(NOT_MEASURED.into())
    }

    async fn write(
        &self,
        _account: &AccountId,
        _expected: i64,
        _revision: i64,
        _record: &[u8],
    ) -> Result<bool, Error> {
        Err(NOT_MEASURED.into())
    }

    async fn bytes(&self) -> Result<u64, Error> {
        bytes(&self.admin, &self.name).await
    }
}

const NOT_MEASURED: &str = "the driver alone is measured by countersign-sqlx";
