//! Email addresses that wait for confirmation by a link in a mail.

use crate::app::App;
use crate::database::{execute, query};
use crate::{BoxError, token};

/// Stores an address, and returns the token for the mail. `None`: too many mails were sent to this
/// address already.
pub(crate) async fn keep(app: &App, email: &str) -> Result<Option<String>, BoxError> {
    let (token, now) = (token::new()?, app.clock.seconds());
    let sql = "INSERT INTO sign_ups (token, email, expires_at) SELECT $1, $2, $3 \
        WHERE (SELECT count(*) FROM sign_ups WHERE email = $2 AND expires_at > $4) < $5";
    let (hash, expires_at) = (token::hash(token.as_bytes()), now.saturating_add(LASTS));
    let kept = execute!(&app.database, sql, hash, email, expires_at, now, MOST)?;
    Ok((kept == 1).then_some(token))
}

/// Returns the address that this token was sent to.
pub(crate) async fn email(app: &App, token: &str) -> Result<Option<String>, BoxError> {
    let sql = "SELECT email FROM sign_ups WHERE token = $1 AND expires_at > $2";
    let (hash, now) = (token::hash(token.as_bytes()), app.clock.seconds());
    let row: Option<(String,)> = query!(fetch_optional, &app.database, sql, hash, now)?;
    Ok(row.map(|(value,)| value))
}

/// Deletes a token that was used.
pub(crate) async fn forget(app: &App, token: &str) -> Result<(), BoxError> {
    let sql = "DELETE FROM sign_ups WHERE token = $1";
    execute!(&app.database, sql, token::hash(token.as_bytes()))?;
    Ok(())
}

/// The lifetime of a token, in seconds.
const LASTS: i64 = 60 * 60;
/// The most mails to one address within that time.
const MOST: i64 = 5;
