//! Several services start at the same moment.

use countersign_web::Database;
use tokio::task::JoinSet;

use crate::support::new_postgres_database;

const SERVICES: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn services_create_the_tables_of_postgres_together() {
    let Some(url) = new_postgres_database().await else {
        return;
    };
    let urls = std::iter::repeat_n(url, SERVICES);
    let mut services: JoinSet<_> = urls
        .map(|url| async move { Database::open(&url).await.map(drop) })
        .collect();
    while let Some(started) = services.join_next().await {
        started.unwrap().unwrap();
    }
}
