//! The store names the reason why it cannot answer.

use std::error::Error as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::store::Store;
use countersign_postgres::{AccountColumn, Connections, DriverError, Error, PostgresStore};
use countersign_store_testing::Postgres;
use tokio_postgres::Config;

use crate::kinds::{Bb8, Deadpool, Kind, OneClient, Reconnecting, TestedBb8};
use crate::support::{
    account, admin, at, config, create, open, overwrite, run, store, store_of, store_with_account,
    table, write,
};

#[tokio::test]
async fn an_unfitting_account_id_is_an_error() {
    let pool = open::<Deadpool>(server!()).await;
    for column in [AccountColumn::BigInt, AccountColumn::Uuid] {
        let (store, bob) = (
            store_of(column, &pool).await,
            AccountId::new("bob").unwrap(),
        );
        let loaded = store.load(&bob).await.map(|_| ());
        let result = store.compare_and_swap(&bob, write(None, 1, b"x")).await;
        let listed = store.accounts_after(Some(&bob), 1).await.map(|_| ());
        for error in [loaded, result.map(|_| ()), listed].map(Result::unwrap_err) {
            assert!(matches!(error, Error::WrongAccount { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_missing_table_error_says_what_to_do() {
    let pool = open::<Deadpool>(server!()).await;
    for store in [
        PostgresStore::new(pool.clone()),
        PostgresStore::new(pool).behind_pooler(),
    ] {
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "there is no table `countersign`; \
             put the text of `schema` into a migration, or call `create_table`"
        );
        let source = error.source().unwrap().to_string();
        let expected = "ERROR: relation \"countersign\" does not exist (42P01)";
        assert_eq!(source, expected);
    }
}

#[tokio::test]
async fn the_error_names_an_incompatible_table() {
    let server = server!();
    let pool = open::<Deadpool>(server).await;
    let ours = "revision bigint NOT NULL, record bytea NOT NULL, enabled boolean NOT NULL, \
                codes_left bigint NOT NULL, key_id bigint NOT NULL";
    for columns in [
        // A table of an older version, and a table of a newer version, which renamed a column to
        // stop this version.
        "account text PRIMARY KEY, revision bigint, record bytea".into(),
        format!("account text PRIMARY KEY, {ours}").replace("record", "record_2"),
        // A newer table with another required column, types that do not fit, no key, an unknown
        // check.
        format!("account text PRIMARY KEY, {ours}, region text NOT NULL"),
        format!("account uuid PRIMARY KEY, {ours}"),
        format!("account text, {ours}"),
        format!("account varchar(1) PRIMARY KEY, {ours}"),
        format!("account text PRIMARY KEY, {ours}").replace("key_id bigint", "key_id integer"),
        format!("account text PRIMARY KEY, {ours}, CHECK (codes_left < 100)"),
    ] {
        let table = table();
        run(server, format!("CREATE TABLE {table} ({columns})")).await;
        for store in [at(&pool, &table), at(&pool, &table).behind_pooler()] {
            let write = write(None, 1, b"x");
            let error = store.compare_and_swap(&account(44), write).await;
            let error = error.unwrap_err();
            assert!(
                matches!(error, Error::WrongTable { .. }),
                "{columns}: {error:?}"
            );
            let named = format!("the table `{table}` has other columns than the text of `schema`");
            assert!(error.to_string().starts_with(&named), "{error}");
        }
    }
    // A table whose additional columns have defaults is fine.
    let table = table();
    let more = "seen timestamptz NOT NULL DEFAULT now(), note text";
    let columns = format!("account text PRIMARY KEY, {ours}, {more}");
    run(server, format!("CREATE TABLE {table} ({columns})")).await;
    create(&at(&pool, &table), &account(1)).await;
}

#[tokio::test]
async fn a_load_names_a_column_that_does_not_decode() {
    let (server, table) = (server!(), table());
    let store = store_with_account(server, &table).await;
    let change = "ALTER COLUMN revision TYPE numeric";
    run(server, format!("ALTER TABLE {table} {change}")).await;
    for store in [store.clone(), store.behind_pooler()] {
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::WrongTable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_unknown_row_is_an_error() {
    let (server, table) = (server!(), table());
    let store = store_with_account(server, &table).await;
    for tampering in [
        "UPDATE @ SET revision = 0".to_owned(),
        "UPDATE @ SET revision = -1".to_owned(),
        "ALTER TABLE @ DROP CONSTRAINT @_pkey; INSERT INTO @ SELECT * FROM @".to_owned(),
    ] {
        run(server, tampering.replace('@', &table)).await;
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
    }
    run(server, format!("UPDATE {table} SET revision = 1")).await;
    let answer = overwrite(&store, 1, 2).await;
    assert!(
        matches!(answer, Err(Error::CorruptRow { .. })),
        "{answer:?}"
    );
}

/// The server answers `INSERT 0 1` before it checks a deferred key, and reports the failure later.
#[tokio::test]
async fn a_failed_commit_is_an_error() {
    let (server, table) = (server!(), table());
    let pool = open::<Deadpool>(server).await;
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    let key = "FOREIGN KEY (account) REFERENCES @_users DEFERRABLE INITIALLY DEFERRED";
    let sql = format!("CREATE TABLE @_users (id text PRIMARY KEY); ALTER TABLE @ ADD {key}");
    run(server, sql.replace('@', &table)).await;
    for store in [store.clone(), store.behind_pooler()] {
        let attempt = write(None, 1, b"nobody's");
        let error = store.compare_and_swap(&account(1), attempt).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
        assert_eq!(store.load(&account(1)).await.unwrap(), None);
    }
}

async fn with_setting(server: &Postgres, setting: &str, table: &str) -> impl Store<Error = Error> {
    let mut config = config(server);
    config.options(format!("-c {setting}"));
    at(&Deadpool::open(config, 1).await, table)
}

#[tokio::test]
async fn a_read_only_database_serves_loads_only() {
    let (server, table) = (server!(), table());
    store_with_account(server, &table).await;
    let reader = with_setting(server, "default_transaction_read_only=on", &table).await;
    assert!(reader.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&reader, 1, 2).await;
    assert!(matches!(answer, Err(Error::ReadOnly(_))), "{answer:?}");
}

#[tokio::test]
async fn a_user_without_rights_gives_a_clear_error() {
    let (server, table) = (server!(), table());
    store_with_account(server, &table).await;
    let role = format!("CREATE ROLE reader LOGIN; GRANT SELECT ON {table} TO reader");
    run(server, role).await;
    let mut config = config(server);
    let reader = at(
        &Deadpool::open(config.user("reader").clone(), 1).await,
        &table,
    );
    assert!(reader.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&reader, 1, 2).await;
    assert!(matches!(answer, Err(Error::NotAllowed(_))), "{answer:?}");
}

/// The test cannot fill a disk. A trigger raises the server's error instead.
#[tokio::test]
async fn a_full_disk_gives_a_clear_error() {
    let (server, table) = (server!(), table());
    let store = store_with_account(server, &table).await;
    let sql = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN RAISE 'could not extend file: No space left on device'
               USING ERRCODE = '53100'; END $$;
               CREATE TRIGGER full_disk BEFORE UPDATE ON @ EXECUTE FUNCTION full_disk()";
    run(server, sql.replace('@', &table)).await;
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::DiskFull(_))), "{answer:?}");
}

#[tokio::test]
async fn a_row_lock_timeout_gives_a_clear_error() {
    let (server, table) = (server!(), table());
    store_with_account(server, &table).await;
    let other = admin(server).await;
    let lock = format!("BEGIN; SELECT * FROM {table} FOR UPDATE");
    other.batch_execute(&lock).await.unwrap();
    let store = with_setting(server, "lock_timeout=100", &table).await;
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::Locked(_))), "{answer:?}");
}

on_each_kind!(
    a_refused_connection_gives_a_clear_error,
    a_missing_server_is_reported_in_time;
    on_deadpool: Deadpool, on_bb8: Bb8, on_tested_bb8: TestedBb8, on_another_pool: Reconnecting,
);

async fn a_refused_connection_gives_a_clear_error<K: Kind>(server: &Postgres) {
    for closed in [
        config(server).dbname("none"),
        config(server).user("none"),
        config(server).ssl_mode(tokio_postgres::config::SslMode::Require),
    ] {
        let error = error_of_load::<K>(closed.clone()).await;
        assert!(matches!(error, Error::CannotOpen(_)), "{error:?}");
    }
    let role = format!("many_{}", table());
    let limited = format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0");
    run(server, limited).await;
    let error = error_of_load::<K>(config(server).user(&role).clone()).await;
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("too many connections"), "{source}");
}

