//! The databases of the tests.

use std::any::Any;
use std::sync::LazyLock;

use countersign_diesel::AccountColumn;
use countersign_store_testing::sql::table;
use countersign_store_testing::{Durability, MariaDb, Postgres, Proxy, available};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{
    Connection, MysqlConnection, PgConnection, RunQueryDsl, SqliteConnection, dsl, select,
};
use tempfile::TempDir;

/// A kind of database.
pub(crate) trait Engine: Send + Sync + 'static {
    const IS_SERVER: bool = true;

    /// A statement that fails as if the database had rolled the transaction back in favour of
    /// another one.
    const CONFLICT: Option<&str>;

    /// The types of a column of texts that can be a key, and of a column of bytes.
    const TYPES: [&str; 2];
    /// Bytes as a statement writes them.
    const BYTES: &str = "'x'";
    /// Changes of the columns that do not fit.
    const WRONG_TABLES: &[[&str; 2]];
    /// Drops the primary key of a table.
    const DROP_KEY: &str = "";
    /// Makes a connection wait only shortly for a row.
    const IMPATIENT: &str = "";
    /// Makes a connection read-only.
    const READ_ONLY: &str;
    /// Makes a disk full.
    const FULL_DISK: &str = "";
    /// Begins a transaction that sees one state of the database.
    const SNAPSHOT: &str;
    /// Locks the rows of a table, or the whole database.
    const LOCK: &str = "BEGIN; SELECT * FROM @ FOR UPDATE";
    /// Takes a while.
    const SLEEP: &str = "";
    /// Changes one row, but not at once.
    const SLOW_UPDATE: &str = "";
    /// Changes of a session after which a write fails.
    const CHANGES: &[&str] = &[];
    /// Changes of a session that the store does not notice.
    const HARMLESS: &[&str] = &[];
    /// Changes of a table that the store can use, and whether a load fails once after them.
    const MIGRATIONS: &[(&str, bool)];
    /// A setting of a connection that can lose writes.
    const LOSSY: &str = "";
    /// The round trips in which a blocking connection ends a transaction.
    const BLOCKING_END: usize = 1;

    /// URLs that the server refuses.
    fn closed(_url: &str) -> Vec<String> {
        Vec::new()
    }

    /// The URL of a user who may open no further connection.
    fn full(_database: &Database) -> String {
        String::new()
    }

    /// The URL of a user who may only read the table.
    fn reader(_database: &Database, _table: &str) -> String {
        String::new()
    }

    /// The type of an account column in a table of users, and the user of the tests.
    fn user_id(column: AccountColumn) -> [&'static str; 2];

    /// A server of its own.
    fn start() -> Option<Box<dyn Server>> {
        None
    }

    /// A database of its own, or the one on the server that all tests share. `None` without the
    /// server.
    fn database() -> Option<Database>;

    /// Runs statements as text, on a connection that closes when it is dropped.
    fn hold(database: &Database, sql: &str) -> Box<dyn Any + Send>;

    /// The number that a statement returns.
    fn number(database: &Database, sql: &str) -> i64;

    /// Runs statements as text.
    fn run(database: &Database, sql: &str) {
        drop(Self::hold(database, sql));
    }
}

/// A server that a test stops.
pub(crate) trait Server: Send {
    fn url(&self) -> String;
    fn kill9(&mut self);
    fn stop(&mut self);
    fn restart(&mut self);
}

macro_rules! server {
    ($($server:ty: $kill:ident;)+) => { $(
        impl Server for $server {
            fn url(&self) -> String {
                self.url()
            }

            fn kill9(&mut self) {
                self.$kill().unwrap();
            }

            fn stop(&mut self) {
                self.stop().unwrap();
            }

            fn restart(&mut self) {
                self.restart().unwrap();
            }
        }
    )+ };
}

server! {
    Postgres: kill9_all;
    MariaDb: kill9;
}

pub(crate) struct Database {
    pub(crate) url: String,
    /// The URL through a proxy.
    through: Option<fn(&Proxy) -> String>,
    pub(crate) address: Option<std::net::SocketAddr>,
    _directory: Option<TempDir>,
}

impl Database {
    /// A database without a proxy.
    pub(crate) fn at(url: String) -> Self {
        Self {
            url,
            through: None,
            address: None,
            _directory: None,
        }
    }

    /// A proxy before the server.
    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::start(self.address.unwrap()).unwrap()
    }

    pub(crate) fn url_at(&self, proxy: &Proxy) -> String {
        (self.through.unwrap())(proxy)
    }
}

pub(crate) static POSTGRES: LazyLock<Option<Postgres>> =
    LazyLock::new(|| available(Postgres::start(Durability::Fast)));

pub(crate) static MARIADB: LazyLock<Option<MariaDb>> =
    LazyLock::new(|| available(MariaDb::start(Durability::Fast)));

pub(crate) struct OnPostgres;

