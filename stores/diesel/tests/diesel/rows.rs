//! A conditional write and the rows of the application are stored together or not at all.

use std::time::Duration;

use countersign::store::{WriteKind, WriteResult};
use countersign_diesel::Error;
use countersign_store_testing::{Fault, Proxy};

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, Rows, TestStore};
use crate::support::{
    account, create, drop_after, on, overwrite, revision, stored, table, write_of,
};

on_each_kind!(
    rows_are_stored_with_the_record,
    a_stale_write_runs_no_code,
    rows_that_fail_undo_the_write,
    a_transaction_that_ended_is_not_done,
    a_panic_undoes_the_write,
    a_conflict_is_stale,
    a_write_that_counts_a_failure_is_refused,
    dropped_futures_store_all_or_nothing;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite,
    DeadpoolOnPostgres, DeadpoolOnMariaDb, DeadpoolOnSqlite,
    Bb8OnPostgres, Bb8OnMariaDb, Bb8OnSqlite,
);

/// A store with the account 1 and one connection, and a table of sessions.
struct Site<'d, K: Kind> {
    store: K::Store,
    table: String,
    sessions: String,
    database: &'d Database,
}

impl<'d, K: Kind> Site<'d, K> {
    async fn new(database: &'d Database) -> Self {
        Self::at(database, &database.url).await
    }

    async fn at(database: &'d Database, url: &str) -> Self {
        Self::on(database, &K::open(url, 1).await).await
    }

    async fn on(database: &'d Database, pool: &K::Pool) -> Self {
        let table = table();
        let store = on::<K>(pool, &table);
        store.create_table().await.unwrap();
        create(&store, &account(1)).await;
        let sessions = format!("sessions_of_{table}");
        let schema = format!("CREATE TABLE {sessions} (id integer NOT NULL PRIMARY KEY)");
        K::Engine::run(database, &schema);
        Self {
            store,
            table,
            sessions,
            database,
        }
    }

    fn insert(&self, id: i64) -> String {
        format!("INSERT INTO {} (id) VALUES ({id})", self.sessions)
    }

    /// An accepted code, which replaces the revision.
    async fn accept(&self, expected: i64, rows: Rows) -> Result<WriteResult, Error> {
        let write = write_of(WriteKind::Accepted, expected, expected + 1, b"accepted");
        self.store.swap_with(&account(1), write, rows).await
    }

    /// The revision of the record, and the number of sessions.
    async fn state(&self) -> (i64, i64) {
        let sessions = format!("(SELECT count(*) FROM {})", self.sessions);
        let revision = stored(&self.store).await.revision.as_i64();
        (revision, K::Engine::number(self.database, &sessions))
    }
}

async fn rows_are_stored_with_the_record<K: Kind>(database: &Database) {
    let site = Site::<K>::new(database).await;
    let mut expected = 1;
    for kind in [
        WriteKind::Accepted,
        WriteKind::DeviceTrusted,
        WriteKind::Enrolled,
        WriteKind::Removed,
        WriteKind::Disabled,
    ] {
        let write = write_of(kind, expected, expected + 1, b"with a row");
        let rows = Rows::Run(site.insert(expected));
        let done = site.store.swap_with(&account(1), write, rows).await;
        assert_eq!(done.unwrap(), WriteResult::Done, "{kind:?}");
        expected += 1;
        assert_eq!(site.state().await, (expected, expected - 1), "{kind:?}");
    }
    let summary = countersign::store::Summary::new(false, 0, countersign::KeyId::new(1));
    let created = countersign::store::ConditionalWrite::put(
        None,
        revision(1),
        b"imported",
        WriteKind::Enrolled,
        summary,
    );
    let rows = Rows::Run(site.insert(100));
    let done = site.store.swap_with(&account(2), created, rows).await;
    assert_eq!(done.unwrap(), WriteResult::Done);
    let again = site
        .store
        .swap_with(&account(2), created, Rows::Panic)
        .await;
    assert_eq!(again.unwrap(), WriteResult::Stale);
    assert_eq!(site.state().await, (expected, expected));
}

async fn a_stale_write_runs_no_code<K: Kind>(database: &Database) {
    let site = Site::<K>::new(database).await;
    let stale = site.accept(7, Rows::Panic).await;
    assert_eq!(stale.unwrap(), WriteResult::Stale);
    let done = site.accept(1, Rows::Run(site.insert(1))).await;
    assert_eq!(done.unwrap(), WriteResult::Done);
    let again = site.accept(1, Rows::Panic).await;
    assert_eq!(again.unwrap(), WriteResult::Stale);
    assert_eq!(site.state().await, (2, 1));
}

