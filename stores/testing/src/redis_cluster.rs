use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::process;
use crate::programs;
use crate::redis::RedisNode;
use crate::{Durability, StartError};

/// A Redis cluster of three nodes without replicas, without a password.
#[derive(Debug)]
pub struct RedisCluster {
    // In this order: the servers end before their folder does.
    nodes: [RedisNode; 3],
    _folder: Folder,
}

impl RedisCluster {
    /// Makes a cluster and waits until every node finds it whole: 2 to 3 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not come up.
    pub fn start(durability: Durability) -> Result<Self, StartError> {
        let folder = Folder::new()?;
        let node = |name| RedisNode::new(folder.path().to_owned(), name, durability, true);
        let nodes = [node("first")?, node("second")?, node("third")?];
        let mut cluster = Self {
            nodes,
            _folder: folder,
        };
        for node in &mut cluster.nodes {
            node.start()?;
        }
        cluster.join()?;
        cluster.until_whole()?;
        Ok(cluster)
    }

    /// `redis://127.0.0.1:PORT/` for each node.
    #[must_use]
    pub fn urls(&self) -> [String; 3] {
        self.addresses()
            .map(|address| format!("redis://{address}/"))
    }

    /// Where the nodes listen, also while they do not run.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        self.nodes.each_ref().map(RedisNode::address)
    }

    /// Kills one node at once, as a crash would.
    ///
    /// # Errors
    /// If it cannot be killed, or there is no node of this number.
    pub fn kill9(&mut self, node: usize) -> io::Result<()> {
        self.node(node)?.kill9()
    }

    /// Starts a node again at the same address with the same data, and waits until the cluster is whole: about 5 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it does not come up, or there is no node of this number.
    pub fn restart(&mut self, node: usize) -> Result<(), StartError> {
        let node = self.node(node)?;
        node.stop()?;
        node.run()?;
        self.until_whole()
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

    /// Waits until every node says that it reaches the whole cluster.
    fn until_whole(&self) -> Result<(), StartError> {
        let begun = Instant::now();
        let is_whole = |node: &RedisNode| {
            let info = node.ask("CLUSTER INFO");
            info.is_ok_and(|info| info.contains("cluster_state:ok"))
        };
        for node in &self.nodes {
            while !is_whole(node) {
                if begun.elapsed() > PATIENCE {
                    return Err(node.failed("the cluster does not come together"));
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
