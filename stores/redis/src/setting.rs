use std::collections::HashMap;
use std::fmt;

use redis::{FromRedisValue, RedisError, Value};

use crate::server::{Node, Server, Time};
use crate::{Error, failure};

/// A setting of a server with which it can lose or drop what a store was told is kept, from
/// [`RedisStore::unsafe_settings`](crate::RedisStore::unsafe_settings).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsafeSetting {
    /// The host and port of the server.
    pub server: String,
    /// The name of the setting.
    pub name: &'static str,
    /// What it is.
    pub value: String,
    /// What it should be.
    pub wanted: &'static str,
}

impl fmt::Display for UnsafeSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            name,
            value,
            wanted,
        } = self;
        write!(
            f,
            "redis at {server}: {name} is `{value}`, and should be `{wanted}`"
        )
    }
}

/// What is wrong on the server, or on all primaries of the cluster.
pub(crate) async fn unsafe_settings(
    server: &Server,
    time: Time,
) -> Result<Vec<UnsafeSetting>, Error> {
    let mut found = Vec::new();
    match server {
        Server::Single(node) => found.extend(of_node(node, time).await?),
        Server::Cluster(cluster) => {
            for (_, node) in cluster.primaries(time).await? {
                found.extend(of_node(&node, time).await?);
            }
        }
    }
    Ok(found)
}

async fn of_node(node: &Node, time: Time) -> Result<Vec<UnsafeSetting>, Error> {
    let mut ask = redis::pipe();
    for (name, _) in WANTED {
        ask.cmd("CONFIG").arg("GET").arg(name);
    }
    let answers = node.send(&ask, 0, WANTED.len(), time).await?;
    let mut found = Vec::new();
    for ((name, wanted), answer) in WANTED.into_iter().zip(answers) {
        let value = value(name, answer).map_err(failure::error)?;
        if value != wanted {
            found.push(UnsafeSetting {
                server: node.to_string(),
                name,
                value,
                wanted,
            });
        }
    }
    Ok(found)
}

fn value(name: &str, answer: Value) -> Result<String, RedisError> {
    let mut answer = HashMap::<String, String>::from_redis_value(answer.extract_error()?)?;
    Ok(answer.remove(name).unwrap_or_default())
}

const WANTED: [(&str, &str); 4] = [
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    ("no-appendfsync-on-rewrite", "no"),
    ("maxmemory-policy", "noeviction"),
];
