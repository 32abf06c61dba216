use std::time::Duration;

use redis::{Pipeline, ServerErrorKind, Value};

/// The two scripts of a store.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) load: Script,
    pub(crate) write: Script,
}

/// A script. Servers identify it by its SHA-1 digest.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    digest: String,
}

/// A call of a script on one key, or on several keys of one node.
pub(crate) struct Call<'a> {
    script: &'a Script,
    key: &'a str,
    /// Keys on the same node as `key`.
    more_keys: &'a [String],
    arguments: Vec<Vec<u8>>,
    replicas: Option<Replicas>,
    most_replicas: Option<u32>,
}

/// How many replicas must have what a call wrote or read, and how long to wait for them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replicas {
    pub(crate) count: u32,
    pub(crate) timeout: Duration,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            load: Script::new(include_str!("load.lua")),
            write: Script::new(include_str!("write.lua")),
        }
    }
}

impl Script {
    pub(crate) fn new(text: &'static str) -> Self {
        let digest = redis::Script::new(text).get_hash().to_owned();
        Self { text, digest }
    }

    pub(crate) fn call<'a>(&'a self, key: &'a str) -> Call<'a> {
        Call {
            script: self,
            key,
            more_keys: &[],
            arguments: Vec::new(),
            replicas: None,
            most_replicas: None,
        }
    }
}

impl<'a> Call<'a> {
    /// Adds keys that are on the same node.
    pub(crate) fn and_keys(self, more_keys: &'a [String]) -> Self {
        Self { more_keys, ..self }
    }

    pub(crate) fn with(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Waits for replicas after the script, on the same connection. If the script changed
    /// something, `WAIT` counts the replicas that have all changes from before the script ended,
    /// from any connection.
    pub(crate) fn replicated(self, replicas: Option<Replicas>) -> Self {
        Self { replicas, ..self }
    }

    /// Refuses a node that has more replicas.
    pub(crate) fn on_at_most(self, most_replicas: Option<u32>) -> Self {
        Self {
            most_replicas,
            ..self
        }
    }

    pub(crate) fn most_replicas(&self) -> Option<u32> {
        self.most_replicas
    }

    pub(crate) fn key(&self) -> &str {
        self.key
    }

    /// The commands, and the number of answers that come before the answers of the script and of
    /// `WAIT`.
    ///
    /// A server that does not know the script gets the whole text, and knows the script from then
    /// on. The text takes one round trip to one node of a cluster; `SCRIPT LOAD` would go to all
    /// nodes.
    pub(crate) fn commands(&self, asking: bool, whole: bool) -> (Pipeline, usize) {
        let mut commands = redis::pipe();
        if asking {
            // `ASKING` applies to the next command on the connection, whoever sends that command.
            // So the store sends `ASKING` and the script together.
            commands.add_command(redis::cmd("ASKING"));
        }
        let (name, script) = match whole {
            true => ("EVAL", self.script.text),
            false => ("EVALSHA", self.script.digest.as_str()),
        };
        let mut call = redis::cmd(name);
        let keys = self.more_keys.len().saturating_add(1);
        call.arg(script).arg(keys).arg(self.key).arg(self.more_keys);
        for argument in &self.arguments {
            call.arg(argument.as_slice());
        }
        commands.add_command(call);
        if let Some(Replicas { count, timeout }) = self.replicas {
            let mut wait = redis::cmd("WAIT");
            // 0 would wait without a limit.
            wait.arg(count).arg(timeout.as_millis().max(1).to_string());
            commands.add_command(wait);
        }
        (commands, usize::from(asking))
    }

    /// The number of answers of the script and of `WAIT`.
    pub(crate) fn answers(&self) -> usize {
        if self.replicas.is_some() { 2 } else { 1 }
    }
}

/// Whether the answers say that the server does not know the script. The script did not run then.
pub(crate) fn is_unknown(answers: &[Value]) -> bool {
    let kind = match answers.first() {
        Some(Value::ServerError(error)) => error.kind(),
        _ => None,
    };
    kind == Some(ServerErrorKind::NoScript)
}
