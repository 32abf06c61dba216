use std::fmt;
use std::sync::Arc;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_gate::{NewSignIn, RowsOfRequest, SignInId, SignInStore};
use countersign_sql::{Failure, Value};
use sqlx::{Database, SqlStr};

use super::columns::{OFF, ON, seconds};
use super::outbox::EventRow;
use super::{Applied, Backend, FlagPlace, SignInStatements, SignInTables, Step};
use crate::Error;
use crate::driver::{arguments, bind};

/// A store of records with the sign-ins and flags of [`countersign_gate`], which writes all of them
/// in one transaction.
///
/// `with_sign_ins` of a store makes it:
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use countersign::{KeyId, Keyring, SealingKey, Verifier};
/// use countersign_sqlx::{SignInTables, SqliteStore};
/// use sqlx::sqlite::SqlitePool;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("accounts.db");
/// # let key = [7; 32];
/// let pool = SqlitePool::connect_with(SqliteStore::connect_options(path)).await?;
/// let store = SqliteStore::new(pool).with_sign_ins(SignInTables::new());
/// store.create_tables().await?;
///
/// let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&key));
/// let verifier = Verifier::builder(store, keyring, "Example").build()?;
/// // let gate = Gate::builder(verifier, accounts).build();
/// # Ok(())
/// # }
/// ```
///
/// # What is written together
///
/// The [`WriteKind`] of a write says which rows belong to it:
///
/// | kind | rows in the transaction of the record |
/// |---|---|
/// | `Accepted`, `DeviceTrusted` | the new sign-in |
/// | `Enrolled` | the flag on; the end of the account's other sign-ins; the new sign-in, if there is one |
/// | `Removed` | the end of the account's other sign-ins |
/// | `Disabled` | the flag off; the end of the account's other sign-ins |
///
/// If the process or the database is killed, all of these rows are stored or none. A write that
/// finds another revision writes none of them. Every other write is the single statement of the
/// store.
///
/// With [`SignInTables::with_outbox`], each write that has an
/// [event](countersign::store::ConditionalWrite::event) also inserts a row of the outbox. The key
/// of that row is the id of the event, so each event has one row.
///
/// # Round trips
///
/// On PostgreSQL, an accepted code with its sign-in is one statement and one round trip. MySQL,
/// MariaDB and SQLite need a transaction of four statements: begin, record, sign-in, commit. A
/// change of the second factor is a transaction on every database. A password sign-in of an account
/// without a second factor is one statement, and four on MySQL and MariaDB.
///
/// The row of an event is a part of the same statement on PostgreSQL. Elsewhere it is one more
/// statement of a transaction.
///
/// A transaction counts as one call: the time limit of the store covers all of it, and after a
/// conflict the store runs all of it again. If you drop the future, the transaction is still
/// committed or rolled back as a whole.
///
/// # Tables
///
/// `create_tables` creates the table of records, the table of sign-ins `(id, account, begun_at,
/// seen_at, ended)`, the table of flags `(account, flag)`, and the outbox, if you name one. For
/// your own migration, use the text of `sign_in_schema` of the store. The type of `account` is the
/// [`AccountColumn`] of the store. Times are seconds since 1970. You can add foreign keys to your
/// table of users, with `ON DELETE CASCADE`, and columns that have a default.
///
/// Call [`Gate::purge`](countersign_gate::Gate::purge) regularly: nothing else deletes sign-ins.
/// Nothing deletes rows of the outbox.
///
/// # Imports
///
/// [`Verifier::import`](countersign::Verifier::import) on this store sets the flag. An import in
/// your own transaction, by `in_transaction` of [`records`](Self::records), does not. So set the
/// flag in the same transaction. If you do not, the gate sets it at the next sign-in.
///
/// [`AccountColumn`]: crate::AccountColumn
pub struct GateStore<S> {
    pub(super) records: S,
    pub(super) statements: Arc<SignInStatements>,
    pub(super) request: RowsOfRequest,
}

#[expect(private_bounds, reason = "only the stores of this crate have sign-ins")]
impl<S: Backend> GateStore<S> {
    pub(crate) fn new(records: S, tables: SignInTables) -> Self {
        let table = records.table();
        let statements = S::sign_in_statements(tables, table.name(), table.account_column());
        Self {
            records,
            statements: Arc::new(statements),
            request: RowsOfRequest::default(),
        }
    }

    /// Creates the tables that are missing, also the table of records. It does not check existing
    /// tables.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be reached or written to.
    pub async fn create_tables(&self) -> Result<(), Error> {
        self.records.create_records().await?;
        for sql in &self.statements.create_tables {
            self.records
                .create(&self.statements.tables.sign_ins, sql)
                .await?;
        }
        Ok(())
    }

    /// Returns the store of records alone: for its other methods, and for imports in your own
    /// transaction.
    #[must_use]
    pub const fn records(&self) -> &S {
        &self.records
    }

