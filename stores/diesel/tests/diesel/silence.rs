//! A blocking store on a network that loses every packet.

use std::time::{Duration, Instant};

use countersign::store::{Store, WriteKind};
use countersign_diesel::Error;

use crate::databases::{Engine, OnPostgres};
use crate::kinds::{Kind, R2d2OnPostgres, Rows, TestStore, database};
use crate::support::{account, create, overwrite, revision, store, stored, write_of};

/// The settings of the documentation, with shorter times.
const LIMITS: &str = "connect_timeout=2&tcp_user_timeout=2000&keepalives_idle=1\
                      &keepalives_interval=1&options=-c%20statement_timeout%3D1000";

/// The request is not acknowledged, and no connection can be opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_unacknowledged_request_fails() {
    let Some(database) = database::<R2d2OnPostgres>() else {
        return;
    };
    let proxy = database.proxy();
    let url = format!("{}?{LIMITS}", database.url_at(&proxy));
    let store = store::<R2d2OnPostgres>(&R2d2OnPostgres::open(&url, 1).await).await;
    create(&store, &account(1)).await;
    let store = store.with_timeout(Duration::from_secs(1));
    proxy.fall_silent().unwrap();
    for _ in 0..2 {
        let begun = Instant::now();
        let error = overwrite(&store, 1, 2).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::ConnectionLost(_) | Error::Unreachable(_) | Error::NoConnection { .. }
            ),
            "{error:?}"
        );
        assert!(begun.elapsed() < GENEROUS, "{error:?}");
    }
    proxy.speak_again().unwrap();
    let begun = Instant::now();
    while store.load(&account(1)).await.is_err() {
        assert!(begun.elapsed() < GENEROUS);
    }
    assert_eq!(stored(&store).await.revision, revision(1));
}

/// The server has acknowledged the request. Only keepalives find out that it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_fails() {
    let Some(database) = database::<R2d2OnPostgres>() else {
        return;
    };
    let proxy = database.proxy();
    // The statement of the application would run longer than the test.
    let url = format!("{}?{LIMITS}", database.url_at(&proxy)).replace("%3D1000", "%3D0");
    let store = store::<R2d2OnPostgres>(&R2d2OnPostgres::open(&url, 1).await).await;
    create(&store, &account(1)).await;
    // From here on, each statement of the store is prepared.
    _ = overwrite(&store, 1, 2).await.unwrap();
    let begun = Instant::now();
    let requests = proxy.requests();
    let call = tokio::spawn({
        let store = store.clone();
        async move {
            let write = write_of(WriteKind::Accepted, 2, 3, b"accepted");
            let rows = Rows::Run(OnPostgres::SLEEP.to_owned());
            store.swap_with(&account(1), write, rows).await
        }
    });
    // The end of a transaction, the begin, the write, and the statement of the application.
    while proxy.requests() < requests + 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proxy.fall_silent().unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::RowsFailed(_)), "{error:?}");
    assert!(begun.elapsed() < GENEROUS, "{error:?}");
}

/// The statement of the application takes this long.
const GENEROUS: Duration = Duration::from_secs(55);
