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
    let store = MySqlStore::new(pool(server!()).await);
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "there is no table `countersign`; \
         put the text of `schema` into a migration, or call `create_table`"
    );
    let source = error.source().unwrap().to_string();
    assert!(source.contains("doesn't exist"), "{source}");
}

#[tokio::test]
async fn the_error_names_an_incompatible_table() {
    let pool = pool(server!()).await;
    let ours = "revision BIGINT NOT NULL, record BLOB NOT NULL, enabled BOOLEAN NOT NULL, \
                codes_left BIGINT NOT NULL, key_id BIGINT NOT NULL";
    for columns in [
        // A table of an older version, and a table of a newer version, which renamed a column to
        // stop this version.
        "account VARBINARY(9) PRIMARY KEY, revision BIGINT, record BLOB".into(),
        format!("account VARBINARY(9) PRIMARY KEY, {ours}").replace("record", "record_2"),
        // A newer table with another required column, types that do not fit, an unknown check.
        format!("account VARBINARY(9) PRIMARY KEY, {ours}, region INT NOT NULL"),
        format!("account VARBINARY(1) PRIMARY KEY, {ours}"),
        format!("account INT PRIMARY KEY, {ours}").replace("key_id BIGINT", "key_id INT"),
        format!("account VARBINARY(9) PRIMARY KEY, {ours}, CHECK (codes_left < 100)"),
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
    let more = "seen TIMESTAMP NOT NULL DEFAULT now(), note TEXT";
    let columns = format!("account VARBINARY(9) PRIMARY KEY, {ours}, {more}");
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
        "ALTER TABLE @ DROP PRIMARY KEY; INSERT INTO @ SELECT * FROM @".to_owned(),
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
    let read_only = set("TRANSACTION READ ONLY").connect(&server.url()).await;
    let reader = at(&read_only.unwrap(), &table);
    assert!(reader.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&reader, 1, 2).await;
    assert!(matches!(answer, Err(Error::ReadOnly(_))), "{answer:?}");

    // The server is read-only, like a replica. The administrator, whose connections run the other
    // tests, can still write.
    let pool = pool(server).await;
    run(&pool, "CREATE USER app; GRANT ALL ON test.* TO app").await;
    run(&pool, "SET GLOBAL read_only = 1").await;
    let app = MySqlPool::connect_with(options(server).username("app")).await;
    let app = at(&app.unwrap(), &table);
    assert!(app.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&app, 1, 2).await;
    run(&pool, "SET GLOBAL read_only = 0").await;
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
        format!("CREATE USER reader; GRANT SELECT ON {table} TO reader"),
    )
    .await;
    let reader = options(server).username("reader");
    let reader = at(&MySqlPool::connect_with(reader).await.unwrap(), &table);
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
        "CREATE USER many WITH MAX_USER_CONNECTIONS 1",
    )
    .await;
    let many = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .username("many");
    let many = many.port(server.address().port());
    let _one = MySqlPool::connect_with(many.clone()).await.unwrap();
    let error = error_of_load(many).await;
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("max_user_connections"), "{source}");
}

#[tokio::test]
async fn a_missing_server_is_reported_in_time() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nowhere = MySqlConnectOptions::new().host("127.0.0.1").port(port);
    let begun = Instant::now();
    let error = error_of_load(nowhere).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
}

async fn error_of_load(options: MySqlConnectOptions) -> Error {
    let store = MySqlStore::new(MySqlPool::connect_lazy_with(options));
    let store = store.with_timeout(Duration::from_millis(500));
    store.load(&account(1)).await.unwrap_err()
}

/// The test cannot fill a disk, but it can fill a table in memory.
#[tokio::test]
async fn a_full_table_gives_a_clear_error() {
    let server = server!();
    let memory = set("max_heap_table_size = 16384").max_connections(1);
    let (pool, table) = (memory.connect(&server.url()).await.unwrap(), table());
    let columns = "account VARBINARY(9) PRIMARY KEY, revision BIGINT, record VARBINARY(9000), \
                   enabled BOOLEAN, codes_left BIGINT, key_id BIGINT";
    run(
        &pool,
        format!("CREATE TABLE {table} ({columns}) ENGINE = MEMORY"),
    )
    .await;
    let store = at(&pool, &table);
    let mut answers = Vec::new();
    for id in 0..100 {
        let account = account(id);
        let answer = store.compare_and_swap(&account, write(None, 1, b"x"));
        answers.push(answer.await);
    }
    let last = answers.pop().unwrap();
    assert!(matches!(last, Err(Error::DiskFull(_))), "{last:?}");
}

#[tokio::test]
async fn an_exhausted_pool_times_out() {
    let options = MySqlPoolOptions::new().max_connections(1);
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
    let impatient = set("innodb_lock_wait_timeout = 1")
        .connect(&server.url())
        .await;
    let answer = overwrite(&at(&impatient.unwrap(), &table), 1, 2).await;
    assert!(matches!(answer, Err(Error::Locked(_))), "{answer:?}");
}

/// A load waits for no row. The server reports a locked table like a cluster that is behind.
#[tokio::test]
async fn a_load_that_cannot_begin_gives_a_clear_error() {
    let (server, table) = (server!(), table());
    let pool = pool(server).await;
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let impatient = set("lock_wait_timeout = 1").connect(&server.url()).await;
    let impatient = at(&impatient.unwrap(), &table);
    let mut other = pool.begin().await.unwrap();
    let lock = AssertSqlSafe(format!("SELECT * FROM {table} FOR UPDATE"));
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    assert!(impatient.load(&account(1)).await.unwrap().is_some());
    let lock = AssertSqlSafe(format!("LOCK TABLES {table} WRITE"));
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    let answer = impatient.load(&account(1)).await;
    assert!(matches!(answer, Err(Error::NodeBehind(_))), "{answer:?}");
    sqlx::raw_sql("UNLOCK TABLES")
        .execute(&mut *other)
        .await
        .unwrap();
}
