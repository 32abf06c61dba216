use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::process;
use crate::programs;
use crate::redis::RedisNode;
use crate::server_directory::ServerDirectory;
use crate::{Durability, StartError};

/// A Redis cluster of three nodes without replicas, without a password.
#[derive(Debug)]
pub struct RedisCluster {
    // Declared in this order, so that the servers end before their directory is removed.
    nodes: [RedisNode; 3],
    _directory: ServerDirectory,
}

impl RedisCluster {
    /// Makes a cluster and waits until every node reports it complete: 2 to 3 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(durability: Durability) -> Result<Self, StartError> {
        let directory = ServerDirectory::new()?;
        let node = |name| {
            let node = RedisNode::new(directory.path(), name, durability)?;
            let options = ["--cluster-enabled yes", "--cluster-node-timeout 2000"];
            Ok::<_, StartError>(node.with_options(&options))
        };
        let nodes = [node("first")?, node("second")?, node("third")?];
        let mut cluster = Self {
            nodes,
            _directory: directory,
        };
        for node in &mut cluster.nodes {
            node.start()?;
        }
        cluster.join()?;
        cluster.wait_until_complete()?;
        Ok(cluster)
    }

    /// `redis://127.0.0.1:PORT/` for each node.
    #[must_use]
    pub fn urls(&self) -> [String; 3] {
        self.addresses()
            .map(|address| format!("redis://{address}/"))
    }

    /// The addresses of the nodes, also while they are stopped.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        self.nodes.each_ref().map(RedisNode::address)
    }

    /// Kills one node at once, like a crash.
    ///
    /// # Errors
    /// If it cannot be killed, or if there is no node of this number.
    pub fn kill9(&mut self, node: usize) -> io::Result<()> {
        self.node(node)?.kill9()
    }

    /// Starts a node again at the same address with the same data, and waits until the cluster is
    /// complete: about 5 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready, or if there is no node of this number.
    pub fn restart(&mut self, node: usize) -> Result<(), StartError> {
        let node = self.node(node)?;
        node.stop()?;
        node.run()?;
        self.wait_until_complete()
    }

    fn node(&mut self, node: usize) -> io::Result<&mut RedisNode> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "there are three nodes");
        self.nodes.get_mut(node).ok_or_else(missing)
    }

    fn join(&self) -> Result<(), StartError> {
        let [first, ..] = &self.nodes;
        let program = programs::find("redis-cli").ok_or(StartError::Missing("redis"))?;
        let mut create = Command::new(program);
        create.args(["--cluster", "create"]);
        create.args(self.addresses().map(|address| address.to_string()));
        create.args(["--cluster-replicas", "0", "--cluster-yes"]);
        process::run(&mut create).map_err(|reason| first.failed(reason))
    }

    /// Waits until every node reports that it reaches the whole cluster.
    fn wait_until_complete(&self) -> Result<(), StartError> {
        let start = Instant::now();
        let is_complete = |node: &RedisNode| {
            let info = node.ask("CLUSTER INFO");
            info.is_ok_and(|info| info.contains("cluster_state:ok"))
        };
        for node in &self.nodes {
            while !is_complete(node) {
                if start.elapsed() > TIME_LIMIT {
                    return Err(node.failed("the cluster does not become complete"));
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }
}

const TIME_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
