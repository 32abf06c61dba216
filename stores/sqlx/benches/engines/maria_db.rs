use countersign::AccountId;
use countersign_sqlx::MySqlStore;
use countersign_store_testing::bench::{Database, Error, REVISION, Table};
use countersign_store_testing::{Durability, MariaDb, available};
use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use sqlx::{Row, SqlStr};

use crate::{CONNECTIONS, sql};

pub(crate) struct Maria {
    pool: MySqlPool,
    _server: MariaDb,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    pool: MySqlPool,
    store: MySqlStore,
    name: String,
    select: SqlStr,
    update: SqlStr,
}

impl Database for Maria {
    type Table = Accounts;

    const NAME: &'static str = "mariadb";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = available(MariaDb::start(durability)) else {
            return Ok(None);
        };
        let pool = MySqlPoolOptions::new()
            .max_connections(CONNECTIONS)
            .test_before_acquire(false)
            .connect(&server.url())
            .await?;
        Ok(Some(Self {
            pool,
            _server: server,
        }))
    }

    async fn describe(&self) -> Result<String, Error> {
        let settings = "SELECT CONCAT('MariaDB ', @@version, \
             ', innodb_flush_log_at_trx_commit = ', @@innodb_flush_log_at_trx_commit, \
             ', innodb_buffer_pool_size = ', @@innodb_buffer_pool_size >> 20, ' MiB')";
        let settings: String = sqlx::query_scalar(settings).fetch_one(&self.pool).await?;
        Ok(format!("{settings}, a pool of {CONNECTIONS} over TCP."))
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts, Error> {
        let name = format!("accounts_{rows}");
        let store = MySqlStore::new(self.pool.clone()).with_table(&name)?;
        store.create_table().await?;
        let fill = format!(
            "INSERT INTO {name} (account, revision, record, enabled, codes_left, key_id) \
             SELECT CAST(seq AS CHAR), ?, ?, TRUE, 10, 1 FROM seq_1_to_{rows}"
        );
        let fill = sqlx::query(sql(fill)).bind(REVISION).bind(record);
        fill.execute(&self.pool).await?;
        Ok(Accounts {
            select: sql(format!(
                "SELECT record, revision FROM {name} WHERE account = ?"
            )),
            update: sql(format!(
                "UPDATE {name} SET revision = ?, record = ? WHERE account = ? AND revision = ?"
            )),
            pool: self.pool.clone(),
            store,
            name,
        })
    }
}

impl Table for Accounts {
    type Store = MySqlStore;

    fn store(&self) -> MySqlStore {
        self.store.clone()
    }

    read_and_write_rows!(account => account.as_str().as_bytes());

    async fn bytes(&self) -> Result<u64, Error> {
        let size = "SELECT FILE_SIZE FROM information_schema.INNODB_SYS_TABLESPACES WHERE NAME = ?";
        let size = sqlx::query_scalar(size).bind(format!("test/{}", self.name));
        Ok(size.fetch_one(&self.pool).await?)
    }
}
