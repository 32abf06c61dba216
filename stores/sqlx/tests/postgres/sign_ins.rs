//! Sign-ins in the transaction of the record.

use countersign::store::WriteKind;
use countersign_gate::{SignInRows, SignInStore};
use countersign_sqlx::{GateStore, SignInTables};
use sqlx::AssertSqlSafe;
use support::outbox::Row;
use support::sign_ins::{Handles, Ids, USERS, all_or_none_is_stored, is_live};
use support::sign_ins::{round_trips, sign_in, with, write_until_killed};

use super::*;

fn names() -> SignInTables {
    let tables = SignInTables::new().with_table(&table()).unwrap();
    tables.with_flag_table(&table()).unwrap()
}

async fn gate_store(pool: &PgPool) -> GateStore<PostgresStore> {
    let store = at(pool, &table()).with_sign_ins(names());
    store.create_tables().await.unwrap();
    store
}

fn handles(server: &Postgres, ids: Ids, isolation: &str) -> Handles<PostgresStore> {
    let runtime = Runtime::new().unwrap();
    let options = options(server).options([("default_transaction_isolation", isolation)]);
    let store = runtime.block_on(async {
        let pool = PgPoolOptions::new().max_connections(16);
        let pool = pool.connect_with(options).await.unwrap();
        let column = match ids {
            Ids::Text => AccountColumn::Text,
            Ids::Numbers | Ids::Users => AccountColumn::BigInt,
            Ids::Uuids => AccountColumn::Uuid,
        };
        let mut tables = names();
        if let Ids::Users = ids {
            let users = table();
            let sql = format!(
                "CREATE TABLE {users} (id integer PRIMARY KEY, enrolled boolean NOT NULL); \
                 INSERT INTO {users} SELECT id, false FROM generate_series(1, {USERS}) AS id"
            );
            run(&pool, sql).await;
            tables = tables.with_flag_column(&users, "id", "enrolled").unwrap();
        }
        let store = at(&pool, &table()).with_account_column(column);
        let store = store.with_sign_ins(tables);
        store.create_tables().await.unwrap();
        store.create_tables().await.unwrap();
        store
    });
    Handles::new(runtime, store, ids)
}

macro_rules! suite {
    ($($name:ident: $ids:ident, $setting:literal;)+) => { $(
        mod $name {
            use super::*;
            countersign_gate::sign_in_tests!(match &*SERVER {
                Some(server) => handles(server, Ids::$ids, $setting),
                None => return Ok(()),
            });
        }
    )+ };
}

suite! {
    read_committed: Text, "read committed";
    repeatable_read: Text, "repeatable read";
    serializable: Text, "serializable";
    numbers: Numbers, "read committed";
    uuids: Uuids, "serializable";
    flag_column: Users, "read committed";
    flag_column_serializable: Users, "serializable";
}

/// A store whose only connection goes through a proxy.
async fn behind(proxy: &Proxy, server: &Postgres) -> GateStore<PostgresStore> {
    let options = PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false);
    let url = server.url_at(proxy.address());
    gate_store(&options.connect(&url).await.unwrap()).await
}

#[tokio::test]
async fn a_lost_answer_leaves_all_or_none() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    support::sign_ins::a_lost_answer_leaves_all_or_none(&store, &proxy, "COMMIT\0").await;
}

#[tokio::test]
async fn a_sign_in_takes_one_round_trip() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    let [accepted, enrolled, rejected, without_factor] = round_trips(&store, &proxy).await;
    assert_eq!([accepted, enrolled, rejected, without_factor], [1, 6, 1, 1]);
}

#[tokio::test]
async fn a_killed_server_keeps_all_or_none() {
    let Some(mut server) = available(Postgres::start(Durability::Fast)) else {
        return;
    };
    let store = gate_store(&pool(&server).await).await;
    let kill = async || server.kill9().unwrap();
    let attempts = write_until_killed(&store, 12, kill).await;
    server.restart().unwrap();
    all_or_none_is_stored(&store, &attempts).await;
}

#[tokio::test]
async fn an_enrollment_without_a_user_is_an_error() {
    let pool = pool(server!()).await;
    let users = table();
    let sql = format!("CREATE TABLE {users} (id text PRIMARY KEY, \"On\" boolean NOT NULL)");
    run(&pool, sql).await;
    let tables = names().with_flag_column(&users, "id", "On").unwrap();
    let store = at(&pool, &table()).with_sign_ins(tables);
    store.create_tables().await.unwrap();
    support::sign_ins::an_enrollment_without_a_user_is_an_error(&store).await;
}

