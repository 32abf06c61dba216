use countersign_sql::TableName;
use sqlx::{Connection, Database, Executor, IntoArguments, SqlStr};

use super::single_row::several_rows;
use crate::Error;
use crate::driver::Driver;

/// A statement of a transaction.
pub(crate) struct Step<DB: Database> {
    pub(crate) table: TableName,
    pub(crate) sql: SqlStr,
    pub(crate) arguments: DB::Arguments,
    /// Whether the statement must change exactly one row. If it changes none, the transaction is
    /// rolled back.
    pub(crate) changes_one: bool,
}

impl<DB: Database<Arguments: Clone>> Clone for Step<DB> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            sql: self.sql.clone(),
            arguments: self.arguments.clone(),
            changes_one: self.changes_one,
        }
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// All steps are committed.
    Committed,
    /// The step with this index changed no row, so nothing was written.
    Stopped(usize),
}

/// Runs the steps in a transaction. If the future is dropped, the driver rolls the transaction back
/// before it uses the connection again.
pub(crate) async fn apply<DB>(
    connection: &mut DB::Connection,
    begin: SqlStr,
    steps: &[Step<DB>],
) -> Result<Applied, Error>
where
    DB: Driver<Arguments: Clone + IntoArguments<DB>>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let Some(first) = steps.first() else {
        return Ok(Applied::Committed);
    };
    let failed = |error| DB::error(&first.table, error);
    let mut transaction = connection.begin_with(begin).await.map_err(failed)?;
    for (index, step) in steps.iter().enumerate() {
        let query = sqlx::query_with(step.sql.clone(), step.arguments.clone());
        let answer = query.execute(&mut *transaction).await;
        let answer = answer.map_err(|error| DB::error(&step.table, error));
        let end = match answer.map(|done| DB::rows_affected(&done)) {
            Ok(_) if !step.changes_one => continue,
            Ok(1) => continue,
            Ok(0) => Ok(Applied::Stopped(index)),
            Ok(_) => Err(several_rows(&step.table).into()),
            Err(error) => Err(error),
        };
        // If the rollback fails, the connection is lost, and the database rolls back.
        let rolled_back = transaction.rollback().await;
        return match (end, rolled_back) {
            (Ok(_), Err(error)) => Err(DB::error(&step.table, error)),
            (end, _) => end,
        };
    }
    transaction.commit().await.map_err(failed)?;
    Ok(Applied::Committed)
}
