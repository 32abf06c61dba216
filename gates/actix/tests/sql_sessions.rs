//! The session store of `examples/sql_sessions`, on SQLite and PostgreSQL.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(unreachable_pub, missing_docs, reason = "the file of an example")]

mod service;

use actix_session::SessionMiddleware;
use actix_web::cookie::Key;
use actix_web::cookie::time::Duration;
use countersign_actix::gate::testing::{Browser, Client, Fixture};
use countersign_actix::{GateSessions, SaveAs};
use countersign_store_testing::{Durability, Postgres, available};
use service::{Held, Service, State, app};
use sqlx::pool::PoolOptions;

mod sqlite {
    pub(crate) type Db = sqlx::Sqlite;
    pub(crate) mod store {
        include!("../examples/sql_sessions/store.rs");
    }
}

mod postgres {
    pub(crate) type Db = sqlx::Postgres;
    pub(crate) mod store {
        include!("../examples/sql_sessions/store.rs");
    }
}

#[actix_web::test]
async fn sessions_are_kept_on_sqlite() {
    // One connection, because each one has a database of its own.
    let pool = PoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await.unwrap();
    sqlx::query(sqlite::store::TABLE)
        .execute(&pool)
        .await
        .unwrap();
    let store = sqlite::store::SqlSessions(pool);
    sessions_live_and_end(&store).await;
    store.purge().await.unwrap();
    users_sign_in(store).await;
}

#[actix_web::test]
async fn sessions_are_kept_on_postgresql() {
    let Some(server) = available(Postgres::start(Durability::Fast)) else {
        return;
    };
    let pool = PoolOptions::new().connect(&server.url()).await.unwrap();
    sqlx::query(postgres::store::TABLE)
        .execute(&pool)
        .await
        .unwrap();
    let store = postgres::store::SqlSessions(pool);
    sessions_live_and_end(&store).await;
    store.purge().await.unwrap();
    users_sign_in(store).await;
}

async fn sessions_live_and_end(store: &impl SaveAs) {
    let state = |value: &str| State::from([("key".to_owned(), value.to_owned())]);
    let (hour, over) = (Duration::hours(1), Duration::seconds(-1));
    let key = store.save(state("first"), &hour).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap(), Some(state("first")));
    let key = store.save_as(key, state("other"), &hour).await.unwrap();
    assert_eq!(
        store.load(&key).await.unwrap(),
        Some(state("first")),
        "there already"
    );
    let key = store.update(key, state("second"), &hour).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap(), Some(state("second")));
    store.update_ttl(&key, &over).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap(), None, "over");
    store.update_ttl(&key, &hour).await.unwrap();
    store.delete(&key).await.unwrap();
    let key = store.update(key, state("third"), &hour).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap(), None, "ended");
}

async fn users_sign_in(store: impl SaveAs + 'static) {
    let fixture = Fixture::new().await.unwrap();
    let held = Held::default();
    let sessions = GateSessions::with_chosen_keys(store);
    let sessions = SessionMiddleware::new(sessions, Key::from(&[7; 64]));
    let app = app(fixture.gate.clone(), held.clone()).sessions(sessions);
    let service = Service::of(app.into_service(), held).await;
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    let old = browser.prepare(countersign_actix::gate::testing::TestRequest::new(
        "GET", "/write",
    ));
    browser
        .enter_code(&service, &fixture.next_code("alice"))
        .await;
    let late = service.send(old).await;
    assert_eq!((late.status, late.header("set-cookie")), (200, None));
    assert!(browser.get(&service, "/secret").await.is_open());
    browser.post(&service, "/leave", "").await;
    assert!(!browser.get(&service, "/secret").await.is_open());
}