    /// The sign-in to insert with a write of this kind.
    fn new_sign_in(&self, account: &AccountId, kind: WriteKind) -> Option<&NewSignIn> {
        let inserts = is_sign_in(kind) || kind == WriteKind::Enrolled;
        let new = self.request.new.as_ref();
        new.filter(|new| inserts && new.account() == account)
    }

    /// The row of a write's event, if there is an outbox.
    fn event_row<'a>(
        &'a self,
        account: &AccountId,
        write: ConditionalWrite<'a>,
    ) -> Result<Option<EventRow<'a>>, Error> {
        let row = self.statements.outbox.as_ref().zip(write.event());
        row.map(|(outbox, event)| EventRow::new(outbox, event, &self.request.cause(account)))
            .transpose()
    }

    /// Inserts the row. If there is one with this id, the transaction fails.
    fn event_step(
        &self,
        account: &AccountId,
        row: &EventRow<'_>,
    ) -> Result<Step<S::Database>, Error> {
        let key = self.records.table().key(account)?;
        let values = [key, row.revision()].into_iter().chain(row.values());
        Ok(Step {
            table: row.outbox.table.clone(),
            sql: row.outbox.insert.clone(),
            arguments: arguments::<S::Database>(values)?,
            changes_one: false,
        })
    }

    /// The statement that writes the record with all rows that belong to the write.
    fn single_statement(
        &self,
        write: ConditionalWrite<'_>,
        new: Option<&NewSignIn>,
        event: Option<&EventRow<'_>>,
    ) -> Option<&SqlStr> {
        let replaces = write.expected().is_some() && write.record().is_some();
        if !replaces || changes_the_factor(write.kind()) {
            return None;
        }
        let outbox = self.statements.outbox.as_ref();
        match (new, event) {
            (Some(_), None) => self.statements.accept.as_ref(),
            (Some(_), Some(_)) => outbox?.accept.as_ref(),
            (None, Some(_)) => outbox?.replace.as_ref(),
            (None, None) => None,
        }
    }

    /// Writes the record, the sign-in and the event in one statement.
    async fn write_at_once(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
        new: Option<&NewSignIn>,
        event: Option<&EventRow<'_>>,
        sql: &SqlStr,
    ) -> Result<WriteResult, Error> {
        let records = self.records.table();
        let call = records.write(account, write)?;
        let sign_in = new.map(|new| {
            let id = Value::Text(new.id().as_str());
            [id, seconds(new.at()), seconds(new.at())]
        });
        let event = event.map(EventRow::values);
        let values = call.arguments().iter().copied();
        let values = values.chain(sign_in.into_iter().chain(event).flatten());
        let arguments = arguments::<S::Database>(values)?;
        let rows = self.records.change(records.name(), sql, arguments).await;
        records.written(write, rows.map_err(|error| self.named(error)))
    }

    /// The statement changes several tables, and the text of the database's error says which one it
    /// means.
    fn named(&self, error: Error) -> Error {
        let tables = &self.statements.tables;
        let meant = |source: &sqlx::Error| {
            let text = source.to_string();
            let named = [Some(&tables.sign_ins), tables.outbox.as_ref()].into_iter();
            let named = named.flatten().filter(|name| text.contains(name.as_str()));
            // One name can be a part of the other.
            let meant = named.max_by_key(|name| name.as_str().len());
            meant.unwrap_or(self.records.table().name()).clone()
        };
        match error {
            Error::NoTable { source, .. } => Failure::NoTable.error(&meant(&source), source),
            Error::WrongTable { source, .. } => Failure::WrongTable.error(&meant(&source), source),
            Error::ForeignKey { source, .. } => Failure::ForeignKey.error(&meant(&source), source),
            error => error,
        }
    }

    /// Writes the record and all rows that belong to the write in one transaction.
    async fn write(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
        new: Option<&NewSignIn>,
        event: Option<&EventRow<'_>>,
    ) -> Result<WriteResult, Error> {
        let mut steps = self.steps(account, write, new)?;
        if let Some(event) = event {
            steps.push(self.event_step(account, event)?);
        }
        let rows = match self.records.apply(steps).await {
            Ok(Applied::Committed) => Ok(1),
            Ok(Applied::Stopped(RECORD)) => Ok(0),
            Ok(Applied::Stopped(_)) => Err(self.no_user()),
            Err(error) => Err(error),
        };
        self.records.table().written(write, rows)
    }

    /// Every transaction locks in this order: record, flag, sign-ins. The flag is locked before the
    /// sign-ins are ended. So `insert_if_off` either finds the flag on, or its sign-in is ended.
    fn steps(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
        new: Option<&NewSignIn>,
    ) -> Result<Vec<Step<S::Database>>, Error> {
        let records = self.records.table();
        let (sql, arguments) = bind::<S::Database>(records.write(account, write)?)?;
        let mut steps = vec![Step {
            table: records.name().clone(),
            sql,
            arguments,
            changes_one: true,
        }];
        if let Some(on) = flag_after(write.kind()) {
            steps.push(self.set_flag_step(account, if on { ON } else { OFF })?);
        }
        if changes_the_factor(write.kind()) {
            let kept = [self.request.keep.as_ref(), new.map(NewSignIn::id)];
            let (sql, arguments) = self.end_others_call(account, kept)?;
            steps.push(self.step(sql, arguments));
        }
        if let Some(new) = new {
            let (sql, arguments) = self.insert_call(new)?;
            steps.push(self.step(sql, arguments));
        }
        Ok(steps)
    }

    pub(super) fn step(
        &self,
        sql: &SqlStr,
        arguments: <S::Database as Database>::Arguments,
    ) -> Step<S::Database> {
        Step {
            table: self.statements.tables.sign_ins.clone(),
            sql: sql.clone(),
            arguments,
            changes_one: false,
        }
    }

    pub(super) fn set_flag_step(
        &self,
        account: &AccountId,
        flag: i64,
    ) -> Result<Step<S::Database>, Error> {
        let key = self.records.table().key(account)?;
        let place = &self.statements.tables.flag;
        let (flag, changes_one) = match place {
            FlagPlace::Table(_) => (Value::Number(flag), false),
            FlagPlace::Column { .. } => (Value::Flag(flag != OFF), true),
        };
        Ok(Step {
            table: place.table().clone(),
            sql: self.statements.set_flag.clone(),
            arguments: arguments::<S::Database>([flag, key])?,
            changes_one,
        })
    }

    pub(super) fn insert_call(
        &self,
        new: &NewSignIn,
    ) -> Result<(&SqlStr, <S::Database as Database>::Arguments), Error> {
        let (at, key) = (new.at(), self.records.table().key(new.account())?);
        let values = [
            Value::Text(new.id().as_str()),
            key,
            seconds(at),
            seconds(at),
        ];
        Ok((&self.statements.insert, arguments::<S::Database>(values)?))
    }

    pub(super) fn end_others_call(
        &self,
        account: &AccountId,
        kept: [Option<&SignInId>; 2],
    ) -> Result<(&SqlStr, <S::Database as Database>::Arguments), Error> {
        // No sign-in has the empty id.
        let [first, second] = kept.map(|id| Value::Text(id.map_or("", SignInId::as_str)));
        let key = self.records.table().key(account)?;
        let arguments = arguments::<S::Database>([key, first, second])?;
        Ok((&self.statements.end_others, arguments))
    }

    pub(super) fn no_user(&self) -> Error {
        Error::NoUser {
            table: self.statements.tables.flag.table().as_str().to_owned(),
        }
    }
}

