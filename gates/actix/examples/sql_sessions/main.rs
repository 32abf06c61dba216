//! A session store for actix-session on SQL, which has none of its own. `store.rs` works with
//! PostgreSQL as well: change `Db`.
//!
//! `cargo run -p countersign-actix --example sql_sessions`

#![allow(missing_docs, unreachable_pub, reason = "an example")]

#[rustfmt::skip]
mod store;

use actix_session::storage::SessionStore;
use actix_web::cookie::time::Duration;
use std::collections::HashMap;
use std::error::Error;
use store::{SqlSessions, TABLE};

type Db = sqlx::Sqlite;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = sqlx::Pool::<Db>::connect("sqlite::memory:").await?;
    sqlx::query(TABLE).execute(&pool).await?;
    // Pass it to `GateSessions::with_chosen_keys`.
    let sessions = SqlSessions(pool);
    let state = HashMap::from([("cart".to_owned(), "3".to_owned())]);
    let key = sessions.save(state, &Duration::hours(1)).await?;
    println!("{:?}", sessions.load(&key).await?);
    sessions.delete(&key).await?;
    println!("{:?}", sessions.load(&key).await?);
    sessions.purge().await?;
    Ok(())
}
