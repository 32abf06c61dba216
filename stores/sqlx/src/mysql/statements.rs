use crate::AccountColumn;
use crate::statements::{Statements, sql};
use crate::table_name::TableName;

pub(super) fn statements(table: TableName, account: AccountColumn) -> Statements {
    let id = match account {
        // This also works for your own column of another number type.
        AccountColumn::BigInt => "CAST(account AS CHAR)",
        AccountColumn::Text | AccountColumn::Uuid => "account",
    };
    Statements {
        load: sql(format!(
            "SELECT record, revision FROM `{table}` WHERE account = ?"
        )),
        // A locking read sees the newest row. A plain read of a transaction sees the snapshot of
        // the first read.
        load_in_transaction: sql(format!(
            "SELECT record, revision FROM `{table}` WHERE account = ? LOCK IN SHARE MODE"
        )),
        // A plain INSERT. ON DUPLICATE KEY UPDATE counts a row even if it wrote none, and IGNORE
        // writes a truncated account.
        create: sql(format!(
            "INSERT INTO `{table}` (revision, record, enabled, codes_left, key_id, account) \
             VALUES (?, ?, ?, ?, ?, ?)"
        )),
        replace: sql(format!(
            "UPDATE `{table}` \
             SET revision = ?, record = ?, enabled = ?, codes_left = ?, key_id = ? \
             WHERE account = ? AND revision = ?"
        )),
        erase: sql(format!(
            "DELETE FROM `{table}` WHERE account = ? AND revision = ?"
        )),
        first_accounts: sql(format!(
            "SELECT {id} AS id FROM `{table}` ORDER BY account LIMIT ?"
        )),
        accounts_after: sql(format!(
            "SELECT {id} AS id FROM `{table}` WHERE account > ? ORDER BY account LIMIT ?"
        )),
        create_table: sql(create_table(&table, account)),
        table,
        account,
    }
}

/// The schema. A binary column compares all bytes. Even a binary collation of text ignores trailing
/// spaces.
pub(super) fn create_table(table: &TableName, account: AccountColumn) -> String {
    let account = match account {
        AccountColumn::Text => "VARBINARY(255)",
        AccountColumn::BigInt => "BIGINT",
        AccountColumn::Uuid => "BINARY(16)",
    };
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
