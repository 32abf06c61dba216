use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use redis::{AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, RedisError, Value};
use tokio::time::{Instant, timeout_at};

use super::{Address, Deadline};
use crate::{Error, failure};

/// The sentinels, which name the present primary.
///
/// The store does not use the driver's sentinel client. That client has no time limit, and allows
/// one call at a time.
pub(crate) struct Sentinels {
    sentinels: Vec<Client>,
    /// The name of the primary.
    name: String,
    /// The sentinel that answered last.
    last: AtomicUsize,
}

impl Sentinels {
    /// The host of `primary` is the name that the sentinels monitor.
    pub(crate) fn new(
        sentinels: impl IntoIterator<Item = Client>,
        primary: &Client,
    ) -> Result<Self, RedisError> {
        let sentinels: Vec<_> = sentinels.into_iter().collect();
        let invalid = |what| (ErrorKind::InvalidClientConfig, what).into();
        if sentinels.is_empty() {
            return Err(invalid("give the address of at least one sentinel"));
        }
        let Some(Address { host: name, .. }) = Address::of(primary) else {
            return Err(invalid(
                "the host of the primary is the name that the sentinels monitor",
            ));
        };
        Ok(Self {
            sentinels,
            name,
            last: AtomicUsize::new(0),
        })
    }

    /// Asks the sentinels, one after the other, for the address of the primary. All of them
    /// together take at most a third of the time limit.
    pub(crate) async fn primary(&self, deadline: Deadline) -> Result<Address, Error> {
        let end = deadline.to_connect();
        let count = self.sentinels.len();
        let first = self.last.load(Ordering::Relaxed);
        let in_turn = self.sentinels.iter().enumerate().cycle().skip(first);
        let mut failed = None;
        for (left, (number, sentinel)) in (1..=count).rev().zip(in_turn) {
            match timeout_at(share(end, left), self.ask(sentinel)).await {
                Ok(Ok(Some(primary))) => {
                    self.last.store(number, Ordering::Relaxed);
                    return Ok(primary);
                }
                Ok(Ok(None)) => failed = failed.or(Some(self.unknown())),
                Ok(Err(error)) => failed = Some(self.unreachable(error)),
                Err(_) => {
                    let error = io::Error::from(io::ErrorKind::TimedOut);
                    failed = Some(self.unreachable(error.into()));
                }
            }
        }
        Err(failed.unwrap_or_else(|| self.unknown()))
    }

    async fn ask(&self, sentinel: &Client) -> Result<Option<Address>, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connection = sentinel.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connection.await?;
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        let answer: Value = ask.query_async(&mut connection).await?;
        let address = Option::<(String, u16)>::from_redis_value(answer)?;
        Ok(address.map(|(host, port)| Address { host, port }))
    }

    fn unknown(&self) -> Error {
        Error::UnknownPrimary {
            name: self.name.clone(),
        }
    }

    fn unreachable(&self, source: RedisError) -> Error {
        match failure::error(source) {
            Error::Disconnected(source) | Error::Server(source) => Error::Unreachable {
                address: self.to_string(),
                source,
            },
            other => other,
        }
    }
}

/// The end of the share of one of the `left` sentinels that are left until `end`.
fn share(end: Instant, left: usize) -> Instant {
    let now = Instant::now();
    let left = u32::try_from(left).unwrap_or(u32::MAX);
    let share = end.saturating_duration_since(now).checked_div(left);
    now.checked_add(share.unwrap_or_default()).unwrap_or(end)
}

impl fmt::Display for Sentinels {
    /// Shows the name and the addresses only: no user, no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the sentinels at", self.name)?;
        for (number, sentinel) in self.sentinels.iter().enumerate() {
            let separator = if number == 0 { " " } else { ", " };
            write!(f, "{separator}{}", sentinel.get_connection_info().addr())?;
        }
        Ok(())
    }
}
