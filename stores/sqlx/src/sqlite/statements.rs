use crate::AccountColumn;
use crate::statements::{Statements, sql};
use crate::table_name::TableName;

pub(super) fn statements(table: TableName, account: AccountColumn) -> Statements {
    let load = sql(format!(
        "SELECT record, revision FROM \"{table}\" WHERE account = ?1"
    ));
    Statements {
        load_in_transaction: load.clone(),
        load,
        create: sql(format!(
            "INSERT INTO \"{table}\" (revision, record, enabled, codes_left, key_id, account) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (account) DO NOTHING"
        )),
        replace: sql(format!(
            "UPDATE \"{table}\" \
             SET revision = ?1, record = ?2, enabled = ?3, codes_left = ?4, key_id = ?5 \
             WHERE account = ?6 AND revision = ?7"
        )),
        erase: sql(format!(
            "DELETE FROM \"{table}\" WHERE account = ?1 AND revision = ?2"
        )),
        // CAST to BLOB keeps the bytes of text and UUIDs, and turns a number into decimal text.
        first_accounts: sql(format!(
            "SELECT CAST(account AS BLOB) AS id FROM \"{table}\" ORDER BY account LIMIT ?1"
        )),
        accounts_after: sql(format!(
            "SELECT CAST(account AS BLOB) AS id FROM \"{table}\" \
             WHERE account > ?1 ORDER BY account LIMIT ?2"
        )),
        create_table: sql(create_table(&table, account)),
        table,
        account,
    }
}

/// The schema. BINARY is SQLite's comparison by bytes. `STRICT` enforces the column types.
pub(super) fn create_table(table: &TableName, account: AccountColumn) -> String {
    let account = match account {
        AccountColumn::Text => "TEXT NOT NULL PRIMARY KEY COLLATE BINARY",
        AccountColumn::BigInt => "INTEGER NOT NULL PRIMARY KEY",
        AccountColumn::Uuid => "BLOB NOT NULL PRIMARY KEY",
    };
    format!(
        "CREATE TABLE IF NOT EXISTS \"{table}\" (
    account {account},
    revision INTEGER NOT NULL,
    record BLOB NOT NULL,
    enabled INTEGER NOT NULL,
    codes_left INTEGER NOT NULL,
    key_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID"
    )
}
