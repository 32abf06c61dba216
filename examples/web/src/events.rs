//! The log of an account, for its owner and for the operator.

use countersign::store::WriteKind;
use countersign::{AccountId, Timestamp};

use crate::database::{Database, on};

/// The event of a write, inserted in the same transaction. `None`: the log does not show this kind
/// of write.
pub(crate) const fn of_write(kind: WriteKind) -> Option<&'static str> {
    Some(match kind {
        WriteKind::Accepted => "signed-in",
        WriteKind::Rejected => "wrong-code",
        WriteKind::Reserved => "backup-code-tried",
        WriteKind::Enrolled => "enrolled",
        WriteKind::Issued => "codes-issued",
        WriteKind::Removed => "removed",
        WriteKind::Disabled => "disabled",
        WriteKind::Unlocked => "unlocked",
        _ => return None,
    })
}

pub(crate) const PASSWORD_SIGN_IN: &str = "password-sign-in";

pub(crate) const INSERT: &str =
    "INSERT INTO events (account, at, what, remark) VALUES ($1, $2, $3, $4)";

/// An event with its text.
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) text: &'static str,
    pub(crate) remark: Option<String>,
}

/// The latest events of an account, the newest first.
pub(crate) async fn latest(
    database: &Database,
    account: &AccountId,
    limit: i64,
) -> Result<Vec<Event>, sqlx::Error> {
    let sql = "SELECT at, what, remark FROM events WHERE account = $1 ORDER BY id DESC LIMIT $2";
    let rows: Vec<(i64, String, Option<String>)> = on!(database, |pool| {
        let query = sqlx::query_as(sql).bind(account.as_str()).bind(limit);
        query.fetch_all(pool).await?
    });
    let event = |(at, what, remark): (i64, String, _)| Event {
        at: Timestamp::from_unix(u64::try_from(at).unwrap_or_default()),
        text: text(&what),
        remark,
    };
    Ok(rows.into_iter().map(event).collect())
}

fn text(what: &str) -> &'static str {
    match what {
        "signed-in" => "Signed in with a second factor",
        PASSWORD_SIGN_IN => "Signed in with a password alone",
        "wrong-code" => "A wrong code was entered",
        "backup-code-tried" => "A backup code was tried",
        "enrolled" => "An authenticator was added or replaced",
        "codes-issued" => "New backup codes were generated",
        "removed" => "An authenticator was removed",
        "disabled" => "Two-factor authentication was turned off",
        "unlocked" => "Unlocked by our staff",
        _ => "The second factor was changed",
    }
}
