use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::StartError;
use crate::etcd::EtcdNode;
use crate::programs::PORTS;
use crate::server_directory::ServerDirectory;

/// An etcd cluster of three nodes, without users.
#[derive(Debug)]
pub struct EtcdCluster {
    // Declared in this order, so that the servers end before their directory is removed.
    nodes: [EtcdNode; 3],
    members: String,
    _directory: ServerDirectory,
}

impl EtcdCluster {
    /// Makes a cluster and waits until every node answers: 1 to 3 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start() -> Result<Self, StartError> {
        let mut outcome = Self::try_start();
        for _ in 1..PORTS {
            // Another process may have taken a port in the meantime.
            if !matches!(outcome, Err(StartError::Failed { .. })) {
                break;
            }
            outcome = Self::try_start();
        }
        outcome
    }

    fn try_start() -> Result<Self, StartError> {
        let directory = ServerDirectory::new()?;
        let node = |name| EtcdNode::new(directory.path().to_owned(), name);
        let nodes = [node("first")?, node("second")?, node("third")?];
        let members = nodes.each_ref().map(EtcdNode::as_member).join(",");
        let mut cluster = Self {
            nodes,
            members,
            _directory: directory,
        };
        cluster.restart()?;
        Ok(cluster)
    }

    /// `http://127.0.0.1:PORT` for each node.
    #[must_use]
    pub fn urls(&self) -> [String; 3] {
        self.addresses().map(|address| format!("http://{address}"))
    }

    /// The addresses of the nodes, also while they are stopped.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        self.nodes.each_ref().map(EtcdNode::address)
    }

    /// Waits for a leader, and returns its number.
    ///
    /// # Errors
    /// If no running node becomes the leader.
    pub fn leader(&self) -> io::Result<usize> {
        let start = Instant::now();
        while start.elapsed() < TIME_LIMIT {
            if let Some(leader) = self.nodes.iter().position(EtcdNode::is_leader) {
                return Ok(leader);
            }
            thread::sleep(POLL);
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "no node leads"))
    }

    /// Kills one node at once, like a crash.
    ///
    /// # Errors
    /// If it cannot be killed, or if there is no node of this number.
    pub fn kill9(&mut self, node: usize) -> io::Result<()> {
        self.node(node)?.kill9()
    }

    /// Stops one node, like a paused virtual machine: its connections stay open and nothing answers
    /// (`SIGSTOP`).
    ///
    /// # Errors
    /// If it does not run, or if there is no node of this number.
    pub fn pause(&mut self, node: usize) -> io::Result<()> {
        self.node(node)?.pause()
    }

    /// Continues a node after [`pause`](Self::pause).
    ///
    /// # Errors
    /// If it does not run, or if there is no node of this number.
    pub fn resume(&mut self, node: usize) -> io::Result<()> {
        self.node(node)?.resume()
    }

    /// Starts every killed node again at the same address with the same data, and waits until all
    /// nodes answer.
    ///
    /// # Errors
    /// [`StartError`] if a node does not become ready.
    pub fn restart(&mut self) -> Result<(), StartError> {
        for node in &mut self.nodes {
            if !node.is_running() {
                node.run(&self.members)?;
            }
        }
        // A node is ready when it knows a leader, for which another node must run.
        self.nodes
            .iter_mut()
            .try_for_each(EtcdNode::wait_until_ready)
    }

    fn node(&mut self, node: usize) -> io::Result<&mut EtcdNode> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "there are three nodes");
        self.nodes.get_mut(node).ok_or_else(missing)
    }
}

const TIME_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
