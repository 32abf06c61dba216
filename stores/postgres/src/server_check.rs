//! What a store asks a server before its first statement.

use countersign_sql::{Dialect, TableName};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{DriverError, Error};

/// Why a statement has no answer.
pub(crate) enum Failed {
    Driver(DriverError),
    /// The server breaks the promises of a store, and the statement was not sent.
    Refused(Error),
}

impl Failed {
    /// Whether the connection must be closed. A new one also has the new settings of its user.
    pub(crate) fn spoils_connection(&self) -> bool {
        match self {
            Self::Driver(error) => error.spoils_connection(),
            Self::Refused(_) => true,
        }
    }

    pub(crate) fn error(self, table: &TableName) -> Error {
        match self {
            Self::Driver(error) => error.of_statement(table),
            Self::Refused(error) => error,
        }
    }
}

impl<E: Into<DriverError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Driver(error.into())
    }
}

/// Asks the server for its settings.
pub(crate) async fn check_settings(client: &Client) -> Result<(), Failed> {
    let messages = client.simple_query(Dialect::Postgres.settings()).await?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0)?, row.get(1)?)),
        _ => None,
    });
    let limit = Dialect::Postgres.time_limit(rows);
    limit.map(|_| ()).map_err(Failed::Refused)
}
