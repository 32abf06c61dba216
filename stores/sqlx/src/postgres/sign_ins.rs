//! The sign-ins of countersign-gate.

use countersign_sql::{Dialect, RecordTable, TableName};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Postgres, Row, SqlSafeStr, SqlStr};

use super::PostgresStore;
use crate::driver::{Driver, sql};
use crate::sign_ins::{
    Applied, Backend, FlagPlace, OutboxStatements, SignInStatements, SignInTables, Step, apply,
    index_name,
};
use crate::{AccountColumn, Error};

impl Backend for PostgresStore {
    type Database = Postgres;

    fn sign_in_statements(
        tables: SignInTables,
        records: &TableName,
        account: AccountColumn,
    ) -> SignInStatements {
        statements(tables, records, account)
    }

    fn table(&self) -> &RecordTable {
        &self.table
    }

    async fn create_records(&self) -> Result<(), Error> {
        self.create_table().await
    }

    async fn create(&self, table: &TableName, sql: &SqlStr) -> Result<(), Error> {
        self.create(table, sql).await
    }

    async fn change(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: PgArguments,
    ) -> Result<u64, Error> {
        let done = self.runner.execute(table, sql, arguments).await?;
        Ok(Postgres::rows_affected(&done))
    }

    async fn rows_of(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, Error> {
        self.runner.fetch(table, sql, arguments).await
    }

    async fn apply(&self, steps: Vec<Step<Postgres>>) -> Result<Applied, Error> {
        let run = self.runner.run(self.table.name(), move |connection| {
            let (begin, steps) = (BEGIN.into_sql_str(), steps.clone());
            Box::pin(async move { apply(connection, begin, &steps).await })
        });
        run.await
    }

    fn number(row: &PgRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }
}

fn statements(
    tables: SignInTables,
    records: &TableName,
    account: AccountColumn,
) -> SignInStatements {
    let sign_ins = &tables.sign_ins;
    let key = |number| Dialect::Postgres.account_placeholder(account, number);
    let id_of_account = Dialect::Postgres.account_expression(account);
    let insert = format!("INSERT INTO \"{sign_ins}\" (id, account, begun_at, seen_at, ended)");
    // An upsert, and a lock in a subquery, check the newest version of the row when they have
    // waited for its lock.
    let (off, flag, set_flag) = match &tables.flag {
        FlagPlace::Table(table) => (
            format!(
                "INSERT INTO \"{table}\" (account, flag) VALUES ({}, 0) ON CONFLICT (account) \
                 DO UPDATE SET flag = 0 WHERE \"{table}\".flag = 0 RETURNING 1",
                key(5)
            ),
            format!(
                "SELECT CAST(flag AS bigint) FROM \"{table}\" WHERE account = {}",
                key(1)
            ),
            format!(
                "INSERT INTO \"{table}\" (flag, account) VALUES ($1, {}) \
                 ON CONFLICT (account) DO UPDATE SET flag = excluded.flag",
                key(2)
            ),
        ),
        FlagPlace::Column { table, id, column } => (
            format!(
                "SELECT 1 FROM \"{table}\" WHERE \"{id}\" = {} AND NOT \"{column}\" FOR SHARE",
                key(5)
            ),
            format!(
                "SELECT CAST(CASE WHEN \"{column}\" THEN 1 WHEN NOT \"{column}\" THEN 0 END \
                 AS bigint) FROM \"{table}\" WHERE \"{id}\" = {}",
                key(1)
            ),
            format!(
                "UPDATE \"{table}\" SET \"{column}\" = $1 WHERE \"{id}\" = {}",
                key(2)
            ),
        ),
    };
    let record = format!(
        "WITH record AS (UPDATE \"{records}\" \
         SET revision = $1, record = $2, enabled = $3, codes_left = $4, key_id = $5 \
         WHERE account = {} AND revision = $7 RETURNING 1)",
        key(6)
    );
    let sign_in = format!(
        "sign_in AS ({insert} SELECT $8, {}, $9, $10, false FROM record \
         ON CONFLICT (id) DO NOTHING)",
        key(6)
    );
    let end = "SELECT 1 FROM record";
    let outbox = tables.outbox.as_ref().map(|outbox| {
        let insert = format!("INSERT INTO \"{outbox}\" (account, revision, at, event, cause)");
        let event = |values: &str| {
            let account = key(6);
            format!("event AS ({insert} SELECT {account}, $1, {values} FROM record)")
        };
        let (after_record, after_sign_in) = (event("$8, $9, $10"), event("$11, $12, $13"));
        OutboxStatements {
            table: outbox.clone(),
            insert: sql(format!("{insert} VALUES ({}, $2, $3, $4, $5)", key(1))),
            replace: Some(sql(format!("{record}, {after_record} {end}"))),
            accept: Some(sql(format!("{record}, {sign_in}, {after_sign_in} {end}"))),
        }
    });
    SignInStatements {
        accept: Some(sql(format!("{record}, {sign_in} {end}"))),
        outbox,
        insert: sql(format!(
            "{insert} VALUES ($1, {}, $3, $4, false) ON CONFLICT (id) DO NOTHING",
            key(2)
        )),
        lock_flag: None,
        insert_if_off: sql(format!(
            "WITH off AS ({off}), \
             sign_in AS ({insert} SELECT $1, {}, $3, $4, false FROM off \
             ON CONFLICT (id) DO NOTHING) \
             SELECT 1 FROM off",
            key(2)
        )),
        find: sql(format!(
            "SELECT {id_of_account}, begun_at, seen_at FROM \"{sign_ins}\" \
             WHERE id = $1 AND NOT ended"
        )),
        touch: sql(format!(
            "UPDATE \"{sign_ins}\" SET seen_at = $1 WHERE id = $2 AND seen_at < $3 AND NOT ended"
        )),
        end: sql(format!(
            "UPDATE \"{sign_ins}\" SET ended = true WHERE id = $1 AND NOT ended"
        )),
        end_others: sql(format!(
            "UPDATE \"{sign_ins}\" SET ended = true \
             WHERE account = {} AND id <> $2 AND id <> $3 AND NOT ended",
            key(1)
        )),
        purge: sql(format!(
            "DELETE FROM \"{sign_ins}\" WHERE id IN \
             (SELECT id FROM \"{sign_ins}\" WHERE seen_at <= $1 ORDER BY seen_at LIMIT $2)"
        )),
        flag: sql(flag),
        set_flag: sql(set_flag),
        create_tables: create_tables(&tables, account).map(sql).collect(),
        tables,
    }
}

fn create_tables(tables: &SignInTables, account: AccountColumn) -> impl Iterator<Item = String> {
    let sign_ins = &tables.sign_ins;
    let account = Dialect::Postgres.account_type(account);
    let table = format!(
        "CREATE TABLE IF NOT EXISTS \"{sign_ins}\" (
    id text COLLATE \"C\" NOT NULL PRIMARY KEY,
    account {account} NOT NULL,
    begun_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    ended boolean NOT NULL
)"
    );
    let indexes = ["account", "seen_at"].map(|column| {
        let name = index_name(sign_ins, column);
        format!("CREATE INDEX IF NOT EXISTS \"{name}\" ON \"{sign_ins}\" ({column})")
    });
    let flags = match &tables.flag {
        FlagPlace::Table(flags) => Some(format!(
            "CREATE TABLE IF NOT EXISTS \"{flags}\" (
    account {account} NOT NULL PRIMARY KEY,
    flag smallint NOT NULL
)"
        )),
        FlagPlace::Column { .. } => None,
    };
    let outbox = tables.outbox.as_ref().map(|outbox| {
        format!(
            "CREATE TABLE IF NOT EXISTS \"{outbox}\" (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account {account} NOT NULL,
    revision bigint NOT NULL,
    at bigint NOT NULL,
    event text NOT NULL,
    cause text NOT NULL,
    UNIQUE (account, revision)
)"
        )
    });
    let tables = [table].into_iter().chain(indexes);
    tables.chain(flags).chain(outbox)
}

/// A statement of this level sees what was committed before the statement began, so also a sign-in
/// that held the lock of the flag.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
