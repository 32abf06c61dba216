use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use crate::process::{self, Process};
use crate::programs;
use crate::redis::{self, RedisNode};
use crate::server_directory::ServerDirectory;
use crate::{Durability, Relay, StartError};

/// A Redis primary with two replicas, and three sentinels that choose a new primary after 1.5
/// seconds, without passwords.
///
/// Server 0 is the first primary. Each server stands behind a [`Relay`], whose address the server
/// announces. Servers, sentinels and clients that follow the sentinels use the relays. A client on
/// the side of a server that is cut off uses [`own_addresses`](Self::own_addresses).
#[derive(Debug)]
pub struct RedisSentinel {
    // Declared in this order, so that the processes end before their directory is removed.
    sentinels: [Sentinel; 3],
    servers: [RedisNode; 3],
    relays: [Relay; 3],
    _directory: ServerDirectory,
}

#[derive(Debug)]
struct Sentinel {
    _process: Process,
    port: u16,
}

impl RedisSentinel {
    /// The name of the primary that the sentinels monitor.
    pub const PRIMARY: &str = "records";

    /// Makes the servers and the sentinels, and waits until all of them know each other: about 4
    /// seconds. Each byte between them takes the time `delay`. Each server gets these options, such
    /// as `--min-replicas-to-write 1`.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(
        durability: Durability,
        delay: Duration,
        options: &[&str],
    ) -> Result<Self, StartError> {
        let directory = ServerDirectory::new()?;
        let path = directory.path();
        let (first, front) = server(path, "first", durability, 0, delay, options)?;
        let following = format!("--replicaof 127.0.0.1 {}", front.address().port());
        let options: Vec<&str> = options
            .iter()
            .copied()
            .chain([following.as_str()])
            .collect();
        let (second, behind) = server(path, "second", durability, 1, delay, &options)?;
        let (third, last) = server(path, "third", durability, 2, delay, &options)?;
        let servers = [first, second, third];
        wait_for(&servers, "the replicas do not follow", |servers| {
            let [first, ..] = servers;
            let info = first.ask("INFO replication").unwrap_or_default();
            info.matches("state=online").count() == 2
        })?;
        let relays = [front, behind, last];
        let [front, ..] = &relays;
        let sentinel = |name| Sentinel::start(path, name, front.address());
        let sentinels = [sentinel("one")?, sentinel("two")?, sentinel("three")?];
        wait_for(&servers, "the sentinels do not find each other", |_| {
            sentinels.iter().all(Sentinel::knows_all)
        })?;
        Ok(Self {
            sentinels,
            servers,
            relays,
            _directory: directory,
        })
    }

    /// `redis://127.0.0.1:PORT/` for each sentinel.
    #[must_use]
    pub fn sentinel_urls(&self) -> [String; 3] {
        self.sentinels
            .each_ref()
            .map(|sentinel| format!("redis://127.0.0.1:{}/", sentinel.port))
    }

    /// The address that each server announces.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        self.relays.each_ref().map(Relay::address)
    }

    /// The address of each server without its relay. A client on its side of a cut uses it.
    #[must_use]
    pub fn own_addresses(&self) -> [SocketAddr; 3] {
        self.servers.each_ref().map(RedisNode::address)
    }

    /// The number of the server that the sentinels call the primary, or `None` if they do not
    /// answer.
    #[must_use]
    pub fn primary(&self) -> Option<usize> {
        let primary = self.sentinels.iter().find_map(Sentinel::primary)?;
        let mut addresses = self.addresses().into_iter();
        addresses.position(|address| address.port() == primary)
    }

    /// Drops the bytes that are under way from and to a server, and kills the server.
    ///
    /// # Errors
    /// If it cannot be killed, or if there is no server of this number.
    pub fn kill9(&mut self, server: usize) -> io::Result<()> {
        self.cut(server, &[])?;
        self.servers.get_mut(server).ok_or_else(no_server)?.kill9()
    }

    /// Starts a killed server again with the same data, and ends its cut. The sentinels make it a
    /// replica of the present primary.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready, or if there is no server of this number.
    pub fn restart(&mut self, server: usize) -> Result<(), StartError> {
        self.servers.get_mut(server).ok_or_else(no_server)?.run()?;
        self.relays.get(server).ok_or_else(no_server)?.heal();
        Ok(())
    }

    /// Stops a server, like a virtual machine that is paused.
    ///
    /// # Errors
    /// If it cannot be paused, or if there is no server of this number.
    pub fn pause(&self, server: usize) -> io::Result<()> {
        self.servers.get(server).ok_or_else(no_server)?.pause()
    }

    /// Continues a paused server.
    ///
    /// # Errors
    /// If it cannot be continued, or if there is no server of this number.
    pub fn resume(&self, server: usize) -> io::Result<()> {
        self.servers.get(server).ok_or_else(no_server)?.resume()
    }

    /// Cuts a server off from the sentinels, the other servers and the clients that follow the
    /// sentinels, without a sign to any of them. The servers in `with` stay on its side.
    ///
    /// # Errors
    /// If there is no server of this number.
    pub fn cut(&self, server: usize, with: &[usize]) -> io::Result<()> {
        let kept: Vec<_> = with.iter().map(|&server| redis::source(server)).collect();
        self.relays
            .get(server)
            .ok_or_else(no_server)?
            .cut_except(&kept);
        for &server in with {
            self.relays.get(server).ok_or_else(no_server)?.cut();
        }
        Ok(())
    }

    /// Ends all cuts.
    pub fn heal(&self) {
        self.relays.iter().for_each(Relay::heal);
    }
}

