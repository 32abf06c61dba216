//! Email addresses that wait for confirmation by a link in a mail.

use crate::app::App;
use crate::database::on;
use crate::{BoxError, token};

/// Stores an address, and returns the token for the mail. `None`: too many mails were sent to this
/// address already.
pub(crate) async fn keep(app: &App, email: &str) -> Result<Option<String>, BoxError> {
    let (token, now) = (token::new()?, app.clock().seconds());
    let sql = "INSERT INTO sign_ups (token, email, expires_at) SELECT $1, $2, $3 \
        WHERE (SELECT count(*) FROM sign_ups WHERE email = $2 AND expires_at > $4) < $5";
    let kept = on!(app.database(), |pool| {
        let query = sqlx::query(sql).bind(token::hash(token.as_bytes()));
        let query = query.bind(email).bind(now.saturating_add(LASTS));
        query
            .bind(now)
            .bind(MOST)
            .execute(pool)
            .await?
            .rows_affected()
    });
    Ok((kept == 1).then_some(token))
}

/// Returns the address that this token was sent to.
pub(crate) async fn email(app: &App, token: &str) -> Result<Option<String>, BoxError> {
    let sql = "SELECT email FROM sign_ups WHERE token = $1 AND expires_at > $2";
    Ok(on!(app.database(), |pool| {
        let query = sqlx::query_scalar(sql).bind(token::hash(token.as_bytes()));
        query
            .bind(app.clock().seconds())
            .fetch_optional(pool)
            .await?
    }))
}

/// Deletes a token that was used.
pub(crate) async fn forget(app: &App, token: &str) -> Result<(), BoxError> {
    on!(app.database(), |pool| {
        let query = sqlx::query("DELETE FROM sign_ups WHERE token = $1");
        let query = query.bind(token::hash(token.as_bytes()));
        query.execute(pool).await?;
    });
    Ok(())
}

/// The lifetime of a token, in seconds.
const LASTS: i64 = 60 * 60;
/// The most mails to one address within that time.
const MOST: i64 = 5;