async fn a_missing_server_is_reported_in_time<K: Kind>(_server: &Postgres) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut nowhere = Config::new();
    nowhere.host("127.0.0.1").port(port).user("postgres");
    let begun = Instant::now();
    let error = error_of_load::<K>(nowhere).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let source = error.source().unwrap().source().unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
}

async fn error_of_load<K: Kind>(config: Config) -> Error {
    let store = PostgresStore::new(K::open(config, 1).await);
    let store = store.with_timeout(Duration::from_millis(500));
    store.load(&account(1)).await.unwrap_err()
}

on_each_kind!(an_exhausted_pool_times_out; in_deadpool: Deadpool, in_bb8: Bb8);

async fn an_exhausted_pool_times_out<K: Kind>(server: &Postgres) {
    let pool = K::open(config(server), 1).await;
    let store = store(&pool).await.with_timeout(Duration::from_millis(200));
    let connection = pool.connection().await.unwrap();
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoConnection { .. }), "{error:?}");
    drop(connection);
    let store = store.with_timeout(crate::kinds::PATIENT);
    assert_eq!(store.load(&account(1)).await.unwrap(), None);
}

#[tokio::test]
async fn the_time_limits_of_deadpool_give_the_same_error() {
    let manager = deadpool_postgres::Manager::new(config(server!()), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager)
        .max_size(1)
        .wait_timeout(Some(Duration::from_millis(100)))
        .runtime(deadpool_postgres::Runtime::Tokio1)
        .build()
        .unwrap();
    let store = store(&pool).await;
    let _connection = pool.get().await.unwrap();
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoConnection { .. }), "{error:?}");
    pool.close();
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable(DriverError::Pool(_))),
        "{error:?}"
    );
}

