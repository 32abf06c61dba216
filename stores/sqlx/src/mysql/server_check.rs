//! What a store asks a MySQL or MariaDB server.

use std::time::Duration;

use countersign_sql::{Dialect, TableName};
use sqlx::mysql::MySqlConnection;
use sqlx::{MySql, Pool};

use crate::server_check::{CheckedServer, Running};
use crate::settings::time_limit;

impl CheckedServer for MySql {
    fn check<'c>(
        connection: &'c mut MySqlConnection,
        _: &'c Pool<Self>,
        table: &'c TableName,
    ) -> Running<'c, Option<Duration>> {
        Box::pin(async move {
            let limit = time_limit::<Self>(Dialect::MySql, connection, table).await?;
            Ok(Some(limit))
        })
    }
}
