use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;

use crate::process::{self, Process};
use crate::programs::{self, PORTS};
use crate::server_directory::ServerDirectory;
use crate::{Postgres, StartError};

/// A connection pooler in front of a PostgreSQL server. In transaction mode, each transaction of a
/// client runs on any connection that is free.
#[derive(Debug)]
pub struct PgBouncer {
    // Declared in this order, so that the pooler ends before its directory is removed.
    _process: Process,
    _directory: ServerDirectory,
    port: u16,
}

impl PgBouncer {
    /// Starts a pooler in transaction mode, with at most `connections` connections to the server.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(server: &Postgres, connections: usize) -> Result<Self, StartError> {
        Self::start_at(server.address(), connections)
    }

    /// Starts a pooler in session mode: a client keeps its connection to the server. There are at
    /// most `connections` of them.
    ///
    /// # Errors
    /// [`StartError`] as for [`start`](Self::start).
    pub fn start_by_session(server: &Postgres, connections: usize) -> Result<Self, StartError> {
        Self::start_in(SESSION, server.address(), connections)
    }

    /// Starts a pooler in transaction mode in front of the server at this address, for example the
    /// address of a [`PostgresPair`](crate::PostgresPair).
    ///
    /// # Errors
    /// [`StartError`] as for [`start`](Self::start).
    pub fn start_at(server: SocketAddr, connections: usize) -> Result<Self, StartError> {
        Self::start_in(TRANSACTION, server, connections)
    }

    fn start_in(mode: &str, server: SocketAddr, connections: usize) -> Result<Self, StartError> {
        let mut outcome = Self::try_start(mode, server, connections);
        for _ in 1..PORTS {
            if !matches!(outcome, Err(StartError::Failed { .. })) {
                break;
            }
            outcome = Self::try_start(mode, server, connections);
        }
        outcome
    }

    fn try_start(mode: &str, server: SocketAddr, connections: usize) -> Result<Self, StartError> {
        let program = programs::find("pgbouncer").ok_or(StartError::Missing(NAME))?;
        let directory = ServerDirectory::new()?;
        let port = programs::free_port()?;
        let configuration = directory.path().join("pgbouncer.ini");
        fs::write(
            &configuration,
            format!(
                "[databases]\n\
                 postgres = host={} port={} dbname=postgres user=postgres\n\
                 [pgbouncer]\n\
                 listen_addr = 127.0.0.1\n\
                 listen_port = {port}\n\
                 unix_socket_dir =\n\
                 auth_type = any\n\
                 pool_mode = {mode}\n\
                 default_pool_size = {connections}\n\
                 max_client_conn = 300\n\
                 ignore_startup_parameters = extra_float_digits\n",
                server.ip(),
                server.port()
            ),
        )?;
        let mut command = programs::unprivileged(Command::new(program));
        command.arg(&configuration);
        let mut process = Process::start(&mut command, directory.path(), NAME)?;
        let ready = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        match process.wait_until(ready) {
            Ok(()) => Ok(Self {
                _process: process,
                _directory: directory,
                port,
            }),
            Err(what) => Err(process::failed(NAME, what, directory.path(), NAME)),
        }
    }

    /// `postgres://postgres@127.0.0.1:PORT/postgres`
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address())
    }

    /// The address of the pooler.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

const NAME: &str = "pgbouncer";
const TRANSACTION: &str = "transaction";
const SESSION: &str = "session";