impl Engine for OnPostgres {
    const TYPES: [&str; 2] = ["text", "bytea"];
    const WRONG_TABLES: &[[&str; 2]] = &[
        ["account text", "account uuid"],
        ["account text", "account varchar(1)"],
        ["text PRIMARY KEY", "text"],
        ["key_id BIGINT", "key_id integer"],
    ];
    const DROP_KEY: &str = "ALTER TABLE @ DROP CONSTRAINT @_pkey";
    const IMPATIENT: &str = "SET lock_timeout = 100";
    const READ_ONLY: &str = "SET default_transaction_read_only = on";
    const FULL_DISK: &str = "CREATE FUNCTION @_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER full_disk BEFORE UPDATE ON @ EXECUTE FUNCTION @_full()";
    const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ";
    const LOSSY: &str = "SET synchronous_commit = off";
    const SLEEP: &str = "SELECT pg_sleep(60)";
    const SLOW_UPDATE: &str = "UPDATE @ SET id = id + 1 WHERE pg_sleep(0.1)::text = ''";
    const CHANGES: &[&str] = &[
        "CREATE ROLE role_@; SET ROLE role_@",
        "SET search_path TO nowhere",
        "SET default_transaction_read_only = on",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "DISCARD ALL",
        "DEALLOCATE ALL",
    ];
    const HARMLESS: &[&str] = &[
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET default_transaction_deferrable = on; SET default_transaction_isolation = serializable",
        "SET standard_conforming_strings = off; SET bytea_output = escape; SET row_security = off",
        "SET plan_cache_mode = force_generic_plan; SET enable_indexscan = off",
    ];
    const MIGRATIONS: &[(&str, bool)] = &[
        (
            "ALTER TABLE @ ADD COLUMN note integer NOT NULL DEFAULT 5",
            false,
        ),
        (
            "CREATE DOMAIN bytes_@ AS bytea; ALTER TABLE @ ALTER record TYPE bytes_@",
            true,
        ),
    ];

    fn closed(url: &str) -> Vec<String> {
        vec![
            url.strip_suffix("postgres").unwrap().to_owned() + "none",
            url.replace("postgres@", "none@"),
        ]
    }

    fn full(database: &Database) -> String {
        let role = format!("many_{}", table());
        let sql = format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0");
        Self::run(database, &sql);
        database.url.replace("postgres@", &format!("{role}@"))
    }

    fn user_id(column: AccountColumn) -> [&'static str; 2] {
        match column {
            AccountColumn::BigInt => ["bigint", "7"],
            AccountColumn::Uuid => ["uuid", "'07070707-0707-0707-0707-070707070707'"],
            _ => ["text", "'7'"],
        }
    }

    fn start() -> Option<Box<dyn Server>> {
        let server = available(Postgres::start(Durability::Fast))?;
        Some(Box::new(server))
    }

    fn reader(database: &Database, table: &str) -> String {
        let role = format!("reader_{table}");
        let sql = format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON {table} TO {role}");
        Self::run(database, &sql);
        database.url.replace("postgres@", &format!("{role}@"))
    }

    const CONFLICT: Option<&str> = Some(
        "DO $$ BEGIN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END $$",
    );

    fn database() -> Option<Database> {
        let server = POSTGRES.as_ref()?;
        Some(Database {
            url: server.url(),
            through: Some(|proxy| POSTGRES.as_ref().unwrap().url_at(proxy.address())),
            address: Some(server.address()),
            _directory: None,
        })
    }

    fn hold(database: &Database, sql: &str) -> Box<dyn Any + Send> {
        let mut connection = PgConnection::establish(&database.url).unwrap();
        connection.batch_execute(sql).unwrap();
        Box::new(connection)
    }

    fn number(database: &Database, sql: &str) -> i64 {
        let mut connection = PgConnection::establish(&database.url).unwrap();
        select(dsl::sql::<BigInt>(sql))
            .get_result(&mut connection)
            .unwrap()
    }
}

pub(crate) struct OnMariaDb;

impl Engine for OnMariaDb {
    const TYPES: [&str; 2] = ["VARBINARY(9)", "BLOB"];
    const WRONG_TABLES: &[[&str; 2]] = &[
        ["account VARBINARY(9)", "account VARBINARY(1)"],
        ["key_id BIGINT", "key_id INT"],
    ];
    const DROP_KEY: &str = "ALTER TABLE @ DROP PRIMARY KEY";
    const IMPATIENT: &str = "SET innodb_lock_wait_timeout = 1";
    const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";
    /// Diesel turns batches on before it, and off behind it.
    const BLOCKING_END: usize = 3;
    const SLEEP: &str = "DO SLEEP(60)";
    const LOSSY: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED";
    const SLOW_UPDATE: &str = "UPDATE @ SET id = id + 1 WHERE SLEEP(0.1) = 0";
    const CHANGES: &[&str] = &[
        "USE mysql",
        "SET SESSION TRANSACTION READ ONLY",
        "LOCK TABLES mysql.db READ",
    ];
    const HARMLESS: &[&str] = &[
        "SET sql_select_limit = 0",
        "SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
        "SET NAMES latin1",
        "SET autocommit = 0, completion_type = CHAIN",
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET sql_safe_updates = 1, sql_quote_show_create = 0",
    ];
    const MIGRATIONS: &[(&str, bool)] = &[
        (
            "ALTER TABLE @ ADD COLUMN note INT NOT NULL DEFAULT 5",
            false,
        ),
        ("ALTER TABLE @ MODIFY record LONGBLOB NOT NULL", false),
        (
            "ALTER TABLE @ MODIFY revision BIGINT UNSIGNED NOT NULL",
            false,
        ),
    ];
    const SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT";

