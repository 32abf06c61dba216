//! The store names the reason why it cannot answer.

use super::*;

#[tokio::test]
async fn an_unfitting_account_id_is_an_error() {
    let pool = pool(server!()).await;
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
    let store = PostgresStore::new(pool(server!()).await);
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "there is no table `countersign`; \
         put the text of `schema` into a migration, or call `create_table`"
    );
    let source = error.source().unwrap().to_string();
    assert!(source.contains("does not exist"), "{source}");
}

#[tokio::test]
async fn the_error_names_an_incompatible_table() {
    let pool = pool(server!()).await;
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
        run(&pool, format!("CREATE TABLE {table} ({columns})")).await;
        let error = at(&pool, &table)
            .compare_and_swap(&account(44), write(None, 1, b"x"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::WrongTable { .. }),
            "{columns}: {error:?}"
        );
        let named = format!("the table `{table}` has other columns than the text of `schema`");
        assert!(error.to_string().starts_with(&named), "{error}");
    }
    // A table whose additional columns have defaults is fine.
    let table = table();
    let more = "seen timestamptz NOT NULL DEFAULT now(), note text";
    let columns = format!("account text PRIMARY KEY, {ours}, {more}");
    run(&pool, format!("CREATE TABLE {table} ({columns})")).await;
    create(&at(&pool, &table), &account(1)).await;
}

#[tokio::test]
async fn an_unknown_row_is_an_error() {
    let pool = pool(server!()).await;
    let table = table();
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    for tampering in [
        "UPDATE @ SET revision = 0".to_owned(),
        "UPDATE @ SET revision = -1".to_owned(),
        "ALTER TABLE @ DROP CONSTRAINT @_pkey; INSERT INTO @ SELECT * FROM @".to_owned(),
    ] {
        run(&pool, tampering.replace('@', &table)).await;
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
    }
    run(&pool, format!("UPDATE {table} SET revision = 1")).await;
    let answer = overwrite(&store, 1, 2).await;
    assert!(
        matches!(answer, Err(Error::CorruptRow { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_read_only_database_serves_loads_only() {
    let (server, table) = (server!(), table());
    let store = at(&pool(server).await, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let read_only = options(server).options([("default_transaction_read_only", "on")]);
    let reader = at(&PgPool::connect_with(read_only).await.unwrap(), &table);
    assert!(reader.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&reader, 1, 2).await;
    assert!(matches!(answer, Err(Error::ReadOnly(_))), "{answer:?}");
}

#[tokio::test]
async fn a_user_without_rights_gives_a_clear_error() {
    let (server, table) = (server!(), table());
    let pool = pool(server).await;
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    run(
        &pool,
        format!("CREATE ROLE reader LOGIN; GRANT SELECT ON {table} TO reader"),
    )
    .await;
    let reader = options(server).username("reader");
    let reader = at(&PgPool::connect_with(reader).await.unwrap(), &table);
    assert!(reader.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&reader, 1, 2).await;
    assert!(matches!(answer, Err(Error::NotAllowed(_))), "{answer:?}");
}

#[tokio::test]
async fn a_refused_connection_gives_a_clear_error() {
    let server = server!();
    for closed in [
        options(server).database("none"),
        options(server).username("none"),
    ] {
        let error = error_of_load(closed).await;
        assert!(matches!(error, Error::CannotOpen(_)), "{error:?}");
    }
    run(
        &pool(server).await,
        "CREATE ROLE many LOGIN CONNECTION LIMIT 0",
    )
    .await;
    let error = error_of_load(options(server).username("many")).await;
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("too many connections"), "{source}");
}

#[tokio::test]
async fn a_missing_server_is_reported_in_time() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nowhere = PgConnectOptions::new().host("127.0.0.1").port(port);
    let begun = Instant::now();
    let error = error_of_load(nowhere).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
}

async fn error_of_load(options: PgConnectOptions) -> Error {
    let store = PostgresStore::new(PgPool::connect_lazy_with(options));
    let store = store.with_timeout(Duration::from_millis(500));
    store.load(&account(1)).await.unwrap_err()
}

/// The test cannot fill a disk. A trigger raises the server's error instead.
#[tokio::test]
async fn a_full_disk_gives_a_clear_error() {
    let (pool, table) = (pool(server!()).await, table());
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let sql = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN RAISE 'could not extend file: No space left on device'
               USING ERRCODE = '53100'; END $$;
               CREATE TRIGGER full_disk BEFORE UPDATE ON @ EXECUTE FUNCTION full_disk()";
    run(&pool, sql.replace('@', &table)).await;
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::DiskFull(_))), "{answer:?}");
}

#[tokio::test]
async fn an_exhausted_pool_times_out() {
    let options = PgPoolOptions::new().max_connections(1);
    let pool = options.connect(&server!().url()).await.unwrap();
    let store = store(&pool).await.with_timeout(Duration::from_millis(200));
    let connection = pool.acquire().await.unwrap();
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoConnection { .. }), "{error:?}");
    drop(connection);
    let store = store.with_timeout(Duration::from_secs(60));
    assert_eq!(store.load(&account(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_row_lock_timeout_gives_a_clear_error() {
    let (server, table) = (server!(), table());
    let pool = pool(server).await;
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let mut other = pool.begin().await.unwrap();
    let lock = AssertSqlSafe(format!("SELECT * FROM {table} FOR UPDATE"));
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    let options = options(server).options([("lock_timeout", "100")]);
    let store = at(&PgPool::connect_with(options).await.unwrap(), &table);
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::Locked(_))), "{answer:?}");
}