on_each_kind!(
    an_unknown_prepared_statement_names_the_pooler;
    and_deadpool_recovers: Deadpool, and_bb8_recovers: Bb8, and_another_recovers: Reconnecting,
);

async fn an_unknown_prepared_statement_names_the_pooler<K: Kind>(server: &Postgres) {
    let pool = K::open(config(server), 1).await;
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    let connection = pool.connection().await.unwrap();
    let client = K::Connections::client(&connection);
    client.batch_execute("DEALLOCATE ALL").await.unwrap();
    drop(connection);
    let attempt = write(None, 1, b"record");
    let error = store.compare_and_swap(&account(2), attempt).await;
    assert!(matches!(error, Err(Error::Pooler(_))), "{error:?}");
    // The store has closed this connection, so the next one prepares again.
    create(&store, &account(2)).await;
}

#[tokio::test]
async fn a_lost_client_says_what_to_do() {
    let server = server!();
    let client = OneClient::open(config(server), 1).await;
    let store = store(&client).await;
    create(&store, &account(1)).await;
    let pid = client.query_one("SELECT pg_backend_pid()", &[]).await;
    let pid: i32 = pid.unwrap().get(0);
    run(server, format!("SELECT pg_terminate_backend({pid})")).await;
    while !client.is_closed() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.ends_with("; connect again"), "{source}");
}
