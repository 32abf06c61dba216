use std::error::Error as StdError;
use std::time::Duration;

use countersign::otp::RandomError;
use redis::RedisError;

/// The reason why a store could not answer.
///
/// Each error says what happened and what to do. Its text says what is known about a write, and
/// nothing more. The verifier returns the error as the source of its own error, so log the whole
/// chain. No error of a store counts as a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection to the server was open, and none could be opened. Nothing was sent.
    #[error(
        "no connection to redis at {address}, so nothing was sent; \
         check that it runs and can be reached"
    )]
    Unreachable {
        /// The host and port that the store tried.
        address: String,
        /// The error of the driver.
        source: RedisError,
    },

    /// The call was sent, and no answer came in time. A write may still be applied later.
    #[error(
        "no answer from redis within {limit:?}, so a write may still be applied; \
         check its load and the network"
    )]
    Timeout {
        /// The time limit of the call.
        limit: Duration,
    },

    /// The connection broke before the answer came. A write may have been applied.
    #[error(
        "the connection to redis broke before the answer came, \
         so a write may have been applied; check the server and the network"
    )]
    Disconnected(#[source] RedisError),

    /// The server requires a password, or refuses the given password.
    #[error("redis does not accept the user name or password; check the url of the client")]
    NotAuthenticated(#[source] RedisError),

    /// The Redis user lacks a permission that the store needs. Nothing was written.
    #[error(
        "the redis user lacks a permission, so nothing was written; grant it \
         `+evalsha +eval +persist +exists +hmget +hget +hset +del +role` on the keys of the \
         store, and `+wait`, `+scan`, `+cluster|slots` or `+config|get` for the calls that need them; the \
         vigilance needs `+get +set +pexpire +zadd +zcount +zscore`"
    )]
    NotPermitted(#[source] RedisError),

    /// The server is a replica. The store also refuses loads there, because a replica may be out of
    /// date. Nothing was read or written.
    #[error(
        "the redis server is a replica, so nothing was read or written; \
         give the address of the primary"
    )]
    Replica(#[source] RedisError),

    /// The server has fewer connected replicas than its `min-replicas-to-write`. Nothing was read
    /// or written.
    #[error(
        "redis has too few connected replicas, so nothing was read or written; \
         check the replicas and min-replicas-to-write"
    )]
    TooFewReplicas(#[source] RedisError),

    /// Too few replicas confirmed in time that they have what the call wrote or read. The primary
    /// has it. The verifier treats this as a lost answer.
    #[error("{acknowledged} replicas confirmed instead of {wanted}; check the replicas")]
    NotReplicated {
        /// The number of replicas that confirmed.
        acknowledged: i64,
        /// The number of replicas that you required.
        wanted: u32,
    },

    /// The server has more replicas than the store waits for. A replica without an accepted code
    /// could take over, and accept the code again. Nothing was read or written.
    #[error(
        "redis at {server} has {replicas} replicas, and the store waits for {wanted}, so nothing \
         was read or written; call `with_replicas({replicas})`, because a replica without an \
         accepted code can take over"
    )]
    MoreReplicas {
        /// The host and port of the server, or the name of the primary and its sentinels.
        server: String,
        /// The number of connected replicas.
        replicas: u32,
        /// The number of replicas that a write waits for.
        wanted: u32,
    },

    /// No sentinel that answers knows a primary of this name. Nothing was sent.
    #[error(
        "no sentinel knows a primary with the name `{name}`, so nothing was sent; \
         check the host in the url of the primary, and the addresses of the sentinels"
    )]
    UnknownPrimary {
        /// The name.
        name: String,
    },

    /// The server has reached its `maxmemory`. Nothing was written.
    #[error(
        "redis is out of memory, so nothing was written; \
         raise its maxmemory or remove other data"
    )]
    OutOfMemory(#[source] RedisError),

    /// The server cannot write its files, so it refuses writes. Nothing was read or written.
    #[error(
        "redis cannot write to its disk, so nothing was read or written; \
         see its log and free disk space"
    )]
    DiskFailed(#[source] RedisError),

    /// The server is loading its data, or runs a long script. Nothing was read or written.
    #[error("redis is not ready, so nothing was read or written; try again later")]
    NotReady(#[source] RedisError),

    /// No node serves this part of the cluster. Nothing was read or written.
    #[error(
        "the redis cluster does not serve this account, so nothing was read or written; \
         look for nodes that are down"
    )]
    ClusterDown(#[source] RedisError),

    /// The server is a node of a cluster, and the store was not built with `RedisStore::cluster`.
    /// Or the nodes of a cluster disagree about the owner of the account. Nothing was read or
    /// written.
    #[error(
        "the account is on another node of a redis cluster; \
         use `RedisStore::cluster`, and check that its nodes agree"
    )]
    Redirected(#[source] RedisError),

    /// The node of the cursor stores no accounts any more.
    #[error("the nodes of the redis cluster have changed; start again with `Cursor::default`")]
    CursorExpired,

    /// The key of an account contains a value that no store writes.
    #[error("no store wrote the value of the redis key `{key}`; find out what wrote it")]
    CorruptKey {
        /// The key.
        key: String,
        /// What is wrong with the value.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The random source failed, so the vigilance could not begin a day. Nothing was written.
    #[error("the random source failed, so no day could begin; check the system")]
    Random(#[source] RandomError),

    /// Any other error of the server or the driver.
    #[error("redis reported an error; see its source")]
    Server(#[source] RedisError),
}
