//! A PostgreSQL primary whose standby is away, and the standby itself.

use std::time::Duration;

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_store_soak::connect::{
    DIESEL_POSTGRES, TOKIO_POSTGRES, connect_patiently, connect_to_table, connect_within,
};
use countersign_store_testing::sql::revision;
use countersign_store_testing::{Durability, PostgresPair, available};
use sqlx::postgres::PgPool;

use super::records::write;

/// A commit that waits for its standby ends with a time-out. It is not cancelled, because a
/// cancelled one would look like a success. It counts when the standby is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_its_standby_times_out_and_counts_later() {
    let Some(pair) = pair() else { return };
    let server = PgPool::connect(&pair.url()).await.unwrap();
    for (account, scheme) in (1_u32..).zip(SCHEMES) {
        let account = AccountId::from(account);
        let url = with_scheme(&pair.url(), scheme);
        let patient = connect_patiently(&url, 2).await;
        assert_eq!(write(&patient, &account, 0).await, Ok(WriteResult::Done));
        let hasty = connect_within(&url, 2, Duration::from_secs(2)).await;

        pair.cut();
        let error = write(&hasty, &account, 1).await.unwrap_err();
        assert!(
            error.contains("no answer from the database within"),
            "{scheme}: {error}"
        );
        assert_eq!(commits_that_wait(&server).await, 1, "{scheme}");
        pair.heal();

        while commits_that_wait(&server).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let stored = patient.load(&account).await.unwrap().unwrap();
        assert_eq!(stored.revision, revision(2), "{scheme}");
        assert_eq!(write(&patient, &account, 2).await, Ok(WriteResult::Done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_read_only() {
    let Some(pair) = pair() else { return };
    let account = AccountId::from(1_u32);
    let on_primary = connect_patiently(&pair.url(), 2).await;
    assert_eq!(write(&on_primary, &account, 0).await, Ok(WriteResult::Done));
    let address = pair.address().to_string();
    let standby = pair
        .url()
        .replace(&address, &pair.address_of_standby().to_string());
    for scheme in SCHEMES {
        let on_standby = connect_to_table(&with_scheme(&standby, scheme)).await;
        while on_standby.load(&account).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let error = write(&on_standby, &account, 1).await.unwrap_err();
        assert!(error.contains("read-only"), "{scheme}: {error}");
    }
}

const SCHEMES: [&str; 3] = ["postgres", TOKIO_POSTGRES, DIESEL_POSTGRES];

fn pair() -> Option<PostgresPair> {
    let delay = Duration::from_millis(10);
    available(PostgresPair::start(Durability::Fast, delay, "on"))
}

fn with_scheme(url: &str, scheme: &str) -> String {
    url.replacen("postgres", scheme, 1)
}

async fn commits_that_wait(server: &PgPool) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    sqlx::query_scalar(count).fetch_one(server).await.unwrap()
}
