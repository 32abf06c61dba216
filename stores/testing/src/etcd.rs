use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::StartError;
use crate::process::{self, Process};
use crate::programs::{self, PORTS};
use crate::server_directory::ServerDirectory;

/// An etcd server alone, without users. It waits for the disk before it answers a write, and has no
/// setting to change that.
#[derive(Debug)]
pub struct Etcd {
    // Declared in this order, so that the server ends before its directory is removed.
    node: EtcdNode,
    _directory: ServerDirectory,
}

impl Etcd {
    /// Makes a server and waits until it is ready: 0.3 to 2 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start() -> Result<Self, StartError> {
        let directory = ServerDirectory::new()?;
        let mut outcome = Err(StartError::Missing("etcd"));
        for _ in 0..PORTS {
            let mut node = EtcdNode::new(directory.path().to_owned(), "etcd")?;
            outcome = node
                .run(&node.as_member())
                .and_then(|()| node.wait_until_ready())
                .map(|()| node);
            if outcome.is_ok() {
                break;
            }
        }
        Ok(Self {
            node: outcome?,
            _directory: directory,
        })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The URL through a [`Proxy`](crate::Proxy) at this address.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("http://{address}")
    }

    /// The address of the server, also while it is stopped.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.node.address()
    }

    /// Sends a request to the JSON gateway, and returns the status line, the headers and the body.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn ask(&self, path: &str, body: &str) -> io::Result<String> {
        self.node.ask(path, body)
    }

    /// Kills the server at once, like a crash.
    ///
    /// # Errors
    /// If the server cannot be killed.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.node.kill9()
    }

    /// Starts the server again at the same address with the same data, after
    /// [`kill9`](Self::kill9). A running server is killed first.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.node.kill9()?;
        self.node.run(&self.node.as_member())?;
        self.node.wait_until_ready()
    }
}

/// One server, alone or in a cluster.
#[derive(Debug)]
pub(crate) struct EtcdNode {
    process: Option<Process>,
    program: PathBuf,
    directory: PathBuf,
    name: &'static str,
    /// The port for clients, and the port for other nodes.
    ports: [u16; 2],
}

impl EtcdNode {
    /// A server that has not been started, with free ports.
    pub(crate) fn new(directory: PathBuf, name: &'static str) -> Result<Self, StartError> {
        let program = programs::find("etcd").ok_or(StartError::Missing("etcd"))?;
        Ok(Self {
            process: None,
            program,
            directory,
            name,
            ports: [programs::free_port()?, programs::free_port()?],
        })
    }

    /// This node in the list of the members of its cluster.
    pub(crate) fn as_member(&self) -> String {
        let [_, peers] = self.ports;
        format!("{}=http://127.0.0.1:{peers}", self.name)
    }

    /// Starts the process, which is ready some time later.
    pub(crate) fn run(&mut self, members: &str) -> Result<(), StartError> {
        let [clients, peers] = self.ports.map(|port| format!("http://127.0.0.1:{port}"));
        let mut command = Command::new(&self.program);
        command.args(["--name", self.name, "--data-dir"]);
        // With other ports, the data of an earlier attempt would belong to another cluster.
        let [_, data] = self.ports.map(|port| port.to_string());
        command.arg(self.directory.join(data));
        command.args(["--listen-client-urls", &clients]);
        command.args(["--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers]);
        command.args(["--initial-advertise-peer-urls", &peers]);
        command.args(["--initial-cluster", members]);
        self.process = Some(Process::start(&mut command, &self.directory, self.name)?);
        Ok(())
    }

    /// Waits until the node knows a leader. A read is no sign: on a busy disk, it can take longer
    /// than the second that `/health` gives it.
    pub(crate) fn wait_until_ready(&mut self) -> Result<(), StartError> {
        let Some(mut process) = self.process.take() else {
            return Err(self.failed("the server is not running"));
        };
        let ready = || number(&self.status(), LEADER).is_some();
        process
            .wait_until(ready)
            .map_err(|what| self.failed(what))?;
        self.process = Some(process);
        Ok(())
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let [clients, _] = self.ports;
        (Ipv4Addr::LOCALHOST, clients).into()
    }

    pub(crate) fn kill9(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill9)
    }

    /// Stops a running server.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.running()?.pause()
    }

    /// Continues a server after [`pause`](Self::pause).
    pub(crate) fn resume(&self) -> io::Result<()> {
        self.running()?.resume()
    }

    fn running(&self) -> io::Result<&Process> {
        let stopped = || io::Error::other("the server does not run");
        self.process.as_ref().ok_or_else(stopped)
    }

    /// Whether the node says that it is the leader.
    pub(crate) fn is_leader(&self) -> bool {
        let status = self.status();
        let leader = number(&status, LEADER);
        leader.is_some() && leader == number(&status, r#""member_id":""#)
    }

    /// The status of the node, or nothing if it does not answer.
    fn status(&self) -> String {
        let status = self.ask("/v3/maintenance/status", "{}");
        status.unwrap_or_default()
    }

    /// The whole answer to a request with this JSON text. Without a text, it is a `GET`.
    pub(crate) fn ask(&self, path: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address(), ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let method = if body.is_empty() { "GET" } else { "POST" };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    pub(crate) fn failed(&self, what: impl Into<String>) -> StartError {
        process::failed("etcd", what, &self.directory, self.name)
    }
}

/// The digits after a name in JSON. etcd writes numbers as text.
fn number<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(name)?;
    rest.split_once('"').map(|(digits, _)| digits)
}

/// The number after this name is the id of the leader. Without a leader, the name is missing.
const LEADER: &str = r#""leader":""#;
const ANSWER: Duration = Duration::from_secs(5);
