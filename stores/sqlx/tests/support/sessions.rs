//! Checks of the sessions for every store.

use std::collections::HashMap;

use countersign_sqlx::SessionTable;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{ExpiredDeletion, SessionStore};

pub(crate) fn record(id: i128, seconds: i64, value: Value) -> Record {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
    Record {
        id: Id(id),
        data: HashMap::from([("key".to_owned(), value)]),
        expiry_date: now + Duration::seconds(seconds),
    }
}

/// Runs all checks on a table that does not exist yet.
pub(crate) async fn sessions(table: SessionTable) {
    table.create_table().await.unwrap();
    table.create_table().await.unwrap();
    a_session_comes_back_as_stored(&table).await;
    an_existing_id_is_not_overwritten(&table).await;
    a_save_revives_no_session(&table).await;
    expired_sessions_are_gone(&table).await;
    a_lifetime_ends_a_session(&table).await;
}

async fn a_session_comes_back_as_stored(table: &SessionTable) {
    let value = json!({ "text": "é\u{0}'\"\u{1f511}", "long": "x".repeat(70_000) });
    for id in [i128::MIN, -1, 0, 1, i128::MAX] {
        let mut record = record(id, 60, value.clone());
        table.create(&mut record).await.unwrap();
        assert_eq!(record.id, Id(id));
        assert_eq!(table.load(&Id(id)).await.unwrap(), Some(record.clone()));
        record.data.insert("more".into(), json!(1));
        table.save(&record).await.unwrap();
        assert_eq!(table.load(&Id(id)).await.unwrap(), Some(record));
        table.delete(&Id(id)).await.unwrap();
        assert_eq!(table.load(&Id(id)).await.unwrap(), None);
    }
}

async fn an_existing_id_is_not_overwritten(table: &SessionTable) {
    let mut first = record(2, 60, json!("first"));
    table.create(&mut first).await.unwrap();
    let mut second = record(2, 60, json!("second"));
    table.create(&mut second).await.unwrap();
    assert_ne!(second.id, Id(2));
    assert_eq!(table.load(&Id(2)).await.unwrap(), Some(first));
    assert_eq!(table.load(&second.id).await.unwrap(), Some(second));
}

async fn a_save_revives_no_session(table: &SessionTable) {
    table.save(&record(3, 60, json!("late"))).await.unwrap();
    assert_eq!(table.load(&Id(3)).await.unwrap(), None);
}

async fn expired_sessions_are_gone(table: &SessionTable) {
    for (id, seconds) in [(4, -1), (5, 60)] {
        let mut record = record(id, seconds, json!("old"));
        table.create(&mut record).await.unwrap();
    }
    assert_eq!(table.load(&Id(4)).await.unwrap(), None);
    // The row is there, until it is deleted.
    let mut again = record(4, 60, json!("again"));
    table.create(&mut again).await.unwrap();
    assert_ne!(again.id, Id(4));
    table.delete_expired().await.unwrap();
    let mut again = record(4, 60, json!("again"));
    table.create(&mut again).await.unwrap();
    assert_eq!(again.id, Id(4));
    assert!(table.load(&Id(5)).await.unwrap().is_some());
}

async fn a_lifetime_ends_a_session(table: &SessionTable) {
    let short = table.clone().with_lifetime(std::time::Duration::ZERO);
    let mut ended = record(6, 60, json!("short"));
    short.create(&mut ended).await.unwrap();
    assert_eq!(table.load(&Id(6)).await.unwrap(), None);
    let long = table.clone().with_lifetime(std::time::Duration::MAX);
    let mut kept = record(7, 60, json!("long"));
    long.create(&mut kept).await.unwrap();
    assert_eq!(table.load(&Id(7)).await.unwrap(), Some(kept));
}
