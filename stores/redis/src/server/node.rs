use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, Pipeline, RedisError,
    ServerErrorKind, Value,
};
use tokio::time::timeout_at;

use super::Deadline;
use crate::script::{self, Call};
use crate::{Error, failure};

/// One server, with one connection that all calls share.
///
/// The node drops its connection if the connection breaks, an answer does not come in time, or the
/// server turns out to be a replica. After a time-out, the connection may never answer. After a
/// failover, the server's name may lead to another server. The next call opens a new connection.
/// Calls that use the old connection keep it until they end.
pub(crate) struct Node {
    client: Client,
    address: Option<Address>,
    current: Mutex<Current>,
    /// Locked by the one call that connects.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that a call drops only its own connection.
    number: u64,
}

/// The host and port of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Node {
    pub(crate) fn new(client: Client) -> Self {
        let address = match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some(Address {
                    host: host.clone(),
                    port: *port,
                })
            }
            _ => None,
        };
        Self {
            client,
            address,
            current: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// A node at another address, with the same user, password, TLS and socket options.
    pub(crate) fn at_address(&self, address: &Address) -> Result<Self, RedisError> {
        let (host, port) = (address.host.clone(), address.port);
        let info: &ConnectionInfo = self.client.get_connection_info();
        let other = match info.addr() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        Ok(Self::new(Client::open(info.clone().set_addr(other))?))
    }

    /// The address, or `None` for a socket in the file system.
    pub(crate) fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.current().connection.is_some()
    }

    /// Calls a script by its digest. If the server does not know the script, nothing ran, and the
    /// node sends the call with the text.
    pub(crate) async fn call(
        &self,
        call: &Call<'_>,
        asking: bool,
        deadline: Deadline,
    ) -> Result<Vec<Value>, Error> {
        let (commands, skipped) = call.commands(asking, false);
        let answers = self
            .send(&commands, skipped, call.answers(), deadline)
            .await?;
        if !script::is_unknown(&answers) {
            return Ok(answers);
        }
        let (commands, skipped) = call.commands(asking, true);
        self.send(&commands, skipped, call.answers(), deadline)
            .await
    }

    /// Sends commands once, and returns their answers. Some of them may be errors of the server.
    pub(crate) async fn send(
        &self,
        commands: &Pipeline,
        skipped: usize,
        answers: usize,
        deadline: Deadline,
    ) -> Result<Vec<Value>, Error> {
        let (mut connection, number) = self.connection(deadline).await?;
        let sent = connection.send_packed_commands(commands, skipped, answers);
        match timeout_at(deadline.at, sent).await {
            Ok(Ok(answers)) => {
                if answers.iter().any(is_from_replica) {
                    self.disconnect(number);
                }
                Ok(answers)
            }
            Ok(Err(error)) => {
                self.disconnect(number);
                Err(failure::error(error))
            }
            Err(_) => {
                self.disconnect(number);
                Err(Error::Timeout {
                    limit: deadline.limit,
                })
            }
        }
    }

    /// Sends one command that has no key, and returns the answer.
    pub(crate) async fn ask(&self, command: &Pipeline, deadline: Deadline) -> Result<Value, Error> {
        let answer = self.send(command, 0, 1, deadline).await?.pop();
        let answer = answer.unwrap_or(Value::Nil).extract_error();
        answer.map_err(failure::error)
    }

    /// The connection and its number.
    async fn connection(&self, deadline: Deadline) -> Result<(MultiplexedConnection, u64), Error> {
        if let Some(connection) = self.current().usable() {
            return Ok(connection);
        }
        let connect = async {
            let _connecting = self.connecting.lock().await;
            // Another call may have connected in the meantime.
            if let Some(connection) = self.current().usable() {
                return Ok(connection);
            }
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(None)
                .set_response_timeout(None);
            let client = &self.client;
            let connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            Ok(self.current().replace(connection))
        };
        match timeout_at(deadline.to_connect(), connect).await {
            Ok(connected) => connected.map_err(|error| self.unreachable(error)),
            Err(_) => Err(self.unreachable(io::Error::from(io::ErrorKind::TimedOut).into())),
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

    fn disconnect(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.connection = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn usable(&self) -> Option<(MultiplexedConnection, u64)> {
        let connection = self.connection.clone()?;
        Some((connection, self.number))
    }

    fn replace(&mut self, connection: MultiplexedConnection) -> (MultiplexedConnection, u64) {
        self.number = self.number.wrapping_add(1);
        self.connection = Some(connection.clone());
        (connection, self.number)
    }
}

fn is_from_replica(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({self})")
    }
}

impl fmt::Display for Node {
    /// Shows the address only: no user, no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.get_connection_info().addr().fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