    fn closed(url: &str) -> Vec<String> {
        vec![url.replace("/test", "/none"), url.replace("root@", "none@")]
    }

    fn full(database: &Database) -> String {
        let user = format!("many_{}", table());
        let sql = format!(
            "CREATE USER {user} WITH MAX_USER_CONNECTIONS 1; GRANT ALL ON test.* TO {user}"
        );
        Self::run(database, &sql);
        let url = database.url.replace("root@", &format!("{user}@"));
        let one = MysqlConnection::establish(&url).unwrap();
        std::mem::forget(one);
        url
    }

    fn user_id(column: AccountColumn) -> [&'static str; 2] {
        match column {
            AccountColumn::BigInt => ["BIGINT", "7"],
            AccountColumn::Uuid => ["BINARY(16)", "REPEAT(CHAR(7), 16)"],
            _ => ["VARBINARY(255)", "'7'"],
        }
    }

    fn start() -> Option<Box<dyn Server>> {
        let server = available(MariaDb::start(Durability::Fast))?;
        Some(Box::new(server))
    }

    fn reader(database: &Database, table: &str) -> String {
        let user = format!("reader_{table}");
        let sql = format!("CREATE USER {user}; GRANT SELECT ON {table} TO {user}");
        Self::run(database, &sql);
        database.url.replace("root@", &format!("{user}@"))
    }

    const CONFLICT: Option<&str> = Some(
        "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, \
         MESSAGE_TEXT = 'Deadlock found when trying to get lock; try restarting transaction'",
    );

    fn database() -> Option<Database> {
        let server = MARIADB.as_ref()?;
        Some(Database {
            url: server.url(),
            through: Some(|proxy| MARIADB.as_ref().unwrap().url_at(proxy.address())),
            address: Some(server.address()),
            _directory: None,
        })
    }

    fn hold(database: &Database, sql: &str) -> Box<dyn Any + Send> {
        let mut connection = MysqlConnection::establish(&database.url).unwrap();
        connection.batch_execute(sql).unwrap();
        Box::new(connection)
    }

    fn number(database: &Database, sql: &str) -> i64 {
        let mut connection = MysqlConnection::establish(&database.url).unwrap();
        select(dsl::sql::<BigInt>(sql))
            .get_result(&mut connection)
            .unwrap()
    }
}

pub(crate) struct OnSqlite;

impl Engine for OnSqlite {
    const TYPES: [&str; 2] = ["TEXT", "BLOB"];
    const BYTES: &str = "x'00'";
    const WRONG_TABLES: &[[&str; 2]] = &[["TEXT PRIMARY KEY", "TEXT"]];
    const READ_ONLY: &str = "PRAGMA query_only = ON";
    const FULL_DISK: &str = "PRAGMA max_page_count = 4";
    const SNAPSHOT: &str = "BEGIN";
    const LOSSY: &str = "PRAGMA synchronous = NORMAL";
    const LOCK: &str = "BEGIN IMMEDIATE";
    const HARMLESS: &[&str] = &[
        "SAVEPOINT a",
        "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON",
        "PRAGMA read_uncommitted = ON; PRAGMA case_sensitive_like = ON",
        "PRAGMA defer_foreign_keys = ON; BEGIN IMMEDIATE",
    ];
    const MIGRATIONS: &[(&str, bool)] = &[
        (
            "ALTER TABLE @ ADD COLUMN note INTEGER NOT NULL DEFAULT 5",
            false,
        ),
        ("CREATE INDEX index_@ ON @ (codes_left)", false),
    ];

    fn user_id(_column: AccountColumn) -> [&'static str; 2] {
        ["INTEGER", "7"]
    }
    const IS_SERVER: bool = false;
    const CONFLICT: Option<&str> = None;

    fn database() -> Option<Database> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accounts.db");
        Some(Database {
            url: path.to_str().unwrap().to_owned(),
            through: None,
            address: None,
            _directory: Some(directory),
        })
    }

    fn hold(database: &Database, sql: &str) -> Box<dyn Any + Send> {
        let mut connection = SqliteConnection::establish(&database.url).unwrap();
        connection
            .batch_execute("PRAGMA busy_timeout = 60000")
            .unwrap();
        connection.batch_execute(sql).unwrap();
        Box::new(connection)
    }

    fn number(database: &Database, sql: &str) -> i64 {
        let mut connection = SqliteConnection::establish(&database.url).unwrap();
        select(dsl::sql::<BigInt>(sql))
            .get_result(&mut connection)
            .unwrap()
    }
}
