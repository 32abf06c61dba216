use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use crate::process;
use crate::programs;
use crate::redis::{self, RedisNode};
use crate::server_directory::ServerDirectory;
use crate::{Durability, Relay, StartError};

/// A Redis cluster of three primaries with one replica each, without a password. A replica takes
/// over after two seconds.
///
/// Nodes and clients reach a node through its [`Relay`]s.
#[derive(Debug)]
pub struct ReplicatedRedisCluster {
    // Declared in this order, so that the servers end before their directory is removed.
    nodes: Vec<Node>,
    _directory: ServerDirectory,
}

#[derive(Debug)]
struct Node {
    server: RedisNode,
    /// To the port for clients and for replication.
    clients: Relay,
    /// To the port for the other nodes.
    bus: Relay,
}

impl ReplicatedRedisCluster {
    /// Makes a cluster and waits until every node reports it complete and every primary has its
    /// replica: about 6 seconds. Each byte takes the time `delay`.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(durability: Durability, delay: Duration) -> Result<Self, StartError> {
        let directory = ServerDirectory::new()?;
        let mut nodes = Vec::new();
        for (number, name) in NAMES.into_iter().enumerate() {
            let server = RedisNode::new(directory.path(), name, durability)?;
            nodes.push(Node::start(server, number, delay)?);
        }
        let cluster = Self {
            nodes,
            _directory: directory,
        };
        cluster.join()?;
        cluster.wait_until_complete()?;
        Ok(cluster)
    }

    /// `redis://127.0.0.1:PORT/` for each node.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let addresses = self.nodes.iter().map(|node| node.clients.address());
        addresses
            .map(|address| format!("redis://{address}/"))
            .collect()
    }

    /// The address of each node without its relay.
    #[must_use]
    pub fn own_addresses(&self) -> Vec<SocketAddr> {
        let nodes = self.nodes.iter();
        nodes.map(|node| node.server.address()).collect()
    }

    /// The number of a node that is a primary now, and has a replica.
    ///
    /// # Errors
    /// If there is none.
    pub fn primary(&self) -> io::Result<usize> {
        let mut nodes = self.nodes.iter();
        nodes
            .position(|node| node.replicas() == Some(1))
            .ok_or_else(no_node)
    }

    /// Whether this node is a replica now.
    #[must_use]
    pub fn is_replica(&self, node: usize) -> bool {
        let node = self.nodes.get(node);
        let info = node.and_then(|node| node.server.ask("INFO replication").ok());
        info.is_some_and(|info| info.contains("role:slave"))
    }

    /// Whether a replica has taken over from this node. While the node is cut off, it still calls
    /// itself a primary.
    #[must_use]
    pub fn has_failed_over(&self, node: usize) -> bool {
        let others = self.nodes.iter().enumerate();
        let others = others.filter(|(number, _)| *number != node);
        let primaries = others.filter(|(_, other)| other.replicas().is_some());
        primaries.count() == PRIMARIES
    }

    /// Drops the bytes that are under way from and to a node, and kills the node.
    ///
    /// # Errors
    /// If it cannot be killed, or if there is no node of this number.
    pub fn kill9(&mut self, node: usize) -> io::Result<()> {
        let node = self.nodes.get_mut(node).ok_or_else(no_node)?;
        node.clients.cut();
        node.bus.cut();
        node.server.kill9()?;
        // Clients notice the end of a killed process.
        node.clients.heal();
        Ok(())
    }

    /// Stops a node, like a virtual machine that is paused.
    ///
    /// # Errors
    /// If it cannot be paused, or if there is no node of this number.
    pub fn pause(&self, node: usize) -> io::Result<()> {
        self.nodes.get(node).ok_or_else(no_node)?.server.pause()
    }

    /// Continues a paused node.
    ///
    /// # Errors
    /// If it cannot be continued, or if there is no node of this number.
    pub fn resume(&self, node: usize) -> io::Result<()> {
        self.nodes.get(node).ok_or_else(no_node)?.server.resume()
    }

    /// Starts a killed node again with the same data. It becomes a replica of the present primary.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready, or if there is no node of this number.
    pub fn restart(&mut self, node: usize) -> Result<(), StartError> {
        let node = self.nodes.get_mut(node).ok_or_else(no_node)?;
        node.server.run()?;
        node.bus.heal();
        Ok(())
    }

    /// Cuts a node off from all other nodes, without a sign to any of them. Clients still reach it.
    ///
    /// # Errors
    /// If there is no node of this number.
    pub fn cut(&self, node: usize) -> io::Result<()> {
        let cut_off = self.nodes.get(node).ok_or_else(no_node)?;
        let sources: Vec<_> = (0..self.nodes.len()).map(redis::source).collect();
        cut_off.bus.cut();
        cut_off.clients.cut_from(&sources);
        for (number, other) in self.nodes.iter().enumerate() {
            if number != node {
                other.bus.cut_from(&[redis::source(node)]);
                other.clients.cut_from(&[redis::source(node)]);
            }
        }
        Ok(())
    }

    /// Ends all cuts.
    pub fn heal(&self) {
        for node in &self.nodes {
            node.bus.heal();
            node.clients.heal();
        }
    }

    fn join(&self) -> Result<(), StartError> {
        let program = programs::find("redis-cli").ok_or(StartError::Missing("redis"))?;
        let mut create = Command::new(program);
        create.args(["--cluster", "create"]);
        let addresses = self.nodes.iter().map(|node| node.clients.address());
        create.args(addresses.map(|address| address.to_string()));
        create.args(["--cluster-replicas", "1", "--cluster-yes"]);
        process::run(&mut create).map_err(|reason| self.failed(reason))
    }

    fn wait_until_complete(&self) -> Result<(), StartError> {
        let is_complete = |node: &Node| {
            let info = node.server.ask("CLUSTER INFO");
            info.is_ok_and(|info| info.contains("cluster_state:ok"))
        };
        let reached = || {
            let with_replica = self.nodes.iter().filter(|node| node.replicas() == Some(1));
            with_replica.count() == PRIMARIES && self.nodes.iter().all(is_complete)
        };
        process::wait_for(reached).map_err(|()| self.failed("the cluster does not get complete"))
    }

    fn failed(&self, what: impl Into<String>) -> StartError {
        match self.nodes.first() {
            Some(node) => node.server.failed(what),
            None => no_node().into(),
        }
    }
}

