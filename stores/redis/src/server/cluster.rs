use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Client, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, Value};

use super::slot::slot;
use super::{Address, Deadline, Node};
use crate::script::Call;
use crate::{Error, failure};

/// The nodes of a cluster, and the slots that each of them owns.
///
/// The nodes themselves say which node owns a slot. A call goes to the last known owner of its
/// slot, or to any node. A node that does not own the slot does nothing and answers `MOVED` with
/// the owner. So an owner that is out of date does no harm, and a failed node affects its own slots
/// only.
///
/// The store does not use the driver's cluster client, for two reasons. If an answer is lost, that
/// client sends the call again. If that client has no connection to the owner, it sends the call to
/// any node, even to a replica.
pub(crate) struct Cluster {
    seeds: Vec<Arc<Node>>,
    known: Mutex<Known>,
    turn: AtomicUsize,
}

#[derive(Default)]
struct Known {
    /// The nodes, except the seeds.
    nodes: Vec<Arc<Node>>,
    slots: HashMap<u16, Arc<Node>>,
}

/// The node to ask instead, from the answer of a node.
enum Redirect {
    /// From now on (`MOVED`).
    Moved(Address),
    /// For this call only, while the slot moves there (`ASK`).
    Ask(Address),
}

impl Cluster {
    pub(crate) fn new(seeds: impl IntoIterator<Item = Client>) -> Result<Self, RedisError> {
        let seeds: Vec<_> = seeds.into_iter().map(Node::new).map(Arc::new).collect();
        if seeds.is_empty() || seeds.iter().any(|seed| seed.address().is_none()) {
            let what = "a cluster needs the host and port of at least one node";
            return Err((ErrorKind::InvalidClientConfig, what).into());
        }
        Ok(Self {
            seeds,
            known: Mutex::default(),
            turn: AtomicUsize::new(0),
        })
    }

    pub(crate) async fn call(
        &self,
        call: &Call<'_>,
        deadline: Deadline,
    ) -> Result<Vec<Value>, Error> {
        let slot = slot(call.key());
        let mut unreachable: Vec<Arc<Node>> = Vec::new();
        let known = self.known().slots.get(&slot).cloned();
        let mut node = known.map_or_else(|| self.any(&unreachable), Ok)?;
        let mut asking = false;
        let mut redirections_left = REDIRECTIONS;
        loop {
            let answers = match node.call(call, asking, deadline).await {
                // Nothing was sent, so another node may know the new primary. But the call fails if
                // a node has just redirected it to this address again.
                Err(error @ Error::Unreachable { .. }) => {
                    self.forget(&node);
                    let again = unreachable
                        .iter()
                        .any(|other| other.address() == node.address());
                    unreachable.push(node);
                    match self.any(&unreachable) {
                        Ok(other) if !again => (node, asking) = (other, false),
                        _ => return Err(error),
                    }
                    continue;
                }
                answers => answers?,
            };
            let Some(Value::ServerError(error)) = answers.first() else {
                if !asking {
                    self.remember_owner(&node, slot);
                }
                return Ok(answers);
            };
            let error = RedisError::from(error.clone());
            match redirect(&error, &node) {
                Some(redirect) if redirections_left > 0 => {
                    redirections_left = redirections_left.saturating_sub(1);
                    (node, asking) = match redirect {
                        Redirect::Moved(address) => (self.at(&address)?, false),
                        Redirect::Ask(address) => (self.at(&address)?, true),
                    };
                }
                Some(_) => return Err(failure::error(error)),
                None => {
                    if must_ask_another_node(&error) {
                        self.forget(&node);
                    }
                    return Ok(answers);
                }
            }
        }
    }

    /// The primaries that own slots now, ordered by address.
    pub(crate) async fn primaries(
        &self,
        deadline: Deadline,
    ) -> Result<Vec<(Address, Arc<Node>)>, Error> {
        let mut ask = redis::pipe();
        ask.cmd("CLUSTER").arg("SLOTS");
        let mut unreachable = Vec::new();
        let mut node = self.any(&unreachable)?;
        let answer = loop {
            match node.ask(&ask, deadline).await {
                Err(error @ Error::Unreachable { .. }) => {
                    unreachable.push(node);
                    node = self.any(&unreachable).map_err(|_| error)?;
                }
                answer => break answer?,
            }
        };
        let mut primaries = primaries(answer, &node).map_err(failure::error)?;
        primaries.sort();
        primaries.dedup();
        let with_node = |address| Ok((Address::clone(&address), self.at(&address)?));
        primaries.into_iter().map(with_node).collect()
    }

