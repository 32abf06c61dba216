//! Addresses that somebody has given, until the mail that goes there is answered.

use crate::app::App;
use crate::database::on;
use crate::{BoxError, token};

/// Keeps an address, and gives the token that goes there by mail.
pub(crate) async fn keep(app: &App, email: &str) -> Result<String, BoxError> {
    let token = token::new()?;
    let expires_at = app.clock().seconds().saturating_add(LASTS);
    let sql = "INSERT INTO sign_ups (token, email, expires_at) VALUES ($1, $2, $3)";
    on!(app.database(), |pool| {
        let query = sqlx::query(sql).bind(token::digest(token.as_bytes()));
        query.bind(email).bind(expires_at).execute(pool).await?;
    });
    Ok(token)
}

/// The address that this token was sent to.
pub(crate) async fn email(app: &App, token: &str) -> Result<Option<String>, BoxError> {
    let sql = "SELECT email FROM sign_ups WHERE token = $1 AND expires_at > $2";
    Ok(on!(app.database(), |pool| {
        let query = sqlx::query_scalar(sql).bind(token::digest(token.as_bytes()));
        query
            .bind(app.clock().seconds())
            .fetch_optional(pool)
            .await?
    }))
}

/// Ends a token that was used.
pub(crate) async fn forget(app: &App, token: &str) -> Result<(), BoxError> {
    on!(app.database(), |pool| {
        let query = sqlx::query("DELETE FROM sign_ups WHERE token = $1");
        let query = query.bind(token::digest(token.as_bytes()));
        query.execute(pool).await?;
    });
    Ok(())
}

const LASTS: i64 = 60 * 60;
