//! The log of an account, for its owner and for the operator.

use countersign::session::SecondFactorUse;
use countersign::{AccountId, FirstFactorKind, Timestamp};
use countersign_axum::gate::{Notice, What};

use crate::BoxError;
use crate::database::{Database, execute, query};

/// An event with its text.
pub(crate) struct Event {
    pub(crate) account: String,
    pub(crate) at: Timestamp,
    pub(crate) text: String,
    /// The browser or program, and its network address.
    pub(crate) client: String,
    /// Who did it and why, if it was the staff.
    pub(crate) remark: Option<String>,
}

impl Event {
    /// What the gate tells about an account.
    pub(crate) fn of(account: &AccountId, notice: &Notice) -> Self {
        let client = &notice.client;
        let device = device(client.user_agent.as_deref().unwrap_or_default());
        let address = client.address.as_deref().unwrap_or_default();
        let parts = [device, address]
            .into_iter()
            .filter(|part| !part.is_empty());
        Self {
            account: account.as_str().to_owned(),
            at: notice.at,
            text: text(&notice.what),
            client: parts.collect::<Vec<_>>().join(", "),
            remark: None,
        }
    }
}

pub(crate) async fn insert(database: &Database, event: &Event) -> Result<(), BoxError> {
    let sql = "INSERT INTO events (account, at, what, client, remark) VALUES ($1, $2, $3, $4, $5)";
    let (account, at) = (&event.account, i64::try_from(event.at.as_unix())?);
    execute!(
        database,
        sql,
        account,
        at,
        &event.text,
        &event.client,
        &event.remark
    )?;
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
        account: account.as_str().to_owned(),
        at: Timestamp::from_unix(u64::try_from(at).unwrap_or_default()),
        text,
        client,
        remark,
    };
    Ok(rows.into_iter().map(event).collect())
}

fn text(what: &What) -> String {
    match what {
        What::SignedIn { first, second } => {
            let first = match first {
                FirstFactorKind::Email => "a link",
                FirstFactorKind::ApiToken => "an API token",
                _ => "a password",
            };
            match second {
                SecondFactorUse::None => format!("Signed in with {first} alone"),
                SecondFactorUse::BackupCode => format!("Signed in with {first} and a backup code"),
                _ => format!("Signed in with {first} and a code"),
            }
        }
        What::BackupCodeUsed { number, .. } => format!("Backup code {number} was used"),
        What::WrongCode => "A wrong code was entered".into(),
        What::Enabled => "Two-factor authentication was turned on".into(),
        What::Added { name } => format!("Authenticator \"{name}\" was added"),
        What::Replaced { name } => format!("Authenticator \"{name}\" was replaced"),
        What::Removed { name } => format!("Authenticator \"{name}\" was removed"),
        What::Disabled => "Two-factor authentication was turned off".into(),
        What::BackupCodesIssued { .. } => "New backup codes were generated".into(),
        What::BackupCodesConfirmed => "The new backup codes were saved".into(),
        What::BackupCodesDiscarded => "The new backup codes were discarded".into(),
        _ => "The second factor was changed".into(),
    }
}

/// A short name for the browser: the program and the system, as far as its header tells.
fn device(user_agent: &str) -> &str {
    let named = |names: &[(&str, &'static str)]| {
        let found = names.iter().find(|(part, _)| user_agent.contains(part));
        found.map(|(_, name)| *name)
    };
    let known = named(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    let program = user_agent.split(['/', ' ']).next().unwrap_or_default();
    known.unwrap_or(program)
}
