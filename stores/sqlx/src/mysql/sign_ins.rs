//! The sign-ins of countersign-gate.

use countersign_sql::{Dialect, RecordTable, TableName};
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{MySql, Row, SqlSafeStr, SqlStr};

use super::MySqlStore;
use crate::driver::{Driver, sql};
use crate::sign_ins::{
    Applied, Backend, FlagPlace, OutboxStatements, SignInStatements, SignInTables, Step, apply,
};
use crate::{AccountColumn, Error};

impl Backend for MySqlStore {
    type Database = MySql;

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
        let done = self.change(table, sql, MySqlArguments::default());
        done.await.map(|_| ())
    }

    async fn change(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: MySqlArguments,
    ) -> Result<u64, Error> {
        let done = self.runner.execute(table, sql, arguments).await?;
        Ok(MySql::rows_affected(&done))
    }

    async fn rows_of(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: MySqlArguments,
    ) -> Result<Vec<MySqlRow>, Error> {
        self.runner.fetch(table, sql, arguments).await
    }

    async fn apply(&self, steps: Vec<Step<MySql>>) -> Result<Applied, Error> {
        let run = self.runner.run(self.table.name(), move |connection| {
            let (begin, steps) = (BEGIN.into_sql_str(), steps.clone());
            Box::pin(async move { apply(connection, begin, &steps).await })
        });
        run.await
    }

    fn number(row: &MySqlRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }
}

fn statements(tables: SignInTables, account: AccountColumn) -> SignInStatements {
    let sign_ins = &tables.sign_ins;
    let id_of_account = Dialect::MySql.account_expression(account);
    let insert = format!("INSERT INTO `{sign_ins}` (id, account, begun_at, seen_at, ended)");
    // IGNORE would also ignore other errors. The driver counts the row, although nothing changes.
    let unless_there = format!("ON DUPLICATE KEY UPDATE id = `{sign_ins}`.id");
    let (lock_flag, off, flag, set_flag) = match &tables.flag {
        FlagPlace::Table(table) => (
            format!(
                "INSERT INTO `{table}` (account, flag) VALUES (?, 0) \
                 ON DUPLICATE KEY UPDATE flag = flag"
            ),
            format!("FROM `{table}` AS flags WHERE flags.account = ? AND flags.flag = 0"),
            format!("SELECT flag FROM `{table}` WHERE account = ?"),
            format!(
                "INSERT INTO `{table}` (flag, account) VALUES (?, ?) \
                 ON DUPLICATE KEY UPDATE flag = VALUES(flag)"
            ),
        ),
        FlagPlace::Column { table, id, column } => (
            format!("UPDATE `{table}` SET `{column}` = `{column}` WHERE `{id}` = ?"),
            format!("FROM `{table}` AS flags WHERE flags.`{id}` = ? AND NOT flags.`{column}`"),
            format!(
                "SELECT CASE WHEN `{column}` THEN 1 WHEN NOT `{column}` THEN 0 END \
                 FROM `{table}` WHERE `{id}` = ?"
            ),
            format!("UPDATE `{table}` SET `{column}` = ? WHERE `{id}` = ?"),
        ),
    };
    SignInStatements {
        accept: None,
        insert: sql(format!(
            "{insert} VALUES (?, ?, ?, ?, FALSE) {unless_there}"
        )),
        lock_flag: Some(sql(lock_flag)),
        insert_if_off: sql(format!(
            "{insert} SELECT ?, ?, ?, ?, FALSE {off} {unless_there}"
        )),
        find: sql(format!(
            "SELECT {id_of_account}, begun_at, seen_at FROM `{sign_ins}` \
             WHERE id = ? AND NOT ended"
        )),
        touch: sql(format!(
            "UPDATE `{sign_ins}` SET seen_at = ? WHERE id = ? AND seen_at < ? AND NOT ended"
        )),
        end: sql(format!(
            "UPDATE `{sign_ins}` SET ended = TRUE WHERE id = ? AND NOT ended"
        )),
        end_others: sql(format!(
            "UPDATE `{sign_ins}` SET ended = TRUE \
             WHERE account = ? AND id <> ? AND id <> ? AND NOT ended"
        )),
        purge: sql(format!(
            "DELETE FROM `{sign_ins}` WHERE seen_at <= ? ORDER BY seen_at LIMIT ?"
        )),
        flag: sql(flag),
        set_flag: sql(set_flag),
        outbox: tables.outbox.as_ref().map(|outbox| OutboxStatements {
            table: outbox.clone(),
            insert: sql(format!(
                "INSERT INTO `{outbox}` (account, revision, at, event, cause) \
                 VALUES (?, ?, ?, ?, ?)"
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
    let account = Dialect::MySql.account_type(account);
    let table = format!(
        "CREATE TABLE IF NOT EXISTS `{sign_ins}` (
    id VARBINARY(32) NOT NULL PRIMARY KEY,
    account {account} NOT NULL,
    begun_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ended BOOLEAN NOT NULL,
    KEY (account),
    KEY (seen_at)
) ENGINE = InnoDB"
    );
    let flags = match &tables.flag {
        FlagPlace::Table(flags) => Some(format!(
            "CREATE TABLE IF NOT EXISTS `{flags}` (
    account {account} NOT NULL PRIMARY KEY,
    flag SMALLINT NOT NULL
) ENGINE = InnoDB"
        )),
        FlagPlace::Column { .. } => None,
    };
    let outbox = tables.outbox.as_ref().map(|outbox| {
        format!(
            "CREATE TABLE IF NOT EXISTS `{outbox}` (
    number BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    account {account} NOT NULL,
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT CHARACTER SET utf8mb4 NOT NULL,
    cause TEXT CHARACTER SET utf8mb4 NOT NULL,
    UNIQUE KEY (account, revision)
) ENGINE = InnoDB"
        )
    });
    [table].into_iter().chain(flags).chain(outbox)
}

const BEGIN: &str = "BEGIN";
