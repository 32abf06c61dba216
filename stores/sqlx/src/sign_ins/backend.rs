use std::fmt;

use countersign::store::Store;
use countersign_sql::{RecordTable, TableName};
use sqlx::{Database, SqlStr};

use super::{Applied, SignInStatements, SignInTables, Step};
use crate::driver::Driver;
use crate::{AccountColumn, Error};

/// The store of one database, as a [`GateStore`](crate::GateStore) needs it.
pub(crate) trait Backend: Store<Error = Error> + Clone + fmt::Debug + 'static {
    /// The database.
    type Database: Driver<Arguments: Send + Sync>;

    /// The statements for the tables of sign-ins. `records` is the table of records.
    fn sign_in_statements(
        tables: SignInTables,
        records: &TableName,
        account: AccountColumn,
    ) -> SignInStatements;

    /// The table of records.
    fn table(&self) -> &RecordTable;

    /// Creates the table of records.
    fn create_records(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Runs a statement that creates a table or an index if it is missing.
    fn create(
        &self,
        table: &TableName,
        sql: &SqlStr,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Runs a statement that changes rows, and returns their number.
    fn change(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: <Self::Database as Database>::Arguments,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Runs a statement that returns rows.
    fn rows_of(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: <Self::Database as Database>::Arguments,
    ) -> impl Future<Output = Result<Vec<<Self::Database as Database>::Row>, Error>> + Send;

    /// Runs the steps in a transaction.
    fn apply(
        &self,
        steps: Vec<Step<Self::Database>>,
    ) -> impl Future<Output = Result<Applied, Error>> + Send;

    /// The number in a column of a row.
    fn number(row: &<Self::Database as Database>::Row, column: usize) -> Result<i64, sqlx::Error>;
}
