use std::fmt;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};

use crate::statements::Statements;
use crate::{
    AccountColumn, Call, CorruptRow, Dialect, Error, TableName, TableNameError, Value,
    WrongAccount, mysql, postgres, sqlite,
};

/// The table of records: the text of every statement, and the meaning of every answer.
///
/// A store holds one of these next to its pool. Each method of the store asks for a [`Call`], runs
/// it, and hands over the answer:
///
/// | method of `Store` | call | answer |
/// |---|---|---|
/// | `load` | [`load`](Self::load) | [`stored`](Self::stored) |
/// | `compare_and_swap` | [`write`](Self::write) | [`written`](Self::written) |
///
/// To list accounts, use [`accounts_after`](Self::accounts_after) and
/// [`accounts`](Self::accounts).
///
/// Run each call in autocommit mode: it is one statement that commits by itself. Inside a
/// transaction, a rollback would undo a counted failure.
///
/// ```
/// use countersign::AccountId;
/// use countersign_sql::{AccountColumn, Dialect, RecordTable, Value};
///
/// let table = RecordTable::new(Dialect::Postgres)
///     .with_table("second_factor")?
///     .with_account_column(AccountColumn::BigInt);
/// let account = AccountId::from(4711_u32);
/// let call = table.load(&account)?;
/// assert_eq!(
///     &**call.sql(),
///     "SELECT record, revision FROM \"second_factor\" WHERE account = $1"
/// );
/// assert_eq!(call.arguments(), [Value::Number(4711)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RecordTable {
    dialect: Dialect,
    name: TableName,
    account: AccountColumn,
    statements: Statements,
}

