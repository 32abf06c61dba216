use std::collections::HashMap;
use std::fmt;

use redis::{FromRedisValue, RedisError, Value};

use crate::server::{Deadline, Node, Server};
use crate::{Error, failure};

/// A server setting that can lose or delete stored records, from
/// [`RedisStore::unsafe_settings`](crate::RedisStore::unsafe_settings).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsafeSetting {
    /// The host and port of the server.
    pub server: String,
    /// The name of the setting.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// The value that it must have.
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
            "redis at {server}: {name} is `{value}`; set it to `{wanted}`"
        )
    }
}

/// The unsafe settings of the server, or of all primaries of the cluster.
pub(crate) async fn unsafe_settings(
    server: &Server,
    deadline: Deadline,
) -> Result<Vec<UnsafeSetting>, Error> {
    let mut found = Vec::new();
    match server {
        Server::Single(node) => found.extend(of_node(node, deadline).await?),
        Server::Cluster(cluster) => {
            for (_, node) in cluster.primaries(deadline).await? {
                found.extend(of_node(&node, deadline).await?);
            }
        }
    }
    Ok(found)
}

async fn of_node(node: &Node, deadline: Deadline) -> Result<Vec<UnsafeSetting>, Error> {
    let mut ask = redis::pipe();
    for (name, _) in WANTED {
        ask.cmd("CONFIG").arg("GET").arg(name);
    }
    let answers = node.send(&ask, 0, WANTED.len(), deadline).await?;
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
