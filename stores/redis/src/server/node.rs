use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, Pipeline, RedisError,
    ServerErrorKind, Value,
};
use tokio::time::{Instant, timeout_at};

use super::replica_count::ReplicaCount;
use super::sentinels::Sentinels;
use super::{Address, Deadline};
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
    /// `None` for a server that the sentinels name, and for a socket in the file system.
    address: Option<Address>,
    sentinels: Option<Sentinels>,
    current: Mutex<Current>,
    /// Locked by the one call that connects.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that a call drops only its own connection.
    number: u64,
    /// What the server at the end of this connection said.
    replicas: ReplicaCount,
}

impl Node {
    pub(crate) fn new(client: Client) -> Self {
        let address = Address::of(&client);
        Self {
            client,
            address,
            sentinels: None,
            current: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// The primary that the sentinels name, with the user, password, TLS and socket options of this
    /// client.
    pub(crate) fn behind(sentinels: Sentinels, client: Client) -> Self {
        Self {
            address: None,
            sentinels: Some(sentinels),
            ..Self::new(client)
        }
    }

    /// A node at another address, with the same user, password, TLS and socket options.
    pub(crate) fn at_address(&self, address: &Address) -> Result<Self, RedisError> {
        self.client_at(address).map(Self::new)
    }

    fn client_at(&self, address: &Address) -> Result<Client, RedisError> {
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
        Client::open(info.clone().set_addr(other))
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
        if let Some(most) = call.most_replicas() {
            self.refuse_more_replicas(most, deadline).await?;
        }
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

    /// Fails if the server has more replicas than this. Asks the server if its last answer is from
    /// another connection or too old.
    async fn refuse_more_replicas(&self, most: u32, deadline: Deadline) -> Result<(), Error> {
        let known = self.current().replicas.known_at(Instant::now());
        let replicas = match known {
            Some(replicas) => replicas,
            None => {
                let role = ReplicaCount::question();
                let answer = match self.ask(&role, deadline).await {
                    // The connection may have broken long ago. Nothing depends on this question, so
                    // it can be asked again.
                    Err(Error::Disconnected(_)) => self.ask(&role, deadline).await?,
                    answer => answer?,
                };
                let count = ReplicaCount::from_answer(answer).map_err(Error::Server)?;
                self.current().replicas = count;
                count.replicas()
            }
        };
        if replicas <= most {
            return Ok(());
        }
        Err(Error::MoreReplicas {
            server: self.to_string(),
            replicas,
            wanted: most,
        })
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
            let client = match &self.sentinels {
                None => self.client.clone(),
                Some(sentinels) => {
                    let primary = sentinels.primary(deadline).await?;
                    let client = self.client_at(&primary);
                    client.map_err(|error| self.unreachable(error))?
                }
            };
            let connect = client.get_multiplexed_async_connection_with_config(&config);
            match timeout_at(deadline.to_connect(), connect).await {
                Ok(Ok(connection)) => Ok(self.current().replace(connection)),
                Ok(Err(error)) => Err(self.unreachable(error)),
                Err(_) => Err(self.timed_out()),
            }
        };
        // The sentinels take their own part of the time.
        let end = match &self.sentinels {
            None => deadline.to_connect(),
            Some(_) => deadline.at,
        };
        let connected = timeout_at(end, connect).await;
        connected.unwrap_or_else(|_| Err(self.timed_out()))
    }

    fn timed_out(&self) -> Error {
        self.unreachable(io::Error::from(io::ErrorKind::TimedOut).into())
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
        self.replicas = ReplicaCount::default();
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
        match &self.sentinels {
            None => self.client.get_connection_info().addr().fmt(f),
            Some(sentinels) => sentinels.fmt(f),
        }
    }
}
