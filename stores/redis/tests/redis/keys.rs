//! The keys and fields that the store writes.

use std::collections::HashMap;

use countersign::store::{ConditionalWrite, Store, StoredRecord, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_redis::{Cursor, Error, RedisStore};
use countersign_store_testing::{Durability, Redis, RedisCluster};

use crate::support::*;

#[tokio::test]
async fn a_key_stores_record_and_summary_in_fields() {
    let url = shared!(SINGLE).url();
    let store = RedisStore::new(client(&url));
    let store = store.with_prefix("plain:").unwrap();
    create(&store, &account(5)).await;
    let fields: HashMap<String, String> = run(&url, "HGETALL plain:{5}").await;
    let expected = [
        ("revision", "1"),
        ("record", "record"),
        ("enabled", "1"),
        ("codes_left", "4294967295"),
        ("key_id", "4294967295"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields, HashMap::from(expected));

    let summary = Summary::new(false, 0, KeyId::new(2));
    let kind = WriteKind::Disabled;
    let disabled = ConditionalWrite::put(Some(revision(1)), revision(2), b"x", kind, summary);
    let result = store.compare_and_swap(&account(5), disabled).await;
    assert_eq!(result.unwrap(), WriteResult::Done);
    let fields: Vec<String> = run(&url, "HMGET plain:{5} enabled codes_left key_id").await;
    assert_eq!(fields, ["0", "0", "2"]);
}

#[tokio::test]
async fn accounts_with_braces_have_keys_of_their_own() {
    for store in [store(&shared!(SINGLE).url()), in_cluster(shared!(CLUSTER))] {
        let ids = ["{", "}", "{}", "a}b", "a", "{a}", "}{", "a}{b}"];
        for (id, number) in ids.into_iter().zip(1..) {
            let account = AccountId::new(id).unwrap();
            let written = store.compare_and_swap(&account, write(None, number, id.as_bytes()));
            assert_eq!(written.await.unwrap(), WriteResult::Done, "{id}");
        }
        for (id, number) in ids.into_iter().zip(1..) {
            let stored = store.load(&AccountId::new(id).unwrap()).await.unwrap();
            assert_eq!(stored, Some(StoredRecord::new(id.into(), revision(number))));
        }
    }
}

#[tokio::test]
async fn a_load_removes_a_time_to_live() {
    let url = shared!(SINGLE).url();
    let store = RedisStore::new(client(&url));
    let store = store.with_prefix("mortal:").unwrap();
    create(&store, &account(1)).await;
    let set: i64 = run(&url, "EXPIRE mortal:{1} 1000").await;
    assert_eq!(set, 1);
    assert_eq!(stored_revision(&store).await, Some(1));
    let left: i64 = run(&url, "TTL mortal:{1}").await;
    assert_eq!(left, -1);
}

#[tokio::test]
async fn a_flushed_script_is_sent_again() {
    let server = available!(Redis::start(Durability::Fast));
    let store = store(&server.url());
    create(&store, &account(1)).await;
    for new in 2..4 {
        let _: String = run(&server.url(), "SCRIPT FLUSH").await;
        assert_eq!(
            overwrite(&store, new - 1, new).await.unwrap(),
            WriteResult::Done
        );
        let _: String = run(&server.url(), "SCRIPT FLUSH").await;
        assert_eq!(stored_revision(&store).await, Some(new));
    }
}

/// All accounts of the store, page by page, and the number of pages.
async fn all_accounts(store: &RedisStore) -> (Vec<AccountId>, usize) {
    let (mut accounts, mut pages) = (Vec::new(), 0);
    let mut cursor = Some(Cursor::default());
    while let Some(at) = cursor {
        let page = store.accounts(at).await.unwrap();
        accounts.extend(page.accounts);
        cursor = page.next;
        pages += 1;
    }
    // An account may be on two pages.
    accounts.sort();
    accounts.dedup();
    (accounts, pages)
}

#[tokio::test]
async fn pages_list_every_account_and_nothing_else() {
    let server = available!(Redis::start(Durability::Fast));
    let cluster = available!(RedisCluster::start(Durability::Fast));
    let other = store(&server.url());
    create(&other, &account(9)).await;
    let foreign: String = run(&server.url(), "SET unrelated x").await;
    assert_eq!(foreign, "OK");
    for (store, least) in [(store(&server.url()), 2), (in_cluster(&cluster), 3)] {
        assert_eq!(all_accounts(&store).await.0, []);
        let mut expected: Vec<_> = (0..2500).map(account).collect();
        for account in &expected {
            create(&store, account).await;
        }
        expected.sort();
        let (accounts, pages) = all_accounts(&store).await;
        assert_eq!(accounts, expected);
        assert!(pages >= least, "{pages}");
    }
}

#[tokio::test]
async fn a_page_reports_a_key_without_account() {
    let server = available!(Redis::start(Durability::Fast));
    let set: String = run(&server.url(), "SET countersign:{} x").await;
    assert_eq!(set, "OK");
    let store = RedisStore::new(client(&server.url()));
    let error = store.accounts(Cursor::default()).await.unwrap_err();
    assert!(matches!(error, Error::CorruptKey { .. }), "{error:?}");
}
