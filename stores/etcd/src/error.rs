use std::error::Error as StdError;
use std::time::Duration;

/// The reason why a store could not answer.
///
/// Each error says what happened and what to do. Its text says what is known about a write, and
/// nothing more. The verifier returns the error as the source of its own error, so log the whole
/// chain. No error of a store counts as a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No endpoint accepted a connection. Nothing was sent.
    #[error(
        "no connection to etcd at {endpoint} or at an endpoint before it, so nothing was sent; \
         check that etcd runs and can be reached"
    )]
    Unreachable {
        /// The endpoint that the store tried last.
        endpoint: String,
        /// The error of the HTTP client.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// No answer came in time. A write may still be applied later.
    #[error(
        "no answer from etcd at {endpoint} within {limit:?}, so a write may still be applied; \
         check its load, its disk and the network"
    )]
    Timeout {
        /// The endpoint that the store asked last.
        endpoint: String,
        /// The time limit of the call.
        limit: Duration,
    },

    /// The connection broke before the answer came. A write may have been applied.
    #[error(
        "the connection to etcd at {endpoint} broke before the answer came, \
         so a write may have been applied; check the server and the network"
    )]
    Disconnected {
        /// The endpoint.
        endpoint: String,
        /// The error of the HTTP client.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The cluster has no leader, has just lost it, or does not reach a majority of its members. A
    /// write may still be applied later.
    #[error(
        "etcd at {endpoint} reaches no leader ({message}), so a write may still be applied; \
         check that most members of the cluster run and reach each other"
    )]
    NoLeader {
        /// The endpoint.
        endpoint: String,
        /// The text of etcd.
        message: String,
    },

    /// The member is stopping, or is only a learner. A write may have been applied.
    #[error(
        "etcd at {endpoint} does not serve ({message}), so a write may have been applied; \
         give the endpoints of voting members that run"
    )]
    Unavailable {
        /// The endpoint.
        endpoint: String,
        /// The text of etcd.
        message: String,
    },

    /// The member has too many requests that are not applied yet. Nothing was written.
    #[error(
        "etcd at {endpoint} has too many requests, so nothing was written; \
         check its disk and its load"
    )]
    Busy {
        /// The endpoint.
        endpoint: String,
    },

    /// The cluster requires a user, has no users, or refuses the user or the password. Nothing was
    /// read or written.
    #[error(
        "etcd does not accept the user or the password ({message}), so nothing was read or \
         written; check `with_user`, and that authentication is enabled if you call it"
    )]
    NotAuthenticated {
        /// The text of etcd.
        message: String,
    },

    /// The etcd user lacks a permission that the store needs. Nothing was read or written.
    #[error(
        "the etcd user lacks a permission, so nothing was read or written; grant its role \
         `readwrite` on the keys that begin with the prefix and a colon"
    )]
    NotPermitted,

    /// The database has reached its quota, and the alarm `NOSPACE` is on. Loads work. The write
    /// that reached the quota may have been applied, and later writes are not.
    #[error(
        "the database of etcd is full, and the effect of this write is unknown; compact and \
         defragment it, or raise `--quota-backend-bytes`, and then disarm the alarm `NOSPACE`"
    )]
    NoSpace,

    /// The request is larger than the server allows. Nothing was written.
    #[error(
        "the request is too large for etcd ({message}), so nothing was written; \
         raise `--max-request-bytes` to its default of 1.5 MiB or more"
    )]
    TooLarge {
        /// The text of etcd.
        message: String,
    },

    /// The alarm `CORRUPT` is on: the members of the cluster have different data. Nothing was
    /// written.
    #[error(
        "the members of the etcd cluster have different data, so nothing was written; \
         replace the corrupt member, and then disarm the alarm `CORRUPT`"
    )]
    CorruptCluster,

    /// Two endpoints belong to different clusters. A write to the second cluster may have been
    /// applied there.
    #[error(
        "etcd at {endpoint} belongs to another cluster than an earlier endpoint, so a write may \
         have been applied there; give the endpoints of one cluster, and restart the service if \
         the cluster was restored"
    )]
    OtherCluster {
        /// The endpoint that the store asked last.
        endpoint: String,
    },

    /// The answer is not an answer of etcd's JSON gateway. A write may have been applied.
    #[error(
        "the answer of {endpoint} with status {status} is not one of etcd's JSON gateway, so a \
         write may have been applied; check the address, what is between, and that \
         `--enable-grpc-gateway` is on"
    )]
    NotEtcd {
        /// The endpoint.
        endpoint: String,
        /// The status of HTTP.
        status: u16,
        /// What is wrong with the answer.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The key of an account contains a value that no store writes.
    #[error("no store wrote the value of the etcd key `{key}`; find out what wrote it")]
    CorruptValue {
        /// The key.
        key: String,
        /// What is wrong with the value.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// A key has the prefix of the store, and names no account.
    #[error(
        "the etcd key `{key}` has the prefix of the store and names no account; \
         find out what wrote it, or use another prefix"
    )]
    WrongKey {
        /// The key, with a replacement for bytes that are not UTF-8.
        key: String,
    },

    /// Any other error of etcd.
    #[error("etcd reported error {code}: {message}; a write may have been applied")]
    Server {
        /// The code of gRPC.
        code: u32,
        /// The text of etcd.
        message: String,
    },
}

impl Error {
    /// Whether another endpoint may answer where this one did not.
    pub(crate) fn is_of_endpoint(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::Disconnected { .. }
                | Self::NoLeader { .. }
                | Self::Unavailable { .. }
                | Self::Busy { .. }
                | Self::NotEtcd { .. }
        )
    }
}
