//! The databases of the tests.

use std::sync::LazyLock;

use countersign_store_testing::{Durability, MariaDb, Postgres, Proxy, available};
use diesel::connection::SimpleConnection;
use diesel::{Connection, MysqlConnection, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// A kind of database.
pub(crate) trait Engine: Send + Sync + 'static {
    const IS_SERVER: bool = true;

    /// A database of its own, or the one on the server that all tests share. `None` without the
    /// server.
    fn database() -> Option<Database>;

    /// Runs statements as text, on a connection of their own.
    fn run(database: &Database, sql: &str) -> diesel::QueryResult<()>;
}

pub(crate) struct Database {
    pub(crate) url: String,
    /// The URL through a proxy.
    through: Option<fn(&Proxy) -> String>,
    address: Option<std::net::SocketAddr>,
    _directory: Option<TempDir>,
}

impl Database {
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
    fn database() -> Option<Database> {
        let server = POSTGRES.as_ref()?;
        Some(Database {
            url: server.url(),
            through: Some(|proxy| POSTGRES.as_ref().unwrap().url_at(proxy.address())),
            address: Some(server.address()),
            _directory: None,
        })
    }

    fn run(database: &Database, sql: &str) -> diesel::QueryResult<()> {
        PgConnection::establish(&database.url).unwrap().batch_execute(sql)
    }
}

pub(crate) struct OnMariaDb;

impl Engine for OnMariaDb {
    fn database() -> Option<Database> {
        let server = MARIADB.as_ref()?;
        Some(Database {
            url: server.url(),
            through: Some(|proxy| MARIADB.as_ref().unwrap().url_at(proxy.address())),
            address: Some(server.address()),
            _directory: None,
        })
    }

    fn run(database: &Database, sql: &str) -> diesel::QueryResult<()> {
        MysqlConnection::establish(&database.url).unwrap().batch_execute(sql)
    }
}

pub(crate) struct OnSqlite;

impl Engine for OnSqlite {
    const IS_SERVER: bool = false;

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

    fn run(database: &Database, sql: &str) -> diesel::QueryResult<()> {
        let mut connection = SqliteConnection::establish(&database.url).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 60000").unwrap();
        connection.batch_execute(sql)
    }
}
