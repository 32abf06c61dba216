//! Links in mails: one confirms an address, the other signs in. The table holds hashes of their
//! tokens.

use crate::database::{execute, query};
use crate::users::Users;
use crate::{BoxError, token};

impl Users {
    /// Stores a link to this address, and returns its token for the mail. Only this browser can use
    /// it; without a browser, every browser can. `None`: too many mails were sent to this address
    /// already.
    pub(crate) async fn add_link(
        &self,
        email: &str,
        browser: Option<&str>,
        lasts: i64,
    ) -> Result<Option<String>, BoxError> {
        let (link, now) = (token::new()?, self.now());
        let sql = "INSERT INTO links (token, browser, email, expires_at) \
            SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM links WHERE email = $3 \
            AND (browser = '') = ($2 = '') AND expires_at > $5) < $6";
        let (hash, browser) = (
            token::hash(&link),
            browser.map_or_else(String::new, token::hash),
        );
        let expires_at = now.saturating_add(lasts);
        let database = &self.database;
        let added = execute!(database, sql, hash, browser, email, expires_at, now, MOST)?;
        Ok((added == 1).then_some(link))
    }

    /// Returns the address that a link for every browser was sent to.
    pub(crate) async fn link_email(&self, link: &str) -> Result<Option<String>, BoxError> {
        let sql = "SELECT email FROM links WHERE token = $1 AND browser = '' AND expires_at > $2";
        let (hash, now) = (token::hash(link), self.now());
        let row: Option<(String,)> = query!(fetch_optional, &self.database, sql, hash, now)?;
        Ok(row.map(|(email,)| email))
    }

    /// Uses a link up, and returns the address that it was sent to.
    pub(crate) async fn take_link(
        &self,
        link: &str,
        browser: Option<&str>,
    ) -> Result<Option<String>, BoxError> {
        let sql = "DELETE FROM links WHERE token = $1 AND browser = $2 AND expires_at > $3 \
            RETURNING email";
        let (hash, browser) = (
            token::hash(link),
            browser.map_or_else(String::new, token::hash),
        );
        let (database, now) = (&self.database, self.now());
        let row: Option<(String,)> = query!(fetch_optional, database, sql, hash, browser, now)?;
        Ok(row.map(|(email,)| email))
    }
}

/// The most mails to one address within the lifetime of a link.
const MOST: i64 = 5;
