use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision};
use sqlx::SqliteConnection;

/// Runs the SQL statement of a conditional write, on a connection with your own transaction.
/// Returns the number of rows that it changed; zero means that another client was first.
///
/// # Errors
/// If SQLite refuses the statement.
pub async fn write_record(
    connection: &mut SqliteConnection,
    account: &AccountId,
    write: ConditionalWrite<'_>,
) -> Result<u64, sqlx::Error> {
    let (expected, summary) = (write.expected().map(Revision::as_i64), write.summary());
    let query = match (write.record(), expected) {
        (Some(_), None) => {
            "INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (account) DO NOTHING"
        }
        (Some(_), Some(_)) => {
            "UPDATE countersign
             SET revision = ?2, record = ?3, enabled = ?4, codes_left = ?5, key_id = ?6
             WHERE account = ?1 AND revision = ?7"
        }
        (None, _) => "DELETE FROM countersign WHERE account = ?1 AND revision = ?7",
    };
    let query = sqlx::query(query)
        .bind(account.as_str())
        .bind(write.revision().as_i64())
        .bind(write.record())
        .bind(summary.enabled)
        .bind(summary.codes_left)
        .bind(summary.key.get());
    let query = match expected {
        Some(expected) => query.bind(expected),
        None => query,
    };
    Ok(query.execute(connection).await?.rows_affected())
}