impl<S: Backend> Store for GateStore<S> {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        self.records.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let new = self.new_sign_in(account, write.kind());
        let event = self.event_row(account, write)?;
        let event = event.as_ref();
        let is_alone = new.is_none() && event.is_none() && !changes_the_factor(write.kind());
        match self.single_statement(write, new, event) {
            _ if is_alone => self.records.compare_and_swap(account, write).await,
            Some(sql) => self.write_at_once(account, write, new, event, sql).await,
            None => self.write(account, write, new, event).await,
        }
    }
}

impl<S: Backend> SignInStore for GateStore<S> {
    type Rows = Self;

    const IN_TRANSACTION: bool = true;

    fn rows(&self) -> &Self {
        self
    }

    fn with(&self, rows: RowsOfRequest) -> Self {
        Self {
            request: rows,
            ..self.clone()
        }
    }
}

impl<S: Clone> Clone for GateStore<S> {
    fn clone(&self) -> Self {
        Self {
            records: self.records.clone(),
            statements: Arc::clone(&self.statements),
            request: self.request.clone(),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for GateStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateStore")
            .field("records", &self.records)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}

/// The new value of the flag. An attacker who deletes or restores a row does not use this store, so
/// the flag stays on, and nobody signs in.
const fn flag_after(kind: WriteKind) -> Option<bool> {
    match kind {
        WriteKind::Enrolled => Some(true),
        WriteKind::Disabled => Some(false),
        _ => None,
    }
}

/// Whether this kind of write signs in, and changes no other row.
const fn is_sign_in(kind: WriteKind) -> bool {
    matches!(kind, WriteKind::Accepted | WriteKind::DeviceTrusted)
}

/// Whether this kind of write ends the other sign-ins, which used the earlier second factor.
const fn changes_the_factor(kind: WriteKind) -> bool {
    matches!(
        kind,
        WriteKind::Enrolled | WriteKind::Removed | WriteKind::Disabled
    )
}

/// The index of the record among the steps.
const RECORD: usize = 0;
