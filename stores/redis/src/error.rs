use std::error::Error as StdError;
use std::time::Duration;

use redis::RedisError;

/// Why a store could not answer.
///
/// None of these is a login, and none says more about a write than its own text does. The verifier keeps the error as the
/// source of its own, so what stands here is for the log of whoever runs the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There was no connection to the server, and none could be made. Nothing was sent.
    #[error(
        "no connection to redis at {address}, so nothing was asked of it; \
         check that it runs and can be reached"
    )]
    Unreachable {
        /// The host and port that were tried.
        address: String,
        /// What the driver said.
        source: RedisError,
    },

    /// The call was sent and not answered in time. If it was a write, it may still land.
    #[error("no answer from redis within {limit:?}; a write may still land")]
    Timeout {
        /// How long the call could take.
        limit: Duration,
    },

    /// The connection broke before the answer came. If it was a write, it may have landed.
    #[error("the connection to redis broke before the answer came; a write may have landed")]
    Disconnected(#[source] RedisError),

    /// The server wants a password, or another one.
    #[error("redis does not accept the user name or password; check the url of the client")]
    NotAuthenticated(#[source] RedisError),

    /// The user of the connection may not run what the store needs. Nothing was written.
    #[error(
        "the redis user has no permission, so nothing was written; it needs \
         `+evalsha +eval +persist +exists +hmget +hget +hset +del` on the keys of the store, \
         and `+wait`, `+scan`, `+cluster|slots` or `+config|get` for what else is used"
    )]
    NotPermitted(#[source] RedisError),

    /// The server is a replica. Loads are refused there too, because a replica may lag behind. Nothing was written.
    #[error(
        "the redis server is a replica, so nothing was read or written; \
         give the address of the primary"
    )]
    Replica(#[source] RedisError),

    /// The server has fewer replicas in step than its `min-replicas-to-write`. Nothing was read or written.
    #[error(
        "redis has too few replicas in step, so nothing was read or written; \
         see its min-replicas-to-write"
    )]
    TooFewReplicas(#[source] RedisError),

    /// The write is on the primary, and too few replicas said in time that they have it. It is treated as an answer that was
    /// lost.
    #[error("the write is on {acknowledged} replicas and not, as asked for, on {wanted}")]
    NotReplicated {
        /// How many have it.
        acknowledged: i64,
        /// How many were asked for.
        wanted: u32,
    },

    /// The server is at its `maxmemory`. Nothing was written.
    #[error(
        "redis is out of memory, so nothing was written; \
         raise its maxmemory or take other data away"
    )]
    OutOfMemory(#[source] RedisError),

    /// The server cannot write its files, so it takes no writes. Nothing was written.
    #[error(
        "redis cannot keep writes on its disk, so nothing was read or written; \
         see its log and make room"
    )]
    DiskFailed(#[source] RedisError),

    /// The server reads its data, or runs a long script. Nothing was read or written.
    #[error("redis is not ready, so nothing was read or written")]
    NotReady(#[source] RedisError),

    /// The part of the cluster that keeps the account is not served. Nothing was read or written.
    #[error(
        "the redis cluster does not serve this account now, so nothing was read or written; \
         look for nodes that are down"
    )]
    ClusterDown(#[source] RedisError),

    /// The server is a node of a cluster and the store was not told, or the nodes of a cluster disagree on who keeps the
    /// account. Nothing was read or written.
    #[error(
        "the account is on another node of a redis cluster; \
         use `RedisStore::cluster`, and check that its nodes agree"
    )]
    Redirected(#[source] RedisError),

    /// The node that was walked through keeps nothing any more.
    #[error(
        "the nodes of the redis cluster have changed; begin the walk through the accounts again"
    )]
    WalkBroken,

    /// The key of an account holds what no store writes.
    #[error("the redis key `{key}` was not written by a store; find out who did")]
    CorruptKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// Anything else that the server or the driver reports.
    #[error("redis failed")]
    Server(#[source] RedisError),
}
