//! The log of an account, for its owner and for the operator.

use countersign::{AccountId, Timestamp};

use crate::BoxError;
use crate::database::{Database, execute, query};

/// An event with its text.
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
    /// The browser or program, and its network address.
    pub(crate) client: String,
    /// Who did it and why, if it was the staff.
    pub(crate) remark: Option<String>,
}

pub(crate) async fn insert(
    database: &Database,
    account: &AccountId,
    event: Event,
) -> Result<(), BoxError> {
    let Event {
        at,
        text,
        client,
        remark,
    } = event;
    let sql = "INSERT INTO events (account, at, what, client, remark) VALUES ($1, $2, $3, $4, $5)";
    let (account, at) = (account.as_str(), i64::try_from(at.as_unix())?);
    execute!(database, sql, account, at, text, client, remark)?;
    Ok(())
}

/// The latest events of an account, the newest first.
pub(crate) async fn latest(
    database: &Database,
    account: &AccountId,
    limit: i64,
) -> Result<Vec<Event>, sqlx::Error> {
    let sql = "SELECT at, what, client, remark FROM events WHERE account = $1 \
        ORDER BY id DESC LIMIT $2";
    let rows: Vec<(i64, String, String, Option<String>)> =
        query!(fetch_all, database, sql, account.as_str(), limit)?;
    let event = |(at, text, client, remark)| Event {
        at: Timestamp::from_unix(u64::try_from(at).unwrap_or_default()),
        text,
        client,
        remark,
    };
    Ok(rows.into_iter().map(event).collect())
}
