use std::fmt;

use async_trait::async_trait;
use countersign_sql::{TableName, Value};
use sqlx::SqlStr;

use crate::Error;
use crate::driver::{Driver, arguments};
use crate::sign_ins::{Backend, at_most_one};

/// The rows of sessions in any database.
#[async_trait]
pub(crate) trait Rows: fmt::Debug + Send + Sync {
    /// Runs a statement that creates a table or an index if it is missing.
    async fn create(&self, table: &TableName, sql: &SqlStr) -> Result<(), Error>;

    /// Runs a statement that changes rows, and returns their number: 0 if it inserts a row that
    /// exists.
    async fn change(
        &self,
        table: &TableName,
        sql: &SqlStr,
        values: Vec<Value<'_>>,
    ) -> Result<u64, Error>;

    /// Returns the text and the number of a row.
    async fn find(
        &self,
        table: &TableName,
        sql: &SqlStr,
        values: Vec<Value<'_>>,
    ) -> Result<Option<(Vec<u8>, i64)>, Error>;
}

#[async_trait]
impl<S: Backend> Rows for S {
    async fn create(&self, table: &TableName, sql: &SqlStr) -> Result<(), Error> {
        Backend::create(self, table, sql).await
    }

    async fn change(
        &self,
        table: &TableName,
        sql: &SqlStr,
        values: Vec<Value<'_>>,
    ) -> Result<u64, Error> {
        let arguments = arguments::<S::Database>(values)?;
        match Backend::change(self, table, sql, arguments).await {
            Err(Error::AlreadyExists(_)) => Ok(0),
            answer => answer,
        }
    }

    async fn find(
        &self,
        table: &TableName,
        sql: &SqlStr,
        values: Vec<Value<'_>>,
    ) -> Result<Option<(Vec<u8>, i64)>, Error> {
        let arguments = arguments::<S::Database>(values)?;
        let rows = self.rows_of(table, sql, arguments).await?;
        let Some(row) = at_most_one(table, rows)? else {
            return Ok(None);
        };
        let failed = |error| S::Database::error(table, error);
        Ok(Some((
            S::Database::id(&row, 0).map_err(failed)?,
            S::number(&row, 1).map_err(failed)?,
        )))
    }
}