impl Node {
    fn start(mut server: RedisNode, number: usize, delay: Duration) -> Result<Self, StartError> {
        server.choose_port()?;
        let clients = Relay::start(server.address(), delay)?;
        let bus = Relay::start(server.bus_address(), delay)?;
        let options = [
            "--cluster-enabled yes".to_owned(),
            "--cluster-node-timeout 2000".to_owned(),
            "--cluster-announce-ip 127.0.0.1".to_owned(),
            format!("--cluster-announce-port {}", clients.address().port()),
            format!("--cluster-announce-bus-port {}", bus.address().port()),
            format!("--bind-source-addr {}", redis::source(number)),
            "--repl-ping-replica-period 1".to_owned(),
            "--repl-diskless-sync-delay 0".to_owned(),
        ];
        let options = options.each_ref().map(String::as_str);
        let mut server = server.with_options(&options);
        server.run()?;
        Ok(Self {
            server,
            clients,
            bus,
        })
    }

    /// The number of replicas that are up to date, or `None` if the node is no primary.
    fn replicas(&self) -> Option<usize> {
        let info = self.server.ask("INFO replication").unwrap_or_default();
        let is_primary = info.contains("role:master");
        is_primary.then(|| info.matches("state=online").count())
    }
}

fn no_node() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "there is no such node")
}

const NAMES: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
const PRIMARIES: usize = NAMES.len() >> 1;