#[tokio::test]
async fn an_unknown_prepared_statement_names_the_pooler() {
    let options = PgPoolOptions::new().max_connections(1);
    let pool = options.connect(&server!().url()).await.unwrap();
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    run(&pool, "DEALLOCATE ALL").await;
    let error = store
        .compare_and_swap(&account(2), write(None, 1, b"record"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Pooler(_)), "{error:?}");
}

/// A pool of one connection, and a store on a table of its own with the account 1.
async fn one_connection(server: &Postgres) -> (PgPool, PostgresStore, String) {
    let options = PgPoolOptions::new().max_connections(1);
    let (pool, table) = (options.connect(&server.url()).await.unwrap(), table());
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    (pool, store, table)
}

/// After a failover, a connection can lead to the old primary, which is a replica now.
#[tokio::test]
async fn a_read_only_connection_is_replaced() {
    let (pool, store, _) = one_connection(server!()).await;
    run(&pool, "SET default_transaction_read_only = on").await;
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::ReadOnly(_))), "{answer:?}");
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
}

/// The server refuses a prepared load whose columns got another type, even if the type fits.
#[tokio::test]
async fn a_plan_of_another_column_type_is_replaced() {
    let (pool, store, table) = one_connection(server!()).await;
    assert!(store.load(&account(1)).await.unwrap().is_some());
    let change = format!("ALTER TABLE {table} ALTER record TYPE varbytes");
    run(&pool, "CREATE DOMAIN varbytes AS bytea").await;
    run(&pool, change).await;
    let answer = store.load(&account(1)).await;
    assert!(
        matches!(answer, Err(Error::WrongTable { .. })),
        "{answer:?}"
    );
    assert!(store.load(&account(1)).await.unwrap().is_some());
}

/// The server answers `INSERT 0 1` before it checks a deferred key, and reports the failure later.
#[tokio::test]
async fn a_failed_commit_is_an_error() {
    let (pool, store, table) = one_connection(server!()).await;
    let key = "FOREIGN KEY (key_id) REFERENCES @_keys DEFERRABLE INITIALLY DEFERRED";
    let sql = format!("CREATE TABLE @_keys (id bigint PRIMARY KEY); ALTER TABLE @ ADD {key}");
    run(&pool, format!("DELETE FROM {table}")).await;
    run(&pool, sql.replace('@', &table)).await;
    let attempt = write(None, 1, b"record");
    let error = store.compare_and_swap(&account(1), attempt).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
    assert_eq!(store.load(&account(1)).await.unwrap(), None);
}
