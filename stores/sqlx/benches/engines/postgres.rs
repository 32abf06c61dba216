use countersign::AccountId;
use countersign_sqlx::PostgresStore;
use countersign_store_testing::bench::{Database, Error, REVISION, Table};
use countersign_store_testing::{Durability, Postgres, available};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Row, SqlStr};

use crate::{CONNECTIONS, sql};

pub(crate) struct PostgreSql {
    pool: PgPool,
    _server: Postgres,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    pool: PgPool,
    store: PostgresStore,
    name: String,
    select: SqlStr,
    update: SqlStr,
}

impl Database for PostgreSql {
    type Table = Accounts;

    const NAME: &'static str = "postgres";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = available(Postgres::start(durability)) else {
            return Ok(None);
        };
        let pool = PgPoolOptions::new()
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
        let mut text = String::from("PostgreSQL ");
        for name in [
            "server_version",
            "fsync",
            "synchronous_commit",
            "shared_buffers",
        ] {
            let show = sqlx::query_scalar::<_, String>("SELECT current_setting($1)");
            let value = show.bind(name).fetch_one(&self.pool).await?;
            text.push_str(&format!("{name} = {value}, "));
        }
        Ok(format!("{text}a pool of {CONNECTIONS} over TCP."))
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts, Error> {
        let name = format!("accounts_{rows}");
        let store = PostgresStore::new(self.pool.clone()).with_table(&name)?;
        store.create_table().await?;
        let fill = format!(
            "INSERT INTO {name} (account, revision, record, enabled, codes_left, key_id) \
             SELECT number::text, $3, $1, true, 10, 1 FROM generate_series(1, $2) AS number"
        );
        let fill = sqlx::query(sql(fill))
            .bind(record)
            .bind(i64::from(rows))
            .bind(REVISION);
        fill.execute(&self.pool).await?;
        // The state of a table that grew slowly.
        for after in [format!("VACUUM ANALYZE {name}"), "CHECKPOINT".into()] {
            sqlx::query(sql(after)).execute(&self.pool).await?;
        }
        Ok(Accounts {
            select: sql(format!(
                "SELECT record, revision FROM {name} WHERE account = $1"
            )),
            update: sql(format!(
                "UPDATE {name} SET revision = $1, record = $2 WHERE account = $3 AND revision = $4"
            )),
            pool: self.pool.clone(),
            store,
            name,
        })
    }
}

impl Table for Accounts {
    type Store = PostgresStore;

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    read_and_write_rows!(account => account.as_str());

    async fn bytes(&self) -> Result<u64, Error> {
        let size = sqlx::query_scalar::<_, i64>("SELECT pg_total_relation_size($1::regclass)");
        let size = size.bind(&self.name).fetch_one(&self.pool).await?;
        Ok(size.try_into()?)
    }
}
