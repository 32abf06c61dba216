//! Users and passwords.

use countersign::store::{Store, WriteResult};
use countersign_etcd::{Error, EtcdStore};
use countersign_store_testing::{Etcd, Proxy};
use data_encoding::BASE64;

use crate::errors::fails_with;
use crate::support::*;

fn ask(server: &Etcd, path: &str, body: &str) {
    let answer = server.ask(path, body).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
}

/// A server with the user `app`, who may use the keys of the prefix `countersign`.
fn with_users() -> Result<Etcd, countersign_store_testing::StartError> {
    let server = Etcd::start()?;
    for (user, role) in [("root", "root"), ("app", "store"), ("other", "none")] {
        let body = format!(r#"{{"name":"{user}","password":"secret of {user}"}}"#);
        ask(&server, "/v3/auth/user/add", &body);
        ask(
            &server,
            "/v3/auth/role/add",
            &format!(r#"{{"name":"{role}"}}"#),
        );
        let grant = format!(r#"{{"user":"{user}","role":"{role}"}}"#);
        ask(&server, "/v3/auth/user/grant", &grant);
    }
    // The same range as the command in the documentation of `with_user`.
    let [first, end] = ["countersign:", "countersign;"].map(|key| BASE64.encode(key.as_bytes()));
    let permission = format!(
        r#"{{"name":"store","perm":{{"permType":"READWRITE","key":"{first}","range_end":"{end}"}}}}"#
    );
    ask(&server, "/v3/auth/role/grant", &permission);
    ask(&server, "/v3/auth/enable", "{}");
    Ok(server)
}

fn without_user(url: String) -> EtcdStore {
    EtcdStore::new([url]).unwrap().with_timeout(PATIENT)
}

#[tokio::test]
async fn a_user_needs_the_documented_permission_only() {
    let server = available!(with_users());
    let store = || without_user(server.url());
    fails_with!(&store(), Error::NotAuthenticated { .. });
    for (user, password) in [("app", "wrong"), ("nobody", "secret of app"), ("app", "")] {
        fails_with!(
            &store().with_user(user, password),
            Error::NotAuthenticated { .. }
        );
    }
    fails_with!(
        &store().with_user("other", "secret of other"),
        Error::NotPermitted
    );
    let app = store().with_user("app", "secret of app");
    create(&app, &account(1)).await;
    assert_eq!(stored_revision(&app).await, Some(1));
    assert_eq!(app.accounts_after(None, 5).await.unwrap(), [account(1)]);
    assert_eq!(app.accounts_after(Some(&account(1)), 5).await.unwrap(), []);
    let erased = app.compare_and_swap(&account(1), erase(1, 2)).await;
    assert_eq!(erased.unwrap(), WriteResult::Done);
    let elsewhere = app.with_prefix("elsewhere").unwrap();
    fails_with!(&elsewhere, Error::NotPermitted);
}

#[tokio::test]
async fn a_server_without_users_refuses_a_login() {
    let store = store([shared!(SINGLE).url()]).with_user("app", "secret");
    fails_with!(&store, Error::NotAuthenticated { .. });
    assert!(!format!("{store:?}").contains("secret"));
}

#[tokio::test]
async fn calls_share_a_login() {
    let server = available!(with_users());
    let proxy = Proxy::start(server.address()).unwrap();
    let store = without_user(server.url_at(proxy.address())).with_user("app", "secret of app");
    let loads: Vec<_> = (0..20)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&account(id)).await })
        })
        .collect();
    for load in loads {
        assert_eq!(load.await.unwrap().unwrap(), None);
    }
    assert_eq!(proxy.requests(), 21);
}

#[tokio::test]
async fn a_lost_token_is_replaced() {
    let mut server = available!(with_users());
    let store = without_user(server.url()).with_user("app", "secret of app");
    create(&store, &account(1)).await;
    for old in 1..4 {
        // The server keeps the tokens in memory.
        server.restart().unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { stored_revision(&store).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Some(old));
        }
        server.restart().unwrap();
        // The write may meet the 8 connections from before, one after the other.
        let mut written = overwrite(&store, old, old + 1).await;
        for _ in 0..8 {
            if let Err(Error::Disconnected { .. }) = written {
                written = overwrite(&store, old, old + 1).await;
            }
        }
        assert_eq!(written.unwrap(), WriteResult::Done);
    }
}
