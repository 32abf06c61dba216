use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, Pipeline, RedisError,
    ServerErrorKind, Value,
};
use tokio::time::timeout_at;

use super::Time;
use crate::script::{self, Call};
use crate::{Error, failure};

/// One server, with one connection that all calls share.
///
/// The connection is let go of when it breaks, when an answer does not come in time (it may be a black hole, on which no
/// answer ever will), and when the server turns out to be a replica (a name may lead to the primary now). The next call
/// makes a new one. Calls that are under way on the old one keep it until they end.
pub(crate) struct Node {
    client: Client,
    address: Option<Address>,
    link: Mutex<Link>,
    /// Held by the one call that connects.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Link {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that a call lets go of its own only.
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
            link: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// A node at another address, with the same user, password, TLS and socket options.
    pub(crate) fn beside(&self, address: &Address) -> Result<Self, RedisError> {
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

    /// Where it is, unless it is a socket in the file system.
    pub(crate) fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link().connection.is_some()
    }

    /// Calls a script: by its digest, and by its text if the server does not know it, in which case nothing ran.
    pub(crate) async fn call(
        &self,
        call: &Call<'_>,
        asking: bool,
        time: Time,
    ) -> Result<Vec<Value>, Error> {
        let (commands, skipped) = call.commands(asking, false);
        let answers = self.send(&commands, skipped, call.answers(), time).await?;
        if !script::is_unknown(&answers) {
            return Ok(answers);
        }
        let (commands, skipped) = call.commands(asking, true);
        self.send(&commands, skipped, call.answers(), time).await
    }

    /// Sends commands, once, and gives their answers, some of which may be errors of the server.
    pub(crate) async fn send(
        &self,
        commands: &Pipeline,
        skipped: usize,
        answers: usize,
        time: Time,
    ) -> Result<Vec<Value>, Error> {
        let (mut connection, number) = self.connection(time).await?;
        let sent = connection.send_packed_commands(commands, skipped, answers);
        match timeout_at(time.deadline, sent).await {
            Ok(Ok(answers)) => {
                if answers.iter().any(is_from_replica) {
                    self.let_go(number);
                }
                Ok(answers)
            }
            Ok(Err(error)) => {
                self.let_go(number);
                Err(failure::error(error))
            }
            Err(_) => {
                self.let_go(number);
                Err(Error::Timeout { limit: time.limit })
            }
        }
    }

    /// Sends one command that is not for a key of its own, and gives the answer.
    pub(crate) async fn ask(&self, command: &Pipeline, time: Time) -> Result<Value, Error> {
        let answer = self.send(command, 0, 1, time).await?.pop();
        let answer = answer.unwrap_or(Value::Nil).extract_error();
        answer.map_err(failure::error)
    }

    /// The connection and its number.
    async fn connection(&self, time: Time) -> Result<(MultiplexedConnection, u64), Error> {
        if let Some(connection) = self.link().usable() {
            return Ok(connection);
        }
        let connect = async {
            let _connecting = self.connecting.lock().await;
            // Perhaps the one before has connected.
            if let Some(connection) = self.link().usable() {
                return Ok(connection);
            }
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(None)
                .set_response_timeout(None);
            let client = &self.client;
            let connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            Ok(self.link().replace(connection))
        };
        match timeout_at(time.to_connect(), connect).await {
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

    fn let_go(&self, number: u64) {
        let mut link = self.link();
        if link.number == number {
            link.connection = None;
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
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
    /// Where it is: no user, no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.get_connection_info().addr().fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
