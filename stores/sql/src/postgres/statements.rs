use std::sync::Arc;

use crate::statements::Statements;
use crate::{AccountColumn, Dialect, TableName};

pub(crate) fn statements(table: &TableName, account: AccountColumn) -> Statements {
    let [key, row_key] =
        [1, 6].map(|number| Dialect::Postgres.account_placeholder(account, number));
    let id = Dialect::Postgres.account_expression(account);
    let load: Arc<str> =
        format!("SELECT record, revision FROM \"{table}\" WHERE account = {key}").into();
    Statements {
        load_in_transaction: Arc::clone(&load),
        load,
        create: format!(
            "INSERT INTO \"{table}\" (revision, record, enabled, codes_left, key_id, account) \
             VALUES ($1, $2, $3, $4, $5, {row_key}) ON CONFLICT (account) DO NOTHING"
        )
        .into(),
        replace: format!(
            "UPDATE \"{table}\" \
             SET revision = $1, record = $2, enabled = $3, codes_left = $4, key_id = $5 \
             WHERE account = {row_key} AND revision = $7"
        )
        .into(),
        erase: format!("DELETE FROM \"{table}\" WHERE account = {key} AND revision = $2").into(),
        first_accounts: format!("SELECT {id} AS id FROM \"{table}\" ORDER BY account LIMIT $1")
            .into(),
        accounts_after: format!(
            "SELECT {id} AS id FROM \"{table}\" \
             WHERE account > {key} ORDER BY account LIMIT $2"
        )
        .into(),
        create_table: create_table(table, account).into(),
    }
}

/// Unsigned 32-bit numbers need 64-bit columns.
fn create_table(table: &TableName, account: AccountColumn) -> String {
    let account = Dialect::Postgres.account_type(account);
    format!(
        "CREATE TABLE IF NOT EXISTS \"{table}\" (
    account {account} NOT NULL PRIMARY KEY,
    revision bigint NOT NULL,
    record bytea NOT NULL,
    enabled boolean NOT NULL,
    codes_left bigint NOT NULL,
    key_id bigint NOT NULL
)"
    )
}
