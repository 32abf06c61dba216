//! The sessions of tower-sessions.

use super::*;

#[path = "../support/sessions.rs"]
mod session_checks;

#[tokio::test]
async fn sessions_are_stored() {
    let pool = pool(server!()).await;
    session_checks::sessions(MySqlStore::new(pool).sessions(&table()).unwrap()).await;
}
