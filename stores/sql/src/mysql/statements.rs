use crate::statements::Statements;
use crate::{AccountColumn, Dialect, TableName};

pub(crate) fn statements(table: &TableName, account: AccountColumn) -> Statements {
    let id = Dialect::MySql.account_expression(account);
    Statements {
        // With `sql_select_limit = 0` in the session, a load without a limit finds no record, as if
        // the account had no second factor. Two rows of an account must be seen.
        load: format!("SELECT record, revision FROM `{table}` WHERE account = ? LIMIT 2").into(),
        // A locking read sees the newest row. A plain read of a transaction sees the snapshot of
        // the first read.
        load_in_transaction: format!(
            "SELECT record, revision FROM `{table}` WHERE account = ? LIMIT 2 LOCK IN SHARE MODE"
        )
        .into(),
        // A plain INSERT. ON DUPLICATE KEY UPDATE counts a row even if it wrote none, and IGNORE
        // writes a truncated account.
        create: format!(
            "INSERT INTO `{table}` (revision, record, enabled, codes_left, key_id, account) \
             VALUES (?, ?, ?, ?, ?, ?)"
        )
        .into(),
        replace: format!(
            "UPDATE `{table}` \
             SET revision = ?, record = ?, enabled = ?, codes_left = ?, key_id = ? \
             WHERE account = ? AND revision = ?"
        )
        .into(),
        erase: format!("DELETE FROM `{table}` WHERE account = ? AND revision = ?").into(),
        first_accounts: format!("SELECT {id} AS id FROM `{table}` ORDER BY account LIMIT ?").into(),
        accounts_after: format!(
            "SELECT {id} AS id FROM `{table}` WHERE account > ? ORDER BY account LIMIT ?"
        )
        .into(),
        create_table: create_table(table, account).into(),
    }
}

fn create_table(table: &TableName, account: AccountColumn) -> String {
    let account = Dialect::MySql.account_type(account);
    format!(
        "CREATE TABLE IF NOT EXISTS `{table}` (
    account {account} NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    record MEDIUMBLOB NOT NULL,
    enabled BOOLEAN NOT NULL,
    codes_left INT UNSIGNED NOT NULL,
    key_id INT UNSIGNED NOT NULL
) ENGINE = InnoDB"
    )
}
