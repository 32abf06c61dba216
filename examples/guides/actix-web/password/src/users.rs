use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use serde::Deserialize;
use sqlx::PgPool;
use tokio::task::spawn_blocking;

use crate::Result;

/// The table of users.
#[derive(Clone)]
pub struct Users(pub PgPool);

/// What the sign-in form sends.
#[derive(Deserialize)]
pub struct Login {
    pub email: String,
    pub password: String,
}

impl Users {
    /// Makes an account, unless the address has one already.
    pub async fn sign_up(&self, login: Login) -> Result<bool> {
        let hash = move || Argon2::default().hash_password(login.password.as_bytes());
        let hash = spawn_blocking(hash).await??.to_string();
        let sql = "INSERT INTO users (email, password_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let query = sqlx::query(sql).bind(login.email).bind(hash);
        Ok(query.execute(&self.0).await?.rows_affected() == 1)
    }

    /// Returns the id of the user if the password is right.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Option<i64>> {
        let sql = "SELECT id, password_hash FROM users WHERE email = $1";
        let query = sqlx::query_as(sql).bind(email);
        let row: Option<(i64, String)> = query.fetch_optional(&self.0).await?;
        let (id, hash) = row.unzip();
        let is_right = matches(hash, password.to_owned()).await?;
        Ok(id.filter(|_| is_right))
    }

    pub async fn email(&self, id: i64) -> Result<String> {
        let query = sqlx::query_scalar("SELECT email FROM users WHERE id = $1").bind(id);
        Ok(query.fetch_one(&self.0).await?)
    }
}

/// Takes as long for an unknown address as for a known one.
async fn matches(hash: Option<String>, password: String) -> Result<bool> {
    let check = move || match hash.as_deref().map(PasswordHash::new) {
        Some(Ok(hash)) => {
            let checked = Argon2::default().verify_password(password.as_bytes(), &hash);
            checked.is_ok()
        }
        _ => Argon2::default().hash_password(password.as_bytes()).is_err(),
    };
    Ok(spawn_blocking(check).await?)
}
