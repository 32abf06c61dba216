use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::Error;

/// Converts an error on an open connection into an error that says what to do.
pub(crate) fn error(source: RedisError) -> Error {
    match source.kind() {
        ErrorKind::AuthenticationFailed => Error::NotAuthenticated(source),
        // After an answer that cannot be parsed, the answers on the connection no longer match the
        // calls.
        ErrorKind::Io | ErrorKind::Parse => Error::Disconnected(source),
        ErrorKind::Server(kind) => of_kind(kind, source),
        _ => match source.code() {
            Some("NOAUTH" | "WRONGPASS") => Error::NotAuthenticated(source),
            Some("NOREPLICAS") => Error::TooFewReplicas(source),
            Some("OOM") => Error::OutOfMemory(source),
            Some("MISCONF") => Error::DiskFailed(source),
            Some("BUSY") => Error::NotReady(source),
            _ => Error::Server(source),
        },
    }
}

fn of_kind(kind: ServerErrorKind, source: RedisError) -> Error {
    match kind {
        ServerErrorKind::NoPerm => Error::NotPermitted(source),
        ServerErrorKind::ReadOnly => Error::Replica(source),
        ServerErrorKind::BusyLoading => Error::NotReady(source),
        ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown => Error::ClusterDown(source),
        ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::TryAgain => {
            Error::Redirected(source)
        }
        _ => Error::Server(source),
    }
}

/// Whether the server reports that the key is not a hash.
pub(crate) fn is_wrong_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
}
