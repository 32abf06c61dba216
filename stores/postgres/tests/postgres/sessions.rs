//! Other code changed the session of a connection that the store shares with it, or the connection
//! leads to another server than before.

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_postgres::{AccountColumn, Connections, Error, PostgresStore};
use countersign_store_testing::Postgres;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::NoTls;

use crate::kinds::{Bb8, Deadpool, Kind, OneClient, Reconnecting};
use crate::support::{
    account, admin, at, config, create, open, overwrite, revision, run, store, store_of,
    store_with_account, stored, table, write,
};

/// Runs statements on the only connection of a pool, as code of the application does.
async fn change_session<K: Kind>(pool: &K::Connections, sql: &str) {
    let connection = pool.connection().await.unwrap();
    K::client(&connection).batch_execute(sql).await.unwrap();
}

on_each_kind!(
    a_read_only_connection_is_replaced,
    a_plan_of_another_column_type_is_replaced;
    on_deadpool: Deadpool, on_bb8: Bb8, on_another_pool: Reconnecting,
);

/// After a failover, a connection can lead to the old primary, which is a replica now.
async fn a_read_only_connection_is_replaced<K: Kind>(server: &Postgres) {
    let pool = K::open(config(server), 1).await;
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    change_session::<K>(&pool, "SET default_transaction_read_only = on").await;
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::ReadOnly(_))), "{answer:?}");
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
}

/// The server refuses a prepared load whose columns got another type, even if the type fits.
async fn a_plan_of_another_column_type_is_replaced<K: Kind>(server: &Postgres) {
    let (pool, table) = (K::open(config(server), 1).await, table());
    store_with_account(server, &table).await;
    let store = at(&pool, &table);
    assert_eq!(stored(&store).await.revision, revision(1));
    let domain = format!("{table}_revision");
    let change = format!(
        "CREATE DOMAIN {domain} AS bigint; ALTER TABLE {table} ALTER revision TYPE {domain}"
    );
    run(server, change).await;
    let answer = store.load(&account(1)).await;
    assert!(
        matches!(answer, Err(Error::WrongTable { .. })),
        "{answer:?}"
    );
    assert_eq!(stored(&store).await.revision, revision(1));
}

on_each_kind!(
    harmless_settings_change_nothing;
    in_deadpool: Deadpool, in_bb8: Bb8, in_one_client: OneClient, in_another_pool: Reconnecting,
);

async fn harmless_settings_change_nothing<K: Kind>(server: &Postgres) {
    for behind_pooler in [false, true] {
        let pool = K::open(config(server), 1).await;
        let mut store = store(&pool).await;
        if behind_pooler {
            store = store.behind_pooler();
        }
        for (number, sql) in (1..).zip([
            "SET standard_conforming_strings = off",
            "SET backslash_quote = on; SET escape_string_warning = on",
            "SET bytea_output = 'escape'; SET DateStyle = 'German'; SET extra_float_digits = 0",
            "SET session_replication_role = replica",
            "SET client_min_messages = debug1",
            "SET plan_cache_mode = force_generic_plan",
            "SET transform_null_equals = on",
            "SET quote_all_identifiers = on",
            "SET default_transaction_isolation = serializable",
            "SET default_transaction_deferrable = on",
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "LISTEN news; NOTIFY news, 'one'",
            "DO $$ BEGIN RAISE WARNING 'one'; END $$",
            "CREATE TEMP TABLE mine (id bigint); DISCARD TEMP; DISCARD SEQUENCES; DISCARD PLANS",
            "BEGIN; SAVEPOINT a; SET LOCAL transaction_read_only = on",
            "DECLARE rows CURSOR WITH HOLD FOR SELECT 1",
        ]) {
            change_session::<K>(&pool, sql).await;
            let id = account(number);
            create(&store, &id).await;
            let replaced = store.compare_and_swap(&id, write(Some(1), 2, b"new")).await;
            assert_eq!(replaced.unwrap(), WriteResult::Done, "{sql}");
            let loaded = store.load(&id).await.unwrap().unwrap();
            assert_eq!(loaded.revision, revision(2), "{sql}");
        }
    }
}

