//! Nodes of a Galera cluster that are behind the others, or apart from them.

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_store_soak::connect::{DIESEL_MYSQL, connect_patiently};
use countersign_store_testing::sql::revision;
use countersign_store_testing::{Durability, GaleraCluster, available};
use sqlx::mysql::MySqlPool;

use super::records::write;

/// A node that cannot apply the writes of the others, and a node that is cut off, answer with
/// errors that say so.
#[tokio::test(flavor = "multi_thread")]
async fn a_galera_node_says_that_it_is_behind_or_apart() {
    let options = ["--wsrep-sync-wait=7"];
    let Some(cluster) = available(GaleraCluster::start(Durability::Fast, &options)) else {
        return;
    };
    let [url, other_url, _] = cluster.urls();
    let account = AccountId::from(1_u32);
    let store = connect_patiently(&url, 2).await;
    assert_eq!(write(&store, &account, 0).await, Ok(WriteResult::Done));
    let mut others = Vec::new();
    for scheme in ["mysql", DIESEL_MYSQL] {
        let other = connect_patiently(&other_url.replacen("mysql", scheme, 1), 2).await;
        assert!(other.load(&account).await.unwrap().is_some());
        others.push(other);
    }

    let admin = MySqlPool::connect(&other_url).await.unwrap();
    // The default is 30 s, longer than a call.
    let limit = "SET GLOBAL wsrep_provider_options = 'repl.causal_read_timeout=PT2S'";
    sqlx::raw_sql(limit).execute(&admin).await.unwrap();
    let mut applies_nothing = admin.acquire().await.unwrap();
    let lock = sqlx::raw_sql("FLUSH TABLES WITH READ LOCK");
    lock.execute(&mut *applies_nothing).await.unwrap();
    assert_eq!(write(&store, &account, 1).await, Ok(WriteResult::Done));
    for other in &others {
        let error = other.load(&account).await.unwrap_err().to_string();
        assert!(error.contains("did not catch up with its"), "{error}");
        let error = write(other, &account, 2).await.unwrap_err();
        assert!(error.contains("locked"), "{error}");
    }
    applies_nothing.close().await.unwrap();
    for other in &others {
        let stored = other.load(&account).await.unwrap().unwrap();
        assert_eq!(stored.revision, revision(2));
    }

    cluster.cut(1).unwrap();
    for other in &others {
        // MariaDB reports once that the node has left, and from then on that a statement waited.
        let error = write(other, &account, 2).await.unwrap_err();
        assert!(error.contains("has left it"), "{error}");
        let error = other.load(&account).await.unwrap_err().to_string();
        assert!(error.contains("has left it"), "{error}");
    }
}
