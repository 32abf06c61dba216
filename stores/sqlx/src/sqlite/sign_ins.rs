//! The sign-ins of countersign-gate.

use countersign_sql::{Dialect, RecordTable, TableName};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, SqlStr, Sqlite};

use super::SqliteStore;
use crate::driver::{Driver, sql};
use crate::sign_ins::{
    Applied, Backend, FlagPlace, OutboxStatements, SignInStatements, SignInTables, Step, index_name,
};
use crate::{AccountColumn, Error};

impl Backend for SqliteStore {
    type Database = Sqlite;

    fn sign_in_statements(
        tables: SignInTables,
        _: &TableName,
        account: AccountColumn,
    ) -> SignInStatements {
        statements(tables, account)
    }

    fn table(&self) -> &RecordTable {
        &self.table
    }

    async fn create_records(&self) -> Result<(), Error> {
        self.create_table().await
    }

    async fn create(&self, table: &TableName, sql: &SqlStr) -> Result<(), Error> {
        let done = self.change(table, sql, SqliteArguments::default());
        done.await.map(|_| ())
    }

    async fn change(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: SqliteArguments,
    ) -> Result<u64, Error> {
        let done = self.execute(table, sql, arguments).await?;
        Ok(Sqlite::rows_affected(&done))
    }

    async fn rows_of(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: SqliteArguments,
    ) -> Result<Vec<SqliteRow>, Error> {
        self.fetch(table, sql, arguments).await
    }

    async fn apply(&self, steps: Vec<Step<Sqlite>>) -> Result<Applied, Error> {
        self.transact(&steps).await
    }

    fn number(row: &SqliteRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }
}

/// SQLite lets one connection write at a time, and a statement sees all that was written before it.
fn statements(tables: SignInTables, account: AccountColumn) -> SignInStatements {
    let sign_ins = &tables.sign_ins;
    let id_of_account = Dialect::Sqlite.account_expression(account);
    let insert = format!("INSERT INTO \"{sign_ins}\" (id, account, begun_at, seen_at, ended)");
    let (off, flag, set_flag) = match &tables.flag {
        FlagPlace::Table(table) => (
            format!(
                "WHERE NOT EXISTS (SELECT 1 FROM \"{table}\" WHERE account = ?5 AND flag <> 0)"
            ),
            format!("SELECT flag FROM \"{table}\" WHERE account = ?1"),
            format!(
                "INSERT INTO \"{table}\" (flag, account) VALUES (?1, ?2) \
                 ON CONFLICT (account) DO UPDATE SET flag = excluded.flag"
            ),
        ),
        FlagPlace::Column { table, id, column } => (
            format!("FROM \"{table}\" WHERE \"{id}\" = ?5 AND NOT \"{column}\""),
            format!(
                "SELECT CASE WHEN \"{column}\" THEN 1 WHEN NOT \"{column}\" THEN 0 END \
                 FROM \"{table}\" WHERE \"{id}\" = ?1"
            ),
            format!("UPDATE \"{table}\" SET \"{column}\" = ?1 WHERE \"{id}\" = ?2"),
        ),
    };
    SignInStatements {
        accept: None,
        insert: sql(format!(
            "{insert} VALUES (?1, ?2, ?3, ?4, 0) ON CONFLICT (id) DO NOTHING"
        )),
        lock_flag: None,
        // The update counts as a row, although it changes nothing.
        insert_if_off: sql(format!(
            "{insert} SELECT ?1, ?2, ?3, ?4, 0 {off} ON CONFLICT (id) DO UPDATE SET id = id"
        )),
        find: sql(format!(
            "SELECT {id_of_account}, begun_at, seen_at FROM \"{sign_ins}\" \
             WHERE id = ?1 AND NOT ended"
        )),
        touch: sql(format!(
            "UPDATE \"{sign_ins}\" SET seen_at = ?1 WHERE id = ?2 AND seen_at < ?3 AND NOT ended"
        )),
        end: sql(format!(
            "UPDATE \"{sign_ins}\" SET ended = 1 WHERE id = ?1 AND NOT ended"
        )),
        end_others: sql(format!(
            "UPDATE \"{sign_ins}\" SET ended = 1 \
             WHERE account = ?1 AND id <> ?2 AND id <> ?3 AND NOT ended"
        )),
        purge: sql(format!(
            "DELETE FROM \"{sign_ins}\" WHERE id IN \
             (SELECT id FROM \"{sign_ins}\" WHERE seen_at <= ?1 ORDER BY seen_at LIMIT ?2)"
        )),
        flag: sql(flag),
        set_flag: sql(set_flag),
        outbox: tables.outbox.as_ref().map(|outbox| OutboxStatements {
            table: outbox.clone(),
            insert: sql(format!(
                "INSERT INTO \"{outbox}\" (account, revision, at, event, cause) \
                 VALUES (?1, ?2, ?3, ?4, ?5)"
            )),
            replace: None,
            accept: None,
        }),
        create_tables: create_tables(&tables, account).map(sql).collect(),
        tables,
    }
}

fn create_tables(tables: &SignInTables, account: AccountColumn) -> impl Iterator<Item = String> {
    let sign_ins = &tables.sign_ins;
    let account = Dialect::Sqlite.account_type(account);
    let table = format!(
        "CREATE TABLE IF NOT EXISTS \"{sign_ins}\" (
    id TEXT NOT NULL PRIMARY KEY,
    account {account} NOT NULL,
    begun_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ended INTEGER NOT NULL
) STRICT, WITHOUT ROWID"
    );
    let indexes = ["account", "seen_at"].map(|column| {
        let name = index_name(sign_ins, column);
        format!("CREATE INDEX IF NOT EXISTS \"{name}\" ON \"{sign_ins}\" ({column})")
    });
    let flags = match &tables.flag {
        FlagPlace::Table(flags) => Some(format!(
            "CREATE TABLE IF NOT EXISTS \"{flags}\" (
    account {account} NOT NULL PRIMARY KEY,
    flag INTEGER NOT NULL
) STRICT, WITHOUT ROWID"
        )),
        FlagPlace::Column { .. } => None,
    };
    let outbox = tables.outbox.as_ref().map(|outbox| {
        format!(
            "CREATE TABLE IF NOT EXISTS \"{outbox}\" (
    number INTEGER PRIMARY KEY,
    account {account} NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    cause TEXT NOT NULL,
    UNIQUE (account, revision)
) STRICT"
        )
    });
    let tables = [table].into_iter().chain(indexes);
    tables.chain(flags).chain(outbox)
}
