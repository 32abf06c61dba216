use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::str::FromStr;
use std::time::Duration;

use countersign::store::BoxStore;
use countersign_sqlx::{
    AccountColumn, GateStore, PostgresStore, SessionTable, SignInTables, SqliteStore,
    TableNameError,
};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::BoxError;

/// The database of the service, which also holds countersign's table: SQLite in a file, or
/// PostgreSQL.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file; SQLite is built in.
    Sqlite(SqlitePool),
    /// A server.
    Postgres {
        /// For the tables of the service.
        pool: PgPool,
        /// For the tables of countersign, so that no other code leaves a transaction open there.
        store: PgPool,
    },
}

/// Evaluates an expression with the pool of either database.
macro_rules! on {
    ($database:expr, $pool:ident => $run:expr) => {
        match $database {
            $crate::Database::Sqlite($pool) => $run,
            $crate::Database::Postgres { pool: $pool, .. } => $run,
        }
    };
}
/// Runs a query on either database. The SQL text is the same for both: SQLite accepts `$1`,
/// `ON CONFLICT` and `RETURNING` like PostgreSQL.
macro_rules! query {
    ($fetch:ident, $database:expr, $sql:expr $(, $value:expr)*) => {
        $crate::database::on!($database, pool => sqlx::query_as($sql)$(.bind($value))*.$fetch(pool).await)
    };
}
/// Runs a statement on either database, and returns the number of rows.
macro_rules! execute {
    ($database:expr, $sql:expr $(, $value:expr)*) => {
        $crate::database::on!($database, pool => {
            let done = sqlx::query($sql)$(.bind($value))*.execute(pool).await;
            done.map(|done| done.rows_affected())
        })
    };
}
pub(crate) use {execute, on, query};

impl Database {
    /// Opens the database at the URL, `sqlite:PATH` or `postgres://...`, and creates missing
    /// tables. On Unix, a new file has mode 0600, and an existing file keeps its mode.
    ///
    /// # Errors
    /// If the URL has another form, or the database cannot be reached or written to.
    pub async fn open(url: &str) -> Result<Self, BoxError> {
        let database = match url.split_once(':') {
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                create_if_missing(path)?;
                let options = SqliteStore::connect_options(path);
                // SQLite has one writer. The others wait in no order for it, and in order for the pool.
                let pool = SqlitePoolOptions::new().test_before_acquire(false);
                let pool = pool.max_connections(6).connect_with(options).await?;
                on_sqlite(&pool)?.create_tables().await?;
                let schema = include_str!("schema/sqlite.sql");
                sqlx::raw_sql(schema).execute(&pool).await?;
                Self::Sqlite(pool)
            }
            Some(("postgres" | "postgresql", _)) => {
                let options = PgConnectOptions::from_str(url)?;
                let store = PostgresStore::own_pool_options().max_connections(10);
                let store = store.connect_lazy_with(options.clone());
                // These options end a transaction that a cancelled request left open.
                let pool = PostgresStore::pool_options().max_connections(10);
                let pool = pool.connect_lazy_with(options);
                on_postgres(&store)?.create_tables().await?;
                let schema = include_str!("schema/postgres.sql");
                sqlx::raw_sql(schema).execute(&pool).await?;
                Self::Postgres { pool, store }
            }
            _ => return Err("the database must be sqlite:PATH or postgres://...".into()),
        };
        database.sessions()?.create_table().await?;
        Ok(database)
    }

    /// Whether there are records already. Only the key that encrypted them can decrypt them.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn has_records(&self) -> Result<bool, BoxError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM countersign)";
        let (exists,): (bool,) = query!(fetch_one, self, sql)?;
        Ok(exists)
    }

    /// The sessions of browsers.
    pub(crate) fn sessions(&self) -> Result<SessionTable, TableNameError> {
        let sessions = match self {
            Self::Sqlite(pool) => SqliteStore::new(pool.clone()).sessions(SESSIONS)?,
            Self::Postgres { store, .. } => PostgresStore::new(store.clone()).sessions(SESSIONS)?,
        };
        Ok(sessions.with_lifetime(LIFETIME))
    }

    /// Returns the store of the records, for a program of the staff.
    ///
    /// # Errors
    /// If a table has no valid name.
    pub fn store(&self) -> Result<BoxStore, BoxError> {
        Ok(match self {
            Self::Sqlite(pool) => BoxStore::new(on_sqlite(pool)?),
            Self::Postgres { store, .. } => BoxStore::new(on_postgres(store)?),
        })
    }
}

/// Creates an empty file if there is no file. SQLite itself would create one that other users can
/// read. It gives the mode of this file to the files `-wal` and `-shm`.
fn create_if_missing(path: &str) -> Result<(), BoxError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(format!("{path}: {error}").into())
        }
        _ => Ok(()),
    }
}

/// The records and sign-ins on SQLite.
pub(crate) fn on_sqlite(pool: &SqlitePool) -> Result<GateStore<SqliteStore>, TableNameError> {
    let store = SqliteStore::new(pool.clone()).with_account_column(AccountColumn::BigInt);
    Ok(store.with_sign_ins(tables()?))
}

/// The records and sign-ins on PostgreSQL.
pub(crate) fn on_postgres(pool: &PgPool) -> Result<GateStore<PostgresStore>, TableNameError> {
    let store = PostgresStore::new(pool.clone()).with_account_column(AccountColumn::BigInt);
    Ok(store.with_sign_ins(tables()?))
}

/// The flag of each user is in the service's own table, in the transaction of the record. So are
/// the events.
fn tables() -> Result<SignInTables, TableNameError> {
    SignInTables::new()
        .with_table("sign_ins")?
        .with_flag_column("users", "id", "enrolled")?
        .with_outbox("factor_events")
}

const SESSIONS: &str = "browser_sessions";
/// The lifetime of a session without changes. No sign-in lasts longer.
const LIFETIME: Duration = Duration::from_hours(12);
