//! Links in mails: one confirms an address, the other signs in. The table holds hashes of their
//! tokens.

use crate::app::App;
use crate::database::{execute, query};
use crate::{BoxError, token};

/// Stores a link to this address, and returns its token for the mail. Only this browser can use it;
/// without a browser, every browser can. `None`: too many mails were sent to this address already.
pub(crate) async fn keep(
    app: &App,
    email: &str,
    browser: Option<&str>,
    lasts: i64,
) -> Result<Option<String>, BoxError> {
    let (token, now) = (token::new()?, app.clock.seconds());
    let sql = "INSERT INTO links (token, browser, email, expires_at) SELECT $1, $2, $3, $4 WHERE \
        (SELECT count(*) FROM links WHERE email = $3 AND (browser = '') = ($2 = '') \
        AND expires_at > $5) < $6";
    let (hash, browser) = (token::hash(token.as_bytes()), hash_of(browser));
    let expires_at = now.saturating_add(lasts);
    let kept = execute!(
        &app.database,
        sql,
        hash,
        browser,
        email,
        expires_at,
        now,
        MOST
    )?;
    Ok((kept == 1).then_some(token))
}

/// Returns the address that this link was sent to.
pub(crate) async fn email(app: &App, token: &str) -> Result<Option<String>, BoxError> {
    let sql = "SELECT email FROM links WHERE token = $1 AND browser = '' AND expires_at > $2";
    let (hash, now) = (token::hash(token.as_bytes()), app.clock.seconds());
    let row: Option<(String,)> = query!(fetch_optional, &app.database, sql, hash, now)?;
    Ok(row.map(|(email,)| email))
}

/// Uses a link up, and returns the address that it was sent to.
pub(crate) async fn take(
    app: &App,
    token: &str,
    browser: Option<&str>,
) -> Result<Option<String>, BoxError> {
    let sql = "DELETE FROM links WHERE token = $1 AND browser = $2 AND expires_at > $3 \
        RETURNING email";
    let (hash, browser) = (token::hash(token.as_bytes()), hash_of(browser));
    let now = app.clock.seconds();
    let row: Option<(String,)> = query!(fetch_optional, &app.database, sql, hash, browser, now)?;
    Ok(row.map(|(email,)| email))
}

fn hash_of(browser: Option<&str>) -> String {
    browser.map_or_else(String::new, |browser| token::hash(browser.as_bytes()))
}

/// The most mails to one address within the lifetime of a link.
const MOST: i64 = 5;
