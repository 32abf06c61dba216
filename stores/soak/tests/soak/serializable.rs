//! A load that PostgreSQL rolls back at `SERIALIZABLE` until another transaction is committed.

use std::time::Duration;

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_store_soak::connect::{DIESEL_POSTGRES, TOKIO_POSTGRES, connect_patiently};
use countersign_store_testing::sql::revision;
use countersign_store_testing::{Durability, Postgres, available};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor};

use super::records::write;

/// One transaction has read a row that a second one then changed, and changes the record. While it
/// commits, PostgreSQL rolls back each load of the record. Here the commit waits for a standby that
/// is absent.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_during_a_long_commit_is_answered() {
    let Some(server) = available(Postgres::start(Durability::Fast)) else {
        return;
    };
    let admin = PgPool::connect(&server.url()).await.unwrap();
    run(
        &admin,
        "ALTER ROLE postgres SET default_transaction_isolation = serializable",
    )
    .await;
    run(&admin, "CREATE TABLE other AS SELECT 1 AS number").await;
    admin.close().await;
    let admin = PgPool::connect(&server.url()).await.unwrap();
    for (number, scheme) in (1_u32..).zip(["postgres", TOKIO_POSTGRES, DIESEL_POSTGRES]) {
        let store = connect_patiently(&server.url().replacen("postgres", scheme, 1), 2).await;
        let account = AccountId::from(number);
        assert_eq!(write(&store, &account, 0).await, Ok(WriteResult::Done));

        let mut first = admin.begin().await.unwrap();
        first.execute("SELECT * FROM other").await.unwrap();
        run(&admin, "UPDATE other SET number = number + 1").await;
        let change = format!("UPDATE countersign SET revision = 2 WHERE account = '{number}'");
        first.execute(AssertSqlSafe(change)).await.unwrap();
        wait_for_standby(&admin, "absent").await;
        let commit = tokio::spawn(first.commit());
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&admin)
            .await
            .unwrap()
            == 0
        {}

        let loading = tokio::spawn(async move { store.load(&account).await });
        tokio::time::sleep(Duration::from_millis(25)).await;
        assert!(!loading.is_finished() && !commit.is_finished(), "{scheme}");
        wait_for_standby(&admin, "").await;
        commit.await.unwrap().unwrap();
        let stored = loading.await.unwrap().unwrap().unwrap();
        assert_eq!(stored.revision, revision(2), "{scheme}");
    }
}

/// Names the standby that each commit waits for.
async fn wait_for_standby(admin: &PgPool, name: &str) {
    run(
        admin,
        &format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"),
    )
    .await;
    run(admin, "SELECT pg_reload_conf()").await;
    let shown = "SELECT current_setting('synchronous_standby_names')";
    while sqlx::query_scalar::<_, String>(shown)
        .fetch_one(admin)
        .await
        .unwrap()
        != name
    {}
}

async fn run(admin: &PgPool, sql: &str) {
    admin.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}
