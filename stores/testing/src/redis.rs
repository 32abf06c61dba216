use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Process};
use crate::programs::{self, PORTS};
use crate::server_directory::ServerDirectory;
use crate::{Durability, StartError};

/// A server of Redis or Valkey that keeps an append-only file, without a password.
#[derive(Debug)]
pub struct Redis {
    // Declared in this order, so that the server ends before its directory is removed.
    node: RedisNode,
    _directory: ServerDirectory,
}

impl Redis {
    /// Makes a server and waits until it is ready: about 0.1 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(durability: Durability) -> Result<Self, StartError> {
        Self::run(RedisNode::new, "redis", durability)
    }

    /// Makes a server of Valkey, as [`start`](Self::start) one of Redis.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start_valkey(durability: Durability) -> Result<Self, StartError> {
        let program = programs::find("valkey-server").ok_or(StartError::Missing("valkey"))?;
        let new = |directory: &Path, name, durability| {
            RedisNode::of_program(program, directory, name, durability)
        };
        Self::run(new, "valkey", durability)
    }

    fn run(
        new: impl FnOnce(&Path, &'static str, Durability) -> Result<RedisNode, StartError>,
        name: &'static str,
        durability: Durability,
    ) -> Result<Self, StartError> {
        let directory = ServerDirectory::new()?;
        let mut node = new(directory.path(), name, durability)?;
        node.start()?;
        Ok(Self {
            node,
            _directory: directory,
        })
    }

    /// `redis://127.0.0.1:PORT/`
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The URL through a [`Proxy`](crate::Proxy) at this address.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("redis://{address}/")
    }

    /// The address of the server, also while it is stopped.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.node.address()
    }

    /// Kills the server at once, like a crash.
    ///
    /// # Errors
    /// If the server cannot be killed.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.node.kill9()
    }

    /// Stops the server for a while (`SIGSTOP`). Its connections stay open.
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn pause(&self) -> io::Result<()> {
        self.node.pause()
    }

    /// Lets the server go on after [`pause`](Self::pause).
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn resume(&self) -> io::Result<()> {
        self.node.resume()
    }

    /// Shuts the server down. It closes connections and keeps the data in its file.
    ///
    /// # Errors
    /// If it does not end.
    pub fn stop(&mut self) -> io::Result<()> {
        self.node.stop()
    }

    /// Starts the server again at the same address with the same data, after [`stop`](Self::stop)
    /// or [`kill9`](Self::kill9). A running server is stopped first.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.node.stop()?;
        self.node.run()
    }
}

/// One server, alone or in a cluster.
#[derive(Debug)]
pub(crate) struct RedisNode {
    process: Option<Process>,
    program: PathBuf,
    directory: PathBuf,
    name: &'static str,
    port: u16,
    durability: Durability,
    options: Vec<String>,
}

impl RedisNode {
    pub(crate) fn new(
        directory: &Path,
        name: &'static str,
        durability: Durability,
    ) -> Result<Self, StartError> {
        let program = programs::find("redis-server").ok_or(StartError::Missing("redis"))?;
        Self::of_program(program, directory, name, durability)
    }

    fn of_program(
        program: PathBuf,
        directory: &Path,
        name: &'static str,
        durability: Durability,
    ) -> Result<Self, StartError> {
        fs::create_dir(directory.join(name))?;
        Ok(Self {
            process: None,
            program,
            directory: directory.to_owned(),
            name,
            port: 0,
            durability,
            options: Vec::new(),
        })
    }

    /// Sets more options of the server's program, such as `--replicaof 127.0.0.1 6379`.
    pub(crate) fn with_options(self, options: &[&str]) -> Self {
        let words = options.iter().flat_map(|option| option.split(' '));
        let options = words.map(str::to_owned).collect();
        Self { options, ..self }
    }

    /// Starts the server for the first time.
    pub(crate) fn start(&mut self) -> Result<(), StartError> {
        let mut outcome = Ok(());
        for _ in 0..PORTS {
            self.choose_port()?;
            outcome = self.run();
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    pub(crate) fn choose_port(&mut self) -> io::Result<()> {
        self.port = free_port()?;
        Ok(())
    }

    pub(crate) fn run(&mut self) -> Result<(), StartError> {
        let mut command = Command::new(&self.program);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(self.directory.join(self.name));
        command.args(["--save", ""]);
        command.args(match self.durability {
            Durability::Durable => ["--appendonly", "yes", "--appendfsync", "always"],
            Durability::Fast => ["--appendonly", "yes", "--appendfsync", "no"],
            Durability::Forgetful => ["--appendonly", "no", "--appendfsync", "no"],
        });
        command.args(&self.options);
        let mut process = Process::start(&mut command, &self.directory, self.name)?;
        let ready = || self.ask("PING").is_ok_and(|answer| answer == "+PONG\r\n");
        process
            .wait_until(ready)
            .map_err(|what| self.failed(what))?;
        self.process = Some(process);
        Ok(())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The address for the other nodes of a cluster.
    pub(crate) fn bus_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.saturating_add(BUS)).into()
    }

    pub(crate) fn kill9(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill9)
    }

    pub(crate) fn stop(&mut self) -> io::Result<()> {
        let process = self.process.take();
        process.map_or(Ok(()), |process| process.stop("TERM"))
    }

    /// The first part of the answer to a command. A short answer is complete.
    pub(crate) fn ask(&self, command: &str) -> io::Result<String> {
        Self::ask_at(self.port, command)
    }

    /// The first part of the answer of the server at a port.
    pub(crate) fn ask_at(port: u16, command: &str) -> io::Result<String> {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer)?;
        let answer = answer.get(..length).unwrap_or_default();
        Ok(String::from_utf8_lossy(answer).into_owned())
    }

    pub(crate) fn failed(&self, what: impl Into<String>) -> StartError {
        process::failed("redis", what, &self.directory, self.name)
    }

    pub(crate) fn pause(&self) -> io::Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::pause)
    }

    pub(crate) fn resume(&self) -> io::Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::resume)
    }
}

/// The address from which the server of this number connects to others. A relay knows it by this
/// address.
pub(crate) fn source(server: usize) -> IpAddr {
    let last = u8::try_from(server).unwrap_or_default().saturating_add(11);
    Ipv4Addr::new(127, 0, 0, last).into()
}

/// A port for which the port that is 10,000 higher exists too. A node of a cluster needs both.
fn free_port() -> io::Result<u16> {
    loop {
        let port = programs::free_port()?;
        if port < u16::MAX - BUS {
            return Ok(port);
        }
    }
}

const ANSWER: Duration = Duration::from_secs(2);
/// The difference between the port of a node and its port for the cluster bus.
const BUS: u16 = 10_000;
