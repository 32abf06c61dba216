//! The answers of etcd's JSON gateway.

use std::borrow::Cow;

use serde::Deserialize;

use crate::Error;

/// The part of every answer that says which cluster gave it. Without this part, an answer is not
/// etcd's, and says nothing about a record.
#[derive(Debug, Deserialize)]
pub(crate) struct Header<'a> {
    #[serde(borrow)]
    pub(crate) cluster_id: Cow<'a, str>,
}

/// Reads the header alone.
#[derive(Debug, Deserialize)]
pub(crate) struct AnyAnswer<'a> {
    #[serde(borrow)]
    pub(crate) header: Header<'a>,
}

/// The answer to a read. The gateway leaves empty fields out.
#[derive(Debug, Deserialize)]
pub(crate) struct RangeAnswer<'a> {
    #[serde(borrow, default)]
    pub(crate) kvs: Vec<Pair<'a>>,
}

/// A key and its value, in base64.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair<'a> {
    #[serde(borrow)]
    pub(crate) key: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) value: Cow<'a, str>,
}

/// The answer to a transaction. The gateway leaves `false` out.
#[derive(Debug, Deserialize)]
pub(crate) struct TxnAnswer {
    #[serde(default)]
    pub(crate) succeeded: bool,
}

/// The answer to a login.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) token: String,
}

/// An error that etcd answered: a code of gRPC, and a text.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    code: u32,
    #[serde(default)]
    message: String,
}

impl Refusal {
    /// Whether the token of a login is not valid any more. etcd then did nothing.
    pub(crate) fn is_expired_token(&self) -> bool {
        self.code == UNAUTHENTICATED || self.says("revision of auth store is old")
    }

    /// Converts into an error that says what to do.
    pub(crate) fn into_error(self, endpoint: &str) -> Error {
        let endpoint = endpoint.to_owned();
        match self.code {
            INVALID_ARGUMENT if self.says("too large") => Error::TooLarge {
                message: self.message,
            },
            INVALID_ARGUMENT
                if self.says("invalid user ID or password")
                    || self.says("user name is empty")
                    || self.says("revision of auth store is old") =>
            {
                Error::NotAuthenticated {
                    message: self.message,
                }
            }
            FAILED_PRECONDITION if self.says("authentication is not enabled") => {
                Error::NotAuthenticated {
                    message: self.message,
                }
            }
            UNAUTHENTICATED => Error::NotAuthenticated {
                message: self.message,
            },
            PERMISSION_DENIED => Error::NotPermitted,
            RESOURCE_EXHAUSTED if self.says("space exceeded") => Error::NoSpace,
            RESOURCE_EXHAUSTED if self.says("too many requests") => Error::Busy { endpoint },
            RESOURCE_EXHAUSTED if self.says("larger than max") => Error::TooLarge {
                message: self.message,
            },
            DATA_LOSS => Error::CorruptCluster,
            UNAVAILABLE if self.says("leader") || self.says("timed out") => Error::NoLeader {
                endpoint,
                message: self.message,
            },
            UNAVAILABLE => Error::Unavailable {
                endpoint,
                message: self.message,
            },
            code => Error::Server {
                code,
                message: self.message,
            },
        }
    }

    fn says(&self, text: &str) -> bool {
        self.message.contains(text)
    }
}

// The codes of gRPC.
const INVALID_ARGUMENT: u32 = 3;
const PERMISSION_DENIED: u32 = 7;
const RESOURCE_EXHAUSTED: u32 = 8;
const FAILED_PRECONDITION: u32 = 9;
const UNAVAILABLE: u32 = 14;
const DATA_LOSS: u32 = 15;
const UNAUTHENTICATED: u32 = 16;