async fn rows_that_fail_undo_the_write<K: Kind>(database: &Database) {
    let site = Site::<K>::new(database).await;
    let taken = format!("{}; {}", site.insert(7), site.insert(7));
    for rows in [
        Rows::Fail(site.insert(1)),
        Rows::Run(taken),
        Rows::Run("INSERT INTO no_such_table (id) VALUES (1)".to_owned()),
    ] {
        let error = site.accept(1, rows.clone()).await.unwrap_err();
        assert!(matches!(error, Error::RowsFailed(_)), "{rows:?}: {error:?}");
        assert!(error.to_string().ends_with("see the source"), "{error}");
        assert_eq!(site.state().await, (1, 0), "{rows:?}");
    }
    assert_eq!(
        overwrite(&site.store, 1, 2).await.unwrap(),
        WriteResult::Done
    );
}

/// A commit of PostgreSQL is answered even if it rolls back.
async fn a_transaction_that_ended_is_not_done<K: Kind>(database: &Database) {
    let site = Site::<K>::new(database).await;
    for sql in ["ROLLBACK", "ROLLBACK; BEGIN"] {
        let error = site.accept(1, Rows::Run(sql.to_owned())).await.unwrap_err();
        assert!(matches!(error, Error::RowsFailed(_)), "{sql}: {error:?}");
        assert_eq!(site.state().await, (1, 0), "{sql}");
    }
    // PostgreSQL takes nothing more after an error. The others go on.
    let ignored = site.accept(
        1,
        Rows::Ignore("INSERT INTO nowhere (id) VALUES (1)".to_owned()),
    );
    let (revision, sessions) = match ignored.await {
        Ok(done) => {
            assert_eq!(done, WriteResult::Done);
            (2, 0)
        }
        Err(error) => {
            assert!(matches!(error, Error::RowsFailed(_)), "{error:?}");
            (1, 0)
        }
    };
    assert_eq!(site.state().await, (revision, sessions));
}

async fn a_panic_undoes_the_write<K: Kind>(database: &Database) {
    let site = Site::<K>::new(database).await;
    let store = site.store.clone();
    let panicked = tokio::spawn(async move {
        let write = write_of(WriteKind::Accepted, 1, 2, b"accepted");
        store.swap_with(&account(1), write, Rows::Panic).await
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(site.state().await, (1, 0));
    let done = site.accept(1, Rows::Run(site.insert(1))).await;
    assert_eq!(done.unwrap(), WriteResult::Done);
}

async fn a_conflict_is_stale<K: Kind>(database: &Database) {
    let conflict = match K::Engine::CONFLICT {
        Some(sql) => sql,
        None => return,
    };
    let site = Site::<K>::new(database).await;
    let stale = site.accept(1, Rows::Run(conflict.to_owned())).await;
    assert_eq!(stale.unwrap(), WriteResult::Stale);
    assert_eq!(site.state().await, (1, 0));
}

async fn a_write_that_counts_a_failure_is_refused<K: Kind>(database: &Database) {
    let site = Site::<K>::new(database).await;
    for kind in [
        WriteKind::Rejected,
        WriteKind::Reserved,
        WriteKind::Joined,
        WriteKind::Enrolling,
        WriteKind::Issuing,
        WriteKind::Unlocked,
        WriteKind::PasswordChanged,
        WriteKind::Resealed,
    ] {
        let write = write_of(kind, 1, 2, b"counted");
        let refused = site.store.swap_with(&account(1), write, Rows::Panic).await;
        let error = refused.unwrap_err();
        assert!(
            matches!(error, Error::OnlyAccepted { kind: named } if named == kind),
            "{error:?}"
        );
    }
    assert_eq!(site.state().await, (1, 0));
}

async fn dropped_futures_store_all_or_nothing<K: Kind>(database: &Database) {
    const ROUNDS: i64 = 30;
    if !K::HAS_LIMIT {
        // The future of a blocking store is ready when it is polled first.
        return;
    }
    let site = Site::<K>::new(database).await;
    // Each record has one row more than the one before.
    let missing = format!(
        "((SELECT revision FROM {} WHERE account = '1') - (SELECT count(*) FROM {}))",
        site.table, site.sessions
    );
    let (mut revision, mut most_polls, mut dropped) = (1, 100, 0);
    for round in 0..ROUNDS {
        let polls = round * 37 % most_polls;
        match drop_after(
            polls,
            site.accept(revision, Rows::Run(site.insert(revision))),
        )
        .await
        {
            Some(answer) => {
                // An abandoned call may be faster.
                _ = answer.unwrap();
                most_polls = (most_polls / 2).max(2);
            }
            None => {
                dropped += 1;
                most_polls = (most_polls + most_polls / 4 + 1).min(100);
            }
        }
        assert_eq!(K::Engine::number(database, &missing), 1, "round {round}");
        revision = stored(&site.store).await.revision.as_i64();
    }
    assert!(revision > 1);
    assert!(dropped > ROUNDS / 10, "only {dropped} were dropped");
}

on_each_kind!(
    a_cut_between_record_and_rows_undoes_both,
    a_lost_commit_stores_both;
    R2d2OnPostgres, R2d2OnMariaDb, DeadpoolOnPostgres, DeadpoolOnMariaDb,
);

async fn behind<'d, K: Kind>(database: &'d Database, proxy: &Proxy) -> Site<'d, K> {
    Site::at(database, &database.url_at(proxy)).await
}

