//! The keys and values that the store writes, and the listing of accounts.

use countersign::AccountId;
use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_etcd::{Error, EtcdStore};
use countersign_store_testing::Etcd;
use data_encoding::BASE64;

use crate::support::*;

/// Stores a value without the store.
pub(crate) fn put(server: &Etcd, key: &[u8], value: &[u8]) {
    let [key, value] = [key, value].map(|bytes| BASE64.encode(bytes));
    let body = format!(r#"{{"key":"{key}","value":"{value}"}}"#);
    let answer = server.ask("/v3/kv/put", &body).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn the_value_is_the_revision_and_the_record() {
    let server = shared!(SINGLE);
    let store = EtcdStore::new([server.url()]).unwrap();
    let store = store.with_prefix("plain/2fa").unwrap();
    put(server, b"plain/2fa:5", b"\0\0\0\0\0\0\x01\x02the record");
    let account = account(5);
    let stored = store.load(&account).await.unwrap();
    assert_eq!(
        stored,
        Some(StoredRecord::new(b"the record".into(), revision(258)))
    );
    let write = write(Some(258), i64::MAX, b"another");
    let written = store.compare_and_swap(&account, write).await.unwrap();
    assert_eq!(written, WriteResult::Done);
    let key = BASE64.encode(b"plain/2fa:5");
    let answer = server.ask("/v3/kv/range", &format!(r#"{{"key":"{key}"}}"#));
    let value = BASE64.encode(b"\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFanother");
    let answer = answer.unwrap();
    assert!(
        answer.contains(&format!(r#""value":"{value}""#)),
        "{answer}"
    );
}

#[tokio::test]
async fn a_write_removes_a_lease() {
    let server = shared!(SINGLE);
    let store = EtcdStore::new([server.url()]).unwrap();
    let store = store.with_prefix("leased").unwrap();
    create(&store, &account(1)).await;
    let granted = server.ask("/v3/lease/grant", r#"{"TTL":"3600","ID":"77"}"#);
    assert!(granted.unwrap().contains(r#""ID":"77""#));
    let key = BASE64.encode(b"leased:1");
    let keep = format!(r#"{{"key":"{key}","ignore_value":true,"lease":"77"}}"#);
    let attached = server.ask("/v3/kv/put", &keep).unwrap();
    assert!(attached.starts_with("HTTP/1.1 200"), "{attached}");
    let lease = || server.ask("/v3/kv/range", &format!(r#"{{"key":"{key}"}}"#));
    assert!(lease().unwrap().contains(r#""lease":"77""#));
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert!(!lease().unwrap().contains("lease"));
}

#[tokio::test]
async fn prefixes_separate_stores() {
    let url = shared!(SINGLE).url();
    let store = |prefix| EtcdStore::new([&url]).unwrap().with_prefix(prefix).unwrap();
    let (short, long) = (store("a"), store("ab"));
    for (store, id) in [(&short, "b:1"), (&short, "1"), (&long, "1")] {
        create(store, &AccountId::new(id).unwrap()).await;
    }
    let ids = |accounts: Vec<AccountId>| accounts.iter().map(ToString::to_string).collect();
    let short: Vec<String> = ids(short.accounts_after(None, 10).await.unwrap());
    assert_eq!(short, ["1", "b:1"]);
    let long: Vec<String> = ids(long.accounts_after(None, 10).await.unwrap());
    assert_eq!(long, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_list_every_account_in_order() {
    let store = store([shared!(SINGLE).url()]);
    assert_eq!(store.accounts_after(None, 10).await.unwrap(), []);
    let mut expected: Vec<_> = (0..1100).map(account).collect();
    expected.extend(["{", ":", "\u{1}", "\u{10FFFF}"].map(|id| AccountId::new(id).unwrap()));
    let creations: Vec<_> = expected
        .iter()
        .map(|account| {
            let (store, account) = (store.clone(), account.clone());
            tokio::spawn(async move { create(&store, &account).await })
        })
        .collect();
    for creation in creations {
        creation.await.unwrap();
    }
    expected.sort();
    for limit in [7, 1000, u32::MAX] {
        let mut found: Vec<AccountId> = Vec::new();
        loop {
            let page = store.accounts_after(found.last(), limit).await.unwrap();
            assert!(page.len() <= usize::try_from(limit.min(1000)).unwrap());
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, expected, "{limit}");
    }
    assert_eq!(store.accounts_after(None, 0).await.unwrap(), []);
}

#[tokio::test]
async fn a_key_without_account_is_an_error() {
    let server = shared!(SINGLE);
    let store = EtcdStore::new([server.url()]).unwrap();
    let store = store.with_prefix("odd").unwrap();
    for key in [&b"odd:"[..], b"odd:\xFF", b"odd:a\0"] {
        put(server, key, b"x");
        let error = store.accounts_after(None, 10).await.unwrap_err();
        assert!(matches!(error, Error::WrongKey { .. }), "{error:?}");
        let key = BASE64.encode(key);
        let deleted = server.ask("/v3/kv/deleterange", &format!(r#"{{"key":"{key}"}}"#));
        assert!(deleted.unwrap().contains(r#""deleted":"1""#));
    }
    assert_eq!(store.accounts_after(None, 10).await.unwrap(), []);
}