/// A server, and the relay in front of it.
fn server(
    directory: &Path,
    name: &'static str,
    durability: Durability,
    number: usize,
    delay: Duration,
    options: &[&str],
) -> Result<(RedisNode, Relay), StartError> {
    let mut node = RedisNode::new(directory, name, durability)?;
    node.choose_port()?;
    let relay = Relay::start(node.address(), delay)?;
    let own = [
        "--replica-announce-ip 127.0.0.1".to_owned(),
        format!("--replica-announce-port {}", relay.address().port()),
        // A relay knows a server by this address.
        format!("--bind-source-addr {}", redis::source(number)),
        "--repl-ping-replica-period 1".to_owned(),
        "--repl-diskless-sync-delay 0".to_owned(),
    ];
    let own = own.iter().map(String::as_str);
    let options: Vec<&str> = own.chain(options.iter().copied()).collect();
    let mut node = node.with_options(&options);
    node.run()?;
    Ok((node, relay))
}

impl Sentinel {
    fn start(directory: &Path, name: &str, primary: SocketAddr) -> Result<Self, StartError> {
        let program = programs::find("redis-server").ok_or(StartError::Missing("redis"))?;
        let port = programs::free_port()?;
        let own = directory.join(name);
        fs::create_dir(&own)?;
        let (label, to) = (RedisSentinel::PRIMARY, primary.port());
        let configuration = own.join("sentinel.conf");
        fs::write(
            &configuration,
            format!(
                "port {port}\n\
                 bind 127.0.0.1\n\
                 dir {}\n\
                 sentinel monitor {label} 127.0.0.1 {to} 2\n\
                 sentinel down-after-milliseconds {label} 1500\n\
                 sentinel failover-timeout {label} 6000\n\
                 sentinel parallel-syncs {label} 2\n",
                own.display()
            ),
        )?;
        let mut command = Command::new(program);
        command.arg(&configuration).arg("--sentinel");
        let mut process = Process::start(&mut command, directory, name)?;
        let sentinel = |process| Self {
            _process: process,
            port,
        };
        let ready = || RedisNode::ask_at(port, "PING").is_ok_and(|answer| answer == "+PONG\r\n");
        match process.wait_until(ready) {
            Ok(()) => Ok(sentinel(process)),
            Err(what) => Err(process::failed("redis-sentinel", what, directory, name)),
        }
    }

    /// Whether it knows both replicas and both other sentinels.
    fn knows_all(&self) -> bool {
        let ask = format!("SENTINEL MASTER {}", RedisSentinel::PRIMARY);
        let answer = RedisNode::ask_at(self.port, &ask).unwrap_or_default();
        let words: Vec<&str> = answer.split("\r\n").collect();
        // A field is its name, the length of its value, and the value.
        let is_two = |name: &str| {
            let mut after = words.iter().skip_while(|word| **word != name).skip(2);
            after.next() == Some(&"2")
        };
        is_two("num-slaves") && is_two("num-other-sentinels")
    }

    /// The port of the primary.
    fn primary(&self) -> Option<u16> {
        let ask = format!(
            "SENTINEL GET-MASTER-ADDR-BY-NAME {}",
            RedisSentinel::PRIMARY
        );
        let answer = RedisNode::ask_at(self.port, &ask).ok()?;
        answer.split("\r\n").nth(4)?.parse().ok()
    }
}

fn wait_for(
    servers: &[RedisNode; 3],
    or: &str,
    reached: impl Fn(&[RedisNode; 3]) -> bool,
) -> Result<(), StartError> {
    let [first, ..] = servers;
    process::wait_for(|| reached(servers)).map_err(|()| first.failed(or))
}

fn no_server() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "there are three servers")
}
