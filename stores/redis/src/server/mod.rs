//! The server or the cluster, and the connections to it.

mod cluster;
mod node;
mod slot;
mod time;

use redis::{Client, RedisError, Value};

use crate::Error;
use crate::script::Call;
use cluster::Cluster;
pub(crate) use node::{Address, Node};
pub(crate) use time::Time;

/// One server, or all that make a cluster.
#[derive(Debug)]
pub(crate) enum Server {
    Single(Box<Node>),
    Cluster(Cluster),
}

impl Server {
    pub(crate) fn single(client: Client) -> Self {
        Self::Single(Box::new(Node::new(client)))
    }

    pub(crate) fn cluster(seeds: impl IntoIterator<Item = Client>) -> Result<Self, RedisError> {
        Cluster::new(seeds).map(Self::Cluster)
    }

    /// Calls a script where its key is, and gives the answers: of the script, and of `WAIT` if that was asked for.
    pub(crate) async fn call(&self, call: &Call<'_>, time: Time) -> Result<Vec<Value>, Error> {
        match self {
            Self::Single(node) => node.call(call, false, time).await,
            Self::Cluster(cluster) => cluster.call(call, time).await,
        }
    }
}
