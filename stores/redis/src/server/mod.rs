//! The server or the cluster, and the connections to it.

mod cluster;
mod deadline;
mod node;
mod slot;

use redis::{Client, RedisError, Value};

use crate::Error;
use crate::script::Call;
use cluster::Cluster;
pub(crate) use deadline::Deadline;
pub(crate) use node::{Address, Node};

/// One server, or a cluster.
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

    /// Calls a script on the node of its key. Returns the answer of the script and, if requested,
    /// of `WAIT`.
    pub(crate) async fn call(
        &self,
        call: &Call<'_>,
        deadline: Deadline,
    ) -> Result<Vec<Value>, Error> {
        match self {
            Self::Single(node) => node.call(call, false, deadline).await,
            Self::Cluster(cluster) => cluster.call(call, deadline).await,
        }
    }
}