    /// Returns the node at this address, and remembers it.
    fn at(&self, address: &Address) -> Result<Arc<Node>, Error> {
        let mut known = self.known();
        let mut nodes = self.seeds.iter().chain(&known.nodes);
        if let Some(node) = nodes.find(|node| node.address() == Some(address)) {
            return Ok(Arc::clone(node));
        }
        let seed = self.seeds.first().ok_or_else(no_node)?;
        let node = Arc::new(seed.at_address(address).map_err(failure::error)?);
        known.nodes.push(Arc::clone(&node));
        Ok(node)
    }

    /// Remembers the owner of a slot.
    fn remember_owner(&self, node: &Arc<Node>, slot: u16) {
        let mut known = self.known();
        if known
            .slots
            .get(&slot)
            .is_none_or(|of| !Arc::ptr_eq(of, node))
        {
            known.slots.insert(slot, Arc::clone(node));
        }
    }

    /// A node that is not in `except`, preferably a connected one. The choice rotates, so that not
    /// every call asks the same failed node.
    fn any(&self, except: &[Arc<Node>]) -> Result<Arc<Node>, Error> {
        let known = self.known();
        let nodes = self.seeds.iter().chain(&known.nodes);
        let left: Vec<_> = nodes.filter(|node| !is_among(node, except)).collect();
        let connected = left.iter().filter(|node| node.is_connected()).count();
        let wanted = |node: &&&Arc<Node>| connected == 0 || node.is_connected();
        let choice = if connected == 0 {
            left.len()
        } else {
            connected
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let chosen = turn.checked_rem(choice).unwrap_or_default();
        let node = left.iter().filter(wanted).nth(chosen);
        node.map(|node| Arc::clone(node)).ok_or_else(no_node)
    }

    /// Forgets a node and the slots that it owned.
    fn forget(&self, node: &Arc<Node>) {
        let mut known = self.known();
        known.slots.retain(|_, of| !Arc::ptr_eq(of, node));
        known.nodes.retain(|other| !Arc::ptr_eq(other, node));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_among(node: &Arc<Node>, nodes: &[Arc<Node>]) -> bool {
    nodes.iter().any(|other| Arc::ptr_eq(node, other))
}

/// The redirection in an error, if it is one.
fn redirect(error: &RedisError, from: &Node) -> Option<Redirect> {
    let (address, _slot) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    let address = named_address(from, host.to_owned(), port.parse().ok()?);
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::Ask) => Some(Redirect::Ask(address)),
        _ => Some(Redirect::Moved(address)),
    }
}

/// The address that a node names for another node. If the address has no host, it uses the host of
/// the naming node.
fn named_address(node: &Node, host: String, port: u16) -> Address {
    let own_host = || node.address().map(|address| address.host.clone());
    let host = Some(host).filter(|host| !host.is_empty()).or_else(own_host);
    Address {
        host: host.unwrap_or_default(),
        port,
    }
}

/// Whether another node must be asked, for this call only or from now on.
fn must_ask_another_node(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::ReadOnly
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
        )
    )
}

fn no_node() -> Error {
    Error::ClusterDown((ErrorKind::ClusterConnectionNotFound, "no reachable node").into())
}

/// The primaries in an answer to `CLUSTER SLOTS`. The answer is a list of ranges: the first slot,
/// the last slot, the primary, and its replicas. Each node starts with its host and port.
fn primaries(answer: Value, from: &Node) -> Result<Vec<Address>, RedisError> {
    let mut found = Vec::new();
    for range in Vec::<Vec<Value>>::from_redis_value(answer)? {
        let primary = range.into_iter().nth(2).unwrap_or(Value::Nil);
        let mut primary = Vec::from_redis_value(primary)?.into_iter();
        let mut next = || primary.next().unwrap_or(Value::Nil);
        let host = Option::<String>::from_redis_value(next())?;
        let port = u16::from_redis_value(next())?;
        found.push(named_address(from, host.unwrap_or_default(), port));
    }
    Ok(found)
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.seeds).finish()
    }
}

/// How many redirections a call follows. A call needs at most two unless slots are moving.
const REDIRECTIONS: usize = 8;
