//! The shared part of the stores: the arguments of a statement, and the rows that it returns.

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};
use sqlx::error::BoxDynError;
use sqlx::{Database, SqlStr};

use crate::Error;
use crate::statements::{Statements, at_most_one, write_result};
use crate::table_name::TableName;
use crate::value::Value;

/// The part of a store that depends on the database.
pub(crate) trait Dialect: Database {
    /// Adds the next argument of a statement.
    fn add(arguments: &mut Self::Arguments, value: Value<'_>) -> Result<(), BoxDynError>;

    /// The record and the revision of a row.
    fn record(row: &Self::Row) -> Result<(Vec<u8>, i64), sqlx::Error>;

    /// The number of rows that a statement changed.
    fn rows_affected(done: &Self::QueryResult) -> u64;

    /// Converts an error of the driver into an error that says what to do.
    fn error(table: &TableName, source: sqlx::Error) -> Error;

    /// Whether this error of a create says that the account has a row.
    fn says_account_exists(_: &sqlx::Error) -> bool {
        false
    }
}

/// A statement with its arguments.
pub(crate) type Call<'s, DB> = (&'s SqlStr, <DB as Database>::Arguments);

impl Statements {
    pub(crate) fn load<DB: Dialect>(&self, account: &AccountId) -> Result<Call<'_, DB>, Error> {
        Ok((&self.load, arguments::<DB>([self.key(account)?])?))
    }

    pub(crate) fn load_in_transaction<DB: Dialect>(
        &self,
        account: &AccountId,
    ) -> Result<Call<'_, DB>, Error> {
        let arguments = arguments::<DB>([self.key(account)?])?;
        Ok((&self.load_in_transaction, arguments))
    }

    /// The arguments of a row are `revision, record, enabled, codes_left, key_id, account`.
    pub(crate) fn write<DB: Dialect>(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<Call<'_, DB>, Error> {
        let key = self.key(account)?;
        let expected = write.expected().map(Revision::as_i64).map(Value::Number);
        let Some(record) = write.record() else {
            let values = [Some(key), expected].into_iter().flatten();
            return Ok((&self.erase, arguments::<DB>(values)?));
        };
        let summary = write.summary();
        let sql = match expected {
            None => &self.create,
            Some(_) => &self.replace,
        };
        let row = [
            Value::Number(write.revision().as_i64()),
            Value::Bytes(record),
            Value::Flag(summary.enabled),
            Value::Number(summary.codes_left.into()),
            Value::Number(summary.key.get().into()),
            key,
        ];
        let values = row.into_iter().chain(expected);
        Ok((sql, arguments::<DB>(values)?))
    }

    /// The record of an account, from the rows of `load`.
    pub(crate) fn stored<DB: Dialect>(
        &self,
        rows: Vec<DB::Row>,
    ) -> Result<Option<StoredRecord>, Error> {
        let Some(row) = at_most_one(&self.table, rows)? else {
            return Ok(None);
        };
        let (record, revision) = DB::record(&row).map_err(|error| DB::error(&self.table, error))?;
        let revision = Revision::from_i64(revision);
        let revision = revision.map_err(|source| Error::corrupt_row(&self.table, source))?;
        Ok(Some(StoredRecord::new(record, revision)))
    }

    /// The result of a write.
    pub(crate) fn written<DB: Dialect>(
        &self,
        write: ConditionalWrite<'_>,
        answer: Result<DB::QueryResult, Error>,
    ) -> Result<WriteResult, Error> {
        match answer {
            Ok(done) => write_result(&self.table, DB::rows_affected(&done)),
            Err(Error::Database(error))
                if write.expected().is_none() && DB::says_account_exists(&error) =>
            {
                Ok(WriteResult::Stale)
            }
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn arguments<'a, DB: Dialect>(
    values: impl IntoIterator<Item = Value<'a>>,
) -> Result<DB::Arguments, Error> {
    let mut arguments = DB::Arguments::default();
    for value in values {
        DB::add(&mut arguments, value)
            .map_err(|error| Error::Database(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}