async fn a_cut_between_record_and_rows_undoes_both<K: Kind>(database: &Database) {
    let proxy = database.proxy();
    let site = behind::<K>(database, &proxy).await;
    for fault in [Fault::DropRequest, Fault::DropReply, Fault::Reset] {
        let insert = site.insert(1);
        proxy.inject(insert.as_bytes(), fault);
        let error = site.accept(1, Rows::Run(insert)).await.unwrap_err();
        assert!(
            matches!(error, Error::RowsFailed(_)),
            "{fault:?}: {error:?}"
        );
        assert_eq!(site.state().await, (1, 0), "{fault:?}");
    }
    assert_eq!(proxy.injected(), 3);
}

async fn a_lost_commit_stores_both<K: Kind>(database: &Database) {
    let proxy = database.proxy();
    let site = behind::<K>(database, &proxy).await;
    proxy.inject(b"COMMIT", Fault::DropReply);
    let error = site.accept(1, Rows::Run(site.insert(1))).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost(_)), "{error:?}");
    let start = std::time::Instant::now();
    while site.state().await != (2, 1) {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

on_each_kind!(a_lock_ends_the_wait_in_time; DeadpoolOnPostgres, Bb8OnMariaDb);

/// The application waits for a lock longer than the time limit, so the transaction is rolled back.
async fn a_lock_ends_the_wait_in_time<K: Kind>(database: &Database) {
    let site = Site::<K>::new(database).await;
    K::Engine::run(database, &site.insert(1));
    let lock = format!("BEGIN; UPDATE {} SET id = 2", site.sessions);
    let other = K::Engine::hold(database, &lock);
    let hasty = site.store.clone().with_timeout(Duration::from_secs(1));
    let write = write_of(WriteKind::Accepted, 1, 2, b"accepted");
    let delete = Rows::Run(format!("DELETE FROM {}", site.sessions));
    let error = hasty
        .swap_with(&account(1), write, delete)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    drop(other);
    assert_eq!(site.state().await, (1, 1));
}

on_each_kind!(
    a_commit_that_a_reader_stops_is_undone;
    R2d2OnSqlite, DeadpoolOnSqlite, Bb8OnSqlite,
);

/// Without WAL, a commit waits for readers. If it gives up, SQLite keeps the transaction open.
async fn a_commit_that_a_reader_stops_is_undone<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let site = Site::<K>::on(database, &pool).await;
    let own = site.store.clone().with_own_connections();
    for (store, old) in [(site.store.clone(), 1), (own, 2)] {
        K::run(
            &pool,
            "PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 50",
        )
        .await
        .unwrap();
        let reader = K::Engine::hold(database, &format!("BEGIN; SELECT * FROM {}", site.table));
        let write = write_of(WriteKind::Accepted, old, old + 1, b"accepted");
        let rows = Rows::Run(site.insert(old));
        let error = store.swap_with(&account(1), write, rows).await.unwrap_err();
        assert!(matches!(error, Error::Locked(_)), "{error:?}");
        drop(reader);
        // Another connection can write, so the transaction has ended.
        K::Engine::run(
            database,
            "CREATE TABLE other (id integer); DROP TABLE other",
        );
        assert_eq!(site.state().await, (old, 0));
        let done = overwrite(&store, old, old + 1).await;
        assert_eq!(done.unwrap(), WriteResult::Done);
        let revision = format!("(SELECT revision FROM {})", site.table);
        assert_eq!(K::Engine::number(database, &revision), old + 1);
    }
}