#[tokio::test]
async fn the_error_names_the_missing_table() {
    let pool = pool(server!()).await;
    let tables = names();
    let store = at(&pool, &table()).with_sign_ins(tables);
    store.records().create_table().await.unwrap();
    support::sign_ins::create(&store, &account(1)).await;
    let new = sign_in(&account(1), 1);
    let planned = support::sign_ins::write(Some(1), 2, b"x", WriteKind::Accepted);
    let answer = with(&store, &new)
        .compare_and_swap(&account(1), planned)
        .await;
    let missing = store.rows().find(new.id()).await.unwrap_err();
    let (missing, answer) = (missing.to_string(), answer.unwrap_err().to_string());
    assert_eq!(missing, answer);
    store.create_tables().await.unwrap();
    assert!(!is_live(&store, &new).await);
}

#[tokio::test]
async fn the_error_names_the_table_of_a_foreign_key() {
    let pool = pool(server!()).await;
    let (users, sign_ins) = (table(), table());
    let tables = names().with_table(&sign_ins).unwrap();
    let store = at(&pool, &table()).with_sign_ins(tables);
    store.create_tables().await.unwrap();
    run(
        &pool,
        format!(
            "CREATE TABLE {users} (id text COLLATE \"C\" PRIMARY KEY); ALTER TABLE {sign_ins} \
             ADD FOREIGN KEY (account) REFERENCES {users} (id) ON DELETE CASCADE"
        ),
    )
    .await;
    support::sign_ins::create(&store, &account(1)).await;
    let new = sign_in(&account(1), 1);
    let planned = support::sign_ins::write(Some(1), 2, b"x", WriteKind::Accepted);
    let with = with(&store, &new);
    match with.compare_and_swap(&account(1), planned).await {
        Err(Error::ForeignKey { table, .. }) => assert_eq!(table, sign_ins),
        answer => panic!("{answer:?}"),
    }
    let record = store.load(&account(1)).await.unwrap().unwrap();
    assert_eq!(record.revision, revision(1), "nothing was written");
    run(&pool, format!("INSERT INTO {users} VALUES ('1')")).await;
    let result = with.compare_and_swap(&account(1), planned).await.unwrap();
    assert_eq!(result, WriteResult::Done);
    assert!(is_live(&store, &new).await);
    run(&pool, format!("DELETE FROM {users}")).await;
    assert!(!is_live(&store, &new).await);
}

#[tokio::test]
async fn the_schema_creates_the_tables() {
    let pool = pool(server!()).await;
    let tables = names();
    let schema = PostgresStore::sign_in_schema(&tables, AccountColumn::Text);
    run(&pool, schema).await;
    let store = at(&pool, &table()).with_sign_ins(tables);
    let new = sign_in(&account(1), 1);
    assert!(store.rows().insert_if_off(&new).await.unwrap());
    assert!(is_live(&store, &new).await);
}

async fn with_outbox(pool: &PgPool, outbox: &str) -> GateStore<PostgresStore> {
    let tables = names().with_outbox(outbox).unwrap();
    let store = at(pool, &table()).with_sign_ins(tables);
    store.create_tables().await.unwrap();
    store
}

async fn outbox(pool: &PgPool, outbox: &str, account: u32) -> Vec<Row> {
    let sql = format!(
        "SELECT revision, at, event, cause FROM {outbox} WHERE account = $1 ORDER BY number"
    );
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(account.to_string());
    rows.fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn each_event_has_one_row() {
    let (pool, name) = (pool(server!()).await, table());
    let store = with_outbox(&pool, &name).await;
    let rows = async |account| outbox(&pool, &name, account).await;
    support::outbox::each_event_has_one_row(&store, rows).await;
}

#[tokio::test]
async fn an_id_is_used_once() {
    let (pool, name) = (pool(server!()).await, table());
    let store = with_outbox(&pool, &name).await;
    let rows = async |account| outbox(&pool, &name, account).await;
    support::outbox::an_id_is_used_once(&store, rows).await;
}

#[tokio::test]
async fn an_event_takes_no_round_trip() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    let options = PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false);
    let pool = options.connect(&server.url_at(proxy.address())).await;
    let store = with_outbox(&pool.unwrap(), &table()).await;
    let counts = support::outbox::round_trips(&store, &proxy).await;
    assert_eq!(counts, [1, 1]);
}