/// Settings with which a statement cannot run. The error names the reason.
#[tokio::test]
async fn the_error_names_a_harmful_setting() {
    let (server, table) = (server!(), table());
    store_with_account(server, &table).await;
    let role = format!("role_{table}");
    run(server, format!("CREATE ROLE {role}")).await;
    let lock = admin(server).await;
    let sql = format!("BEGIN; SELECT * FROM {table} FOR UPDATE");
    lock.batch_execute(&sql).await.unwrap();
    for (sql, part) in [
        (format!("SET ROLE {role}"), "NotAllowed"),
        (format!("SET SESSION AUTHORIZATION {role}"), "NotAllowed"),
        ("SET search_path = pg_temp".into(), "NoTable"),
        ("SET statement_timeout = 50".into(), "57014"),
        ("SET lock_timeout = 50".into(), "Locked"),
    ] {
        let pool = Deadpool::open(config(server), 1).await;
        change_session::<Deadpool>(&pool, &sql).await;
        let error = overwrite(&at(&pool, &table), 1, 2).await.unwrap_err();
        assert!(format!("{error:?}").contains(part), "{sql}: {error:?}");
    }
    lock.batch_execute("ROLLBACK").await.unwrap();
}

/// The documentation warns of these: the calls succeed, and find another table or no account.
#[tokio::test]
async fn some_settings_are_the_task_of_the_application() {
    let (server, table) = (server!(), table());
    let id = AccountId::new("\u{E9}").unwrap();
    create(&store_with_account(server, &table).await, &id).await;
    let pool = Deadpool::open(config(server), 1).await;
    let store = at(&pool, &table);
    change_session::<Deadpool>(&pool, "SET client_encoding = latin1").await;
    assert_eq!(store.load(&id).await.unwrap(), None);
    let other = format!("CREATE TEMP TABLE {table} (LIKE {table} INCLUDING ALL)");
    change_session::<Deadpool>(&pool, &other).await;
    assert_eq!(store.load(&account(1)).await.unwrap(), None);
    create(&store, &account(1)).await;
    change_session::<Deadpool>(&pool, "SET synchronous_commit = off").await;
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
}

/// A pool that discards prepared statements whenever a connection comes back.
fn discarding(server: &Postgres) -> Pool {
    let recycling_method = RecyclingMethod::Custom("DISCARD ALL".into());
    let config_of_manager = ManagerConfig { recycling_method };
    let manager = Manager::from_config(config(server), NoTls, config_of_manager);
    Pool::builder(manager).max_size(1).build().unwrap()
}

#[tokio::test]
async fn a_pool_that_discards_statements_needs_their_text() {
    let pool = discarding(server!());
    let store = store(&pool).await;
    let text = store.clone().behind_pooler();
    create(&text, &account(1)).await;
    for new in 2..10 {
        let result = overwrite(&text, new - 1, new).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
    }
    store.load(&account(1)).await.unwrap();
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::Pooler(_)), "{error:?}");
    assert!(error.to_string().contains("DISCARD ALL"), "{error}");
}

/// The longest ids, of characters with one byte and with three.
#[tokio::test]
async fn the_longest_ids_fit_or_are_refused() {
    let pool = open::<Deadpool>(server!()).await;
    let longest = ["7".repeat(255), "-".repeat(255), "\u{20AC}".repeat(85)];
    let mut longest = longest.map(|id| AccountId::new(id).unwrap());
    let prepared = store_of(AccountColumn::Text, &pool).await;
    for id in &longest {
        create(&prepared, id).await;
    }
    for store in [prepared.clone(), prepared.behind_pooler()] {
        let mut listed = store.accounts_after(None, 10).await.unwrap();
        listed.sort();
        longest.sort();
        assert_eq!(listed, longest);
        for id in &longest {
            assert!(store.load(id).await.unwrap().is_some());
        }
    }
    for column in [AccountColumn::BigInt, AccountColumn::Uuid] {
        let store = store_of(column, &pool).await;
        for id in &longest {
            let error = store.load(id).await.unwrap_err();
            assert!(matches!(error, Error::WrongAccount { .. }), "{error:?}");
        }
    }
}

/// A thread outside of every runtime gets an error instead of a panic.
#[test]
fn a_call_without_a_runtime_is_an_error() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = runtime.block_on(open::<Deadpool>(server!()));
    let store = PostgresStore::new(pool);
    let answer = countersign::testing::block_on(store.load(&account(1)));
    assert!(matches!(answer, Err(Error::Interrupted)), "{answer:?}");
}
