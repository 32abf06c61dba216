//! The server or the cluster, and the connections to it.

mod address;
mod cluster;
mod deadline;
mod node;
mod replica_count;
mod sentinels;
mod slot;

use redis::{Client, RedisError, Value};

use crate::Error;
use crate::script::Call;
pub(crate) use address::Address;
use cluster::Cluster;
pub(crate) use deadline::Deadline;
pub(crate) use node::Node;
use sentinels::Sentinels;

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

    /// The primary that the sentinels name.
    pub(crate) fn behind_sentinels(
        sentinels: impl IntoIterator<Item = Client>,
        primary: Client,
    ) -> Result<Self, RedisError> {
        let sentinels = Sentinels::new(sentinels, &primary)?;
        Ok(Self::Single(Box::new(Node::behind(sentinels, primary))))
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
