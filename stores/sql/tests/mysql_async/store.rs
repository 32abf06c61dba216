//! A store for MySQL and MariaDB, on a pool of `mysql_async`.

use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::{CONFLICT_PAUSE, CONFLICT_RETRIES, Call, Failure, RecordTable, Value};
use mysql_async::prelude::Queryable;
use mysql_async::{
    DriverError, FromRowError, Opts, OptsBuilder, Pool, Row, UrlError, from_row_opt,
};
use tokio::time::{sleep, timeout};

pub type Error = countersign_sql::Error<mysql_async::Error>;

/// A call waits at most this long for a connection, and then at most this long for the answer.
const LIMIT: Duration = Duration::from_millis(2500);

/// The settings of every connection. The pool resets each connection that comes back, which ends an
/// open transaction, and sets these again.
const SETTINGS: &str = "SET autocommit = 1, innodb_lock_wait_timeout = 2";

pub fn pool(url: &str) -> Result<Pool, UrlError> {
    let opts = OptsBuilder::from_opts(Opts::from_url(url)?).client_found_rows(true);
    Ok(Pool::new(opts.setup(vec![SETTINGS])))
}

pub struct MySqlAsyncStore {
    pub pool: Pool,
    pub table: RecordTable,
}

impl Store for MySqlAsyncStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let answer = self.run(self.table.load(account)?).await;
        let other_columns = |error: FromRowError| {
            let error = DriverError::FromRow { row: error.0 };
            self.failed(error.into(), Failure::Other)
        };
        let record = |row| from_row_opt(row).map_err(other_columns);
        let records = answer.map(|(rows, _)| rows.into_iter().map(record));
        self.table.stored(records)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let answer = self.run(self.table.write(account, write)?).await;
        let changed_rows = answer.map(|(_, changed_rows)| changed_rows);
        self.table.written(write, changed_rows)
    }
}

impl MySqlAsyncStore {
    /// Runs a statement, and returns the rows and the number of changed rows. If this future is
    /// dropped, the driver closes the connection.
    pub async fn run(&self, call: Call<'_>) -> Result<(Vec<Row>, u64), Error> {
        let connection = timeout(LIMIT, self.pool.get_conn()).await;
        let connection = connection.map_err(|_| Error::NoConnection { limit: LIMIT })?;
        let refused = |error| self.failed(error, Failure::Unreachable);
        let mut connection = connection.map_err(refused)?;
        let arguments: Vec<_> = call.arguments().iter().map(argument).collect();
        let mut retries = 0..CONFLICT_RETRIES;
        let running = async {
            loop {
                let rows = connection.exec(&**call.sql(), arguments.clone()).await;
                match rows.map_err(|error| self.failed(error, Failure::ConnectionLost)) {
                    Err(Error::Conflict(_)) if retries.next().is_some() => {
                        sleep(CONFLICT_PAUSE).await;
                    }
                    answer => return answer.map(|rows| (rows, connection.affected_rows())),
                }
            }
        };
        let answer = timeout(LIMIT, running).await;
        answer.unwrap_or(Err(Error::Timeout { limit: LIMIT }))
    }

    /// `io` is the meaning of an I/O error.
    fn failed(&self, error: mysql_async::Error, io: Failure) -> Error {
        let failure = match &error {
            mysql_async::Error::Server(error) => Failure::mysql(error.code),
            mysql_async::Error::Io(_) => io,
            mysql_async::Error::Driver(DriverError::ConnectionClosed) => io,
            mysql_async::Error::Driver(DriverError::FromRow { .. }) => Failure::WrongTable,
            _ => Failure::Other,
        };
        failure.error(self.table.name(), error)
    }
}

fn argument(value: &Value<'_>) -> mysql_async::Value {
    match *value {
        Value::Text(text) => text.as_bytes().into(),
        Value::Number(number) => number.into(),
        Value::Uuid { bytes, .. } => bytes.as_slice().into(),
        Value::Bytes(bytes) => bytes.into(),
        Value::Flag(flag) => flag.into(),
    }
}
