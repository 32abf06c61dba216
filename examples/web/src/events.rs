//! The log of an account, for its owner and for the operator. The store writes the events of the
//! second factor in the transaction of the record. The service adds the sign-ins without one.

use std::cmp::Reverse;

use countersign::{AccountId, Timestamp};
use countersign_axum::gate::Notice;
use countersign_axum::gate::words::Words;

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

impl From<Notice> for Event {
    fn from(notice: Notice) -> Self {
        let remark = |actor: countersign::Actor| format!("{}: {}", actor.who(), actor.why());
        Self {
            at: notice.at,
            text: (Words::ENGLISH.event)(&notice.what),
            client: notice.client.to_string(),
            remark: notice.actor.map(remark),
        }
    }
}

/// Stores an event that belongs to no write of a record.
pub(crate) async fn insert(
    database: &Database,
    account: &AccountId,
    event: Event,
) -> Result<(), BoxError> {
    let sql = "INSERT INTO events (account, at, what, client) VALUES ($1, $2, $3, $4)";
    let (account, at) = (account.as_str(), i64::try_from(event.at.as_unix())?);
    execute!(database, sql, account, at, event.text, event.client)?;
    Ok(())
}

/// The latest events of an account, the newest first.
pub(crate) async fn latest(
    database: &Database,
    account: &AccountId,
    limit: i64,
) -> Result<Vec<Event>, BoxError> {
    // Not every event of the second factor has a line.
    let sql = "SELECT * FROM (SELECT event, cause, at, '' FROM factor_events \
        WHERE account = $1 ORDER BY number DESC LIMIT $2 * 3) AS of_factor \
        UNION ALL SELECT * FROM (SELECT what, NULL, at, client FROM events \
        WHERE account = $3 ORDER BY id DESC LIMIT $2) AS others";
    let (id, account): (i64, _) = (account.as_str().parse()?, account.as_str());
    let rows: Vec<(String, Option<String>, i64, String)> =
        query!(fetch_all, database, sql, id, limit, account)?;
    let (mut of_factor, mut events) = (Vec::new(), Vec::new());
    for (text, cause, at, client) in rows {
        if let Some(cause) = cause {
            of_factor.push((serde_json::from_str(&text)?, serde_json::from_str(&cause)?));
        } else {
            let (at, remark) = (Timestamp::from_unix(at.try_into()?), None);
            events.push(Event {
                at,
                text,
                client,
                remark,
            });
        }
    }
    events.extend(Notice::of_events(of_factor).into_iter().map(Event::from));
    events.sort_by_key(|event| Reverse(event.at));
    events.truncate(limit.try_into()?);
    Ok(events)
}
