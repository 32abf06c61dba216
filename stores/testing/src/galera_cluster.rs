use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use crate::maria_db::{MariaDb, failed};
use crate::process;
use crate::programs::{self, PORTS};
use crate::{Durability, StartError};

/// A MariaDB Galera cluster of three nodes, with the user `root` without a password and the
/// database `test`.
///
/// Clients may write on every node.
#[derive(Debug)]
pub struct GaleraCluster {
    nodes: [MariaDb; 3],
}

/// The ports of a node besides the port for clients.
#[derive(Debug, Clone, Copy)]
struct Ports {
    clients: u16,
    /// For the other nodes.
    group: u16,
    /// For the missing writes of a node that joins.
    incremental_transfer: u16,
    /// For the whole data of a node that joins.
    whole_transfer: u16,
}

impl GaleraCluster {
    /// Makes a cluster and waits until every node is in step: about 12 seconds, and 350 MB of disk.
    /// Each node gets these options of `mariadbd`, such as `--wsrep-sync-wait=1`.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(durability: Durability, options: &[&str]) -> Result<Self, StartError> {
        if !Path::new(PROVIDER).is_file() || programs::find("rsync").is_none() {
            return Err(StartError::Missing("galera"));
        }
        let mut outcome = Self::try_start(durability, options);
        for _ in 1..PORTS {
            if outcome.is_ok() {
                break;
            }
            outcome = Self::try_start(durability, options);
        }
        outcome
    }

    /// A node that joins an empty cluster gets all data from another node. This takes long, so all
    /// nodes begin with a copy of the data of the first one.
    fn try_start(durability: Durability, options: &[&str]) -> Result<Self, StartError> {
        let node = || MariaDb::prepare(durability);
        let mut nodes = [node()?, node()?, node()?];
        let ports = [Ports::free()?, Ports::free()?, Ports::free()?];
        for (node, own) in nodes.iter_mut().zip(ports) {
            let options = options.iter().map(|&option| option.to_owned());
            node.set_options(own.clients, own.options(&ports).chain(options).collect());
        }
        let [first, others @ ..] = &mut nodes;
        first.install()?;
        first.run(&NEW_CLUSTER, is_in_step)?;
        first.create_database()?;
        first.stop()?;
        for other in &mut *others {
            copy_data(first, other)?;
        }
        first.run(&NEW_CLUSTER, is_in_step)?;
        for other in others {
            other.run(&[], is_in_step)?;
        }
        Ok(Self { nodes })
    }

    /// `mysql://root@127.0.0.1:PORT/test` for each node.
    #[must_use]
    pub fn urls(&self) -> [String; 3] {
        self.nodes.each_ref().map(MariaDb::url)
    }

    /// The addresses of the nodes, also while they are stopped.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        self.nodes.each_ref().map(MariaDb::address)
    }

    /// Kills one node at once, like a crash.
    ///
    /// # Errors
    /// If it cannot be killed, or if there is no node of this number.
    pub fn kill9(&mut self, node: usize) -> io::Result<()> {
        let node = self.nodes.get_mut(node).ok_or_else(no_node)?;
        node.kill9()
    }

    /// Stops the process of a node, like a virtual machine that is paused.
    ///
    /// # Errors
    /// If it cannot be paused, or if there is no node of this number.
    pub fn pause(&self, node: usize) -> io::Result<()> {
        self.nodes.get(node).ok_or_else(no_node)?.pause()
    }

    /// Continues a paused node.
    ///
    /// # Errors
    /// If it cannot be continued, or if there is no node of this number.
    pub fn resume(&self, node: usize) -> io::Result<()> {
        self.nodes.get(node).ok_or_else(no_node)?.resume()
    }

    /// Cuts a node off from the others. Its clients still reach it.
    ///
    /// # Errors
    /// [`StartError`] if the node does not answer, or if there is no node of this number.
    pub fn cut(&self, node: usize) -> Result<(), StartError> {
        self.isolate(node, 1)
    }

    /// Ends the cut.
    ///
    /// # Errors
    /// [`StartError`] if the node does not answer, or if there is no node of this number.
    pub fn heal(&self, node: usize) -> Result<(), StartError> {
        self.isolate(node, 0)
    }

    /// Galera has a switch for tests of the network.
    fn isolate(&self, node: usize, isolated: u8) -> Result<(), StartError> {
        let node = self.nodes.get(node).ok_or_else(no_node)?;
        node.run_sql(&format!(
            "SET GLOBAL wsrep_provider_options = 'gmcast.isolate={isolated}'"
        ))
    }

    /// Starts a killed node again at the same address, and waits until it is in step with the
    /// others: about 5 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready, or if there is no node of this number.
    pub fn restart(&mut self, node: usize) -> Result<(), StartError> {
        let node = self.nodes.get_mut(node).ok_or_else(no_node)?;
        node.stop()?;
        node.run(&[], is_in_step)
    }

    /// Waits until every node that runs is in step with the others.
    ///
    /// # Errors
    /// [`StartError`] if a node does not come back.
    pub fn wait_until_complete(&self) -> Result<(), StartError> {
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            process::wait_for(|| is_in_step(node))
                .map_err(|()| failed(node, "the node does not come back into its cluster"))?;
        }
        Ok(())
    }
}

impl Ports {
    fn free() -> io::Result<Self> {
        let [clients, group, incremental_transfer, whole_transfer] = programs::free_ports()?;
        Ok(Self {
            clients,
            group,
            incremental_transfer,
            whole_transfer,
        })
    }

    /// The options of the node with these ports, in a cluster with these nodes.
    fn options(self, cluster: &[Self; 3]) -> impl Iterator<Item = String> {
        let local = |port: u16| format!("127.0.0.1:{port}");
        let group = local(self.group);
        let provider = format!(
            "gmcast.listen_addr=tcp://{group};ist.recv_addr={};gcache.size=32M",
            local(self.incremental_transfer)
        );
        [
            "--binlog-format=ROW".to_owned(),
            "--innodb-autoinc-lock-mode=2".to_owned(),
            "--wsrep-on=ON".to_owned(),
            format!("--wsrep-provider={PROVIDER}"),
            format!(
                "--wsrep-cluster-address=gcomm://{}",
                cluster.map(|node| local(node.group)).join(",")
            ),
            format!("--wsrep-node-address={group}"),
            "--wsrep-sst-method=rsync".to_owned(),
            format!("--wsrep-sst-receive-address={}", local(self.whole_transfer)),
            format!("--wsrep-provider-options={provider}"),
        ]
        .into_iter()
    }
}

/// Whether the node has all writes of the cluster.
fn is_in_step(node: &MariaDb) -> bool {
    node.status("wsrep_local_state_comment").as_deref() == Some("Synced")
}

/// Copies the data of a server that was stopped.
fn copy_data(from: &MariaDb, to: &MariaDb) -> Result<(), StartError> {
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(from.data()).arg(to.data());
    process::run(&mut copy).map_err(|reason| failed(to, reason))?;
    // The first node alone may found the cluster again.
    let state = to.data().join("grastate.dat");
    let text = fs::read_to_string(&state)?;
    fs::write(
        &state,
        text.replace("safe_to_bootstrap: 1", "safe_to_bootstrap: 0"),
    )?;
    match fs::remove_file(to.data().join("galera.cache")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn no_node() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "there are three nodes")
}

const NEW_CLUSTER: [&str; 1] = ["--wsrep-new-cluster"];
/// Where Debian installs the package `galera-4`.
const PROVIDER: &str = "/usr/lib/galera/libgalera_smm.so";
