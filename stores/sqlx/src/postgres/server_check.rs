//! What a store asks a PostgreSQL server, or a pooler in front of it.

use std::time::Duration;

use countersign_sql::{Dialect, Failure, PoolerQuestion, TableName};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection, Pool, Postgres};
use tokio::time::{sleep, timeout};

use crate::Error;
use crate::driver::Driver;
use crate::server_check::{CheckedServer, Running};
use crate::settings::time_limit;

impl CheckedServer for Postgres {
    fn check<'c>(
        connection: &'c mut PgConnection,
        pool: &'c Pool<Self>,
        table: &'c TableName,
    ) -> Running<'c, Option<Duration>> {
        Box::pin(async move {
            let limit = time_limit::<Self>(Dialect::Postgres, connection, table).await?;
            let other = pool.connect_options();
            let Ok(Ok(mut other)) = timeout(CONNECT_LIMIT, other.connect()).await else {
                return Ok(None);
            };
            let kept_apart = keep_apart(connection, &mut other).await;
            kept_apart.map_err(|failed| failed.error(table))?;
            // The check is over, whether or not the server hears of it.
            _ = other.close().await;
            Ok(Some(limit))
        })
    }
}

enum Failed {
    Statement(sqlx::Error),
    OfTheOther,
}

impl Failed {
    fn error(self, table: &TableName) -> Error {
        match self {
            Self::Statement(error) => Postgres::error(table, error),
            Self::OfTheOther => {
                let source = sqlx::Error::Protocol(MIXED_UP.to_owned());
                Failure::Pooler.error(table, source)
            }
        }
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

/// Runs prepared statements of two connections in turns.
///
/// A pooler that pools by transaction lets the server run each statement on any of its processes.
/// The driver gives the statements of every connection the same names. So a process knows the
/// statement of the other connection by this name, or none. The open transaction keeps the process
/// of the other connection, so that this connection must change to another one. A pooler that knows
/// which client prepared which statement passes.
async fn keep_apart(one: &mut PgConnection, other: &mut PgConnection) -> Result<(), Failed> {
    for _ in 0..PoolerQuestion::ROUNDS {
        answers(one, ONE).await?;
        sqlx::raw_sql("BEGIN").execute(&mut *other).await?;
        answers(other, OTHER).await?;
        for pause in PoolerQuestion::PAUSES {
            sleep(pause).await;
            answers(one, ONE).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut *other).await?;
    }
    Ok(())
}

async fn answers(
    connection: &mut PgConnection,
    (sql, expected): (&'static str, &str),
) -> Result<(), Failed> {
    let answer: String = sqlx::query_scalar(sql).fetch_one(connection).await?;
    if answer == expected {
        Ok(())
    } else {
        Err(Failed::OfTheOther)
    }
}

const ONE: (&str, &str) = ("SELECT 'one'", "one");
const OTHER: (&str, &str) = ("SELECT 'other'", "other");
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
const MIXED_UP: &str = "the answer belongs to a statement of another connection";