impl RecordTable {
    /// Makes the statements for the table `countersign` with a text column for accounts.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self::of(dialect, TableName::default(), AccountColumn::Text)
    }

    fn of(dialect: Dialect, name: TableName, account: AccountColumn) -> Self {
        let statements = match dialect {
            Dialect::Sqlite => sqlite::statements(&name, account),
            Dialect::Postgres => postgres::statements(&name, account),
            Dialect::MySql => mysql::statements(&name, account),
        };
        Self {
            dialect,
            name,
            account,
            statements,
        }
    }

    /// Sets the name of the table.
    ///
    /// # Errors
    /// [`TableNameError`] unless the name has 1 to 63 ASCII letters, digits and underscores, and
    /// does not begin with a digit.
    pub fn with_table(self, name: &str) -> Result<Self, TableNameError> {
        Ok(Self::of(self.dialect, TableName::new(name)?, self.account))
    }

    /// Sets the type of the column `account`.
    #[must_use]
    pub fn with_account_column(self, account: AccountColumn) -> Self {
        Self::of(self.dialect, self.name, account)
    }

    /// The dialect of the statements.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The name of the table.
    #[must_use]
    pub const fn name(&self) -> &TableName {
        &self.name
    }

    /// The type of the column `account`.
    #[must_use]
    pub const fn account_column(&self) -> AccountColumn {
        self.account
    }

    /// The SQL text that creates the table if it is missing, for a migration.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.statements.create_table
    }

    /// The statement of [`schema`](Self::schema), which has no arguments.
    ///
    /// On PostgreSQL, a client that creates the table at the same time can cause
    /// [`Error::AlreadyExists`]. Run the statement once more then.
    #[must_use]
    pub fn create_table(&self) -> Call<'_> {
        Call::new(&self.statements.create_table)
    }

    /// Returns the record and the revision of an account: the columns `record` (bytes) and
    /// `revision` (64-bit integer), in at most one row. Hand them to [`stored`](Self::stored).
    ///
    /// # Errors
    /// [`WrongAccount`] if the account id does not fit the column.
    pub fn load<'a>(&'a self, account: &'a AccountId) -> Result<Call<'a>, WrongAccount> {
        Ok(Call::new(&self.statements.load).with([self.key(account)?]))
    }

    /// Like [`load`](Self::load), for a transaction of the application. It also returns a row that
    /// another transaction committed after this transaction began to read.
    ///
    /// Only `Verifier::import_in_transaction` may run in a transaction of the application.
    ///
    /// # Errors
    /// [`WrongAccount`] if the account id does not fit the column.
    pub fn load_in_transaction<'a>(
        &'a self,
        account: &'a AccountId,
    ) -> Result<Call<'a>, WrongAccount> {
        Ok(Call::new(&self.statements.load_in_transaction).with([self.key(account)?]))
    }

    /// Creates, replaces or erases the record of an account, if the account has the expected
    /// revision. Hand the number of rows that it changed to [`written`](Self::written).
    ///
    /// MySQL drivers must count the rows that match, not those that change: set the flag
    /// `CLIENT_FOUND_ROWS` when you connect.
    ///
    /// # Errors
    /// [`WrongAccount`] if the account id does not fit the column.
    pub fn write<'a>(
        &'a self,
        account: &'a AccountId,
        write: ConditionalWrite<'a>,
    ) -> Result<Call<'a>, WrongAccount> {
        let key = self.key(account)?;
        let expected = write.expected().map(Revision::as_i64).map(Value::Number);
        let Some(record) = write.record() else {
            let call = Call::new(&self.statements.erase);
            return Ok(call.with([key]).with(expected));
        };
        let summary = write.summary();
        let call = Call::new(match expected {
            None => &self.statements.create,
            Some(_) => &self.statements.replace,
        });
        let row = [
            Value::Number(write.revision().as_i64()),
            Value::Bytes(record),
            Value::Flag(summary.enabled),
            Value::Number(summary.codes_left.into()),
            Value::Number(summary.key.get().into()),
            key,
        ];
        Ok(call.with(row).with(expected))
    }

    /// Returns the next accounts after `cursor`, at most `limit`, in the order of the column. Each
    /// row has one column, `id`: text on PostgreSQL, and bytes elsewhere. Hand the rows to
    /// [`accounts`](Self::accounts).
    ///
    /// # Errors
    /// [`WrongAccount`] if the account id does not fit the column.
    pub fn accounts_after<'a>(
        &'a self,
        cursor: Option<&'a AccountId>,
        limit: u32,
    ) -> Result<Call<'a>, WrongAccount> {
        let limit = Value::Number(limit.into());
        Ok(match cursor {
            None => Call::new(&self.statements.first_accounts).with([limit]),
            Some(cursor) => {
                Call::new(&self.statements.accounts_after).with([self.key(cursor)?, limit])
            }
        })
    }

    /// The account id as the column stores it, for statements of your own.
    ///
    /// # Errors
    /// [`WrongAccount`] if the account id does not fit the column.
    pub fn key<'a>(&self, account: &'a AccountId) -> Result<Value<'a>, WrongAccount> {
        let key = self.account.key(account);
        key.ok_or_else(|| WrongAccount {
            account: account.clone(),
            column: self.account,
        })
    }

    /// The record of an account, from the answer to [`load`](Self::load): the columns `record` and
    /// `revision` of each row.
    ///
    /// On MySQL and MariaDB, [`Error::Locked`] becomes [`Error::NodeBehind`], because a load waits
    /// for no row.
    ///
    /// # Errors
    /// The error of the answer or of a row, or [`Error::CorruptRow`] if no store wrote the row.
    pub fn stored<E>(
        &self,
        answer: Result<impl IntoIterator<Item = Result<(Vec<u8>, i64), Error<E>>>, Error<E>>,
    ) -> Result<Option<StoredRecord>, Error<E>> {
        self.stored_in_transaction(answer.map_err(|error| self.read_error(error)))
    }

    /// Like [`stored`](Self::stored), for the answer to
    /// [`load_in_transaction`](Self::load_in_transaction). This load can wait for a locked row, so
    /// [`Error::Locked`] stays.
    ///
    /// # Errors
    /// The error of the answer or of a row, or [`Error::CorruptRow`] if no store wrote the row.
    pub fn stored_in_transaction<E>(
        &self,
        answer: Result<impl IntoIterator<Item = Result<(Vec<u8>, i64), Error<E>>>, Error<E>>,
    ) -> Result<Option<StoredRecord>, Error<E>> {
        let mut rows = answer?.into_iter();
        let Some((record, revision)) = rows.next().transpose()? else {
            return Ok(None);
        };
        if rows.next().transpose()?.is_some() {
            return Err(CorruptRow::new(&self.name, SEVERAL_ROWS).into());
        }
        let revision = Revision::from_i64(revision);
        let revision = revision.map_err(|source| CorruptRow::new(&self.name, source))?;
        Ok(Some(StoredRecord::new(record, revision)))
    }

    /// The result of a write, from the answer to [`write`](Self::write): the number of rows that it
    /// changed.
    ///
    /// [`Error::Conflict`] becomes `Stale`: another client changed the account. Before you hand
    /// over this error, run the statement again after [`CONFLICT_PAUSE`](crate::CONFLICT_PAUSE), at
    /// most [`CONFLICT_RETRIES`](crate::CONFLICT_RETRIES) times.
    ///
    /// # Errors
    /// The error of the answer, or [`Error::CorruptRow`] if an account has several rows.
    pub fn written<E>(
        &self,
        write: ConditionalWrite<'_>,
        answer: Result<u64, Error<E>>,
    ) -> Result<WriteResult, Error<E>> {
        match answer {
            Err(Error::Conflict(_)) => Ok(WriteResult::Stale),
            answer => self.written_in_transaction(write, answer),
        }
    }

    /// Like [`written`](Self::written), for a transaction of the application. A conflict stays an
    /// error, because the database rolled the whole transaction back.
    ///
    /// # Errors
    /// The error of the answer, or [`Error::CorruptRow`] if an account has several rows.
    pub fn written_in_transaction<E>(
        &self,
        write: ConditionalWrite<'_>,
        answer: Result<u64, Error<E>>,
    ) -> Result<WriteResult, Error<E>> {
        match answer {
            Ok(0) => Ok(WriteResult::Stale),
            Ok(1) => Ok(WriteResult::Done),
            Ok(_) => Err(CorruptRow::new(&self.name, SEVERAL_ROWS).into()),
            // MySQL has no `ON CONFLICT (account) DO NOTHING`.
            Err(Error::AlreadyExists(_))
                if self.dialect == Dialect::MySql && write.expected().is_none() =>
            {
                Ok(WriteResult::Stale)
            }
            Err(error) => Err(error),
        }
    }

    /// The accounts, from the answer to [`accounts_after`](Self::accounts_after): the column `id`
    /// of each row.
    ///
    /// # Errors
    /// The error of the answer or of a row, or [`Error::CorruptRow`] if no store wrote the row.
    pub fn accounts<E>(
        &self,
        answer: Result<impl IntoIterator<Item = Result<Vec<u8>, Error<E>>>, Error<E>>,
    ) -> Result<Vec<AccountId>, Error<E>> {
        let ids = answer.map_err(|error| self.read_error(error))?;
        let account = |id: Result<_, _>| Ok(self.account(id?)?);
        ids.into_iter().map(account).collect()
    }

    /// The account for an id in a row of your own: its text, or the 16 bytes of a UUID.
    ///
    /// # Errors
    /// [`CorruptRow`] if no store wrote the id.
    pub fn account(&self, id: Vec<u8>) -> Result<AccountId, CorruptRow> {
        let account = self.account.account(id);
        account.map_err(|source| CorruptRow::new(&self.name, source))
    }

    /// A plain read of InnoDB waits for no row.
    fn read_error<E>(&self, error: Error<E>) -> Error<E> {
        match error {
            Error::Locked(source) if self.dialect == Dialect::MySql => Error::NodeBehind(source),
            error => error,
        }
    }
}

impl fmt::Debug for RecordTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordTable")
            .field("dialect", &self.dialect)
            .field("name", &self.name)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

const SEVERAL_ROWS: &str = "one account has several rows; make `account` the primary key";
