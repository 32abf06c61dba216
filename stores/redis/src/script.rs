use std::time::Duration;

use redis::{Pipeline, ServerErrorKind, Value};

/// The two scripts of a store.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) load: Script,
    pub(crate) swap: Script,
}

/// A script, known to servers by its digest.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    digest: String,
}

/// A call of a script on one key.
pub(crate) struct Call<'a> {
    script: &'a Script,
    key: &'a str,
    arguments: Vec<Vec<u8>>,
    replicas: Option<Replicas>,
}

/// How many replicas are to have what the call wrote, and how long that may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replicas {
    pub(crate) count: u32,
    pub(crate) patience: Duration,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            load: Script::new(include_str!("load.lua")),
            swap: Script::new(include_str!("swap.lua")),
        }
    }
}

impl Script {
    fn new(text: &'static str) -> Self {
        let digest = redis::Script::new(text).get_hash().to_owned();
        Self { text, digest }
    }

    pub(crate) fn call<'a>(&'a self, key: &'a str) -> Call<'a> {
        Call {
            script: self,
            key,
            arguments: Vec::new(),
            replicas: None,
        }
    }
}

impl Call<'_> {
    pub(crate) fn with(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Waits for replicas after the script, on the same connection. `WAIT` counts those that have all that was written
    /// before the script ended, by whichever connection.
    pub(crate) fn replicated(self, replicas: Option<Replicas>) -> Self {
        Self { replicas, ..self }
    }

    pub(crate) fn key(&self) -> &str {
        self.key
    }

    /// The commands, and how many of their answers come before those of the script and of `WAIT`.
    ///
    /// A server that does not know the script is sent the whole text, which it then knows. That is one round trip, and
    /// concerns one node of a cluster; `SCRIPT LOAD` is for all of them.
    pub(crate) fn commands(&self, asking: bool, whole: bool) -> (Pipeline, usize) {
        let mut commands = redis::pipe();
        if asking {
            // In one piece with the script: it is for the next command on the connection, whoever sends that.
            commands.add_command(redis::cmd("ASKING"));
        }
        let (name, script) = match whole {
            true => ("EVAL", self.script.text),
            false => ("EVALSHA", self.script.digest.as_str()),
        };
        let mut call = redis::cmd(name);
        call.arg(script).arg(1).arg(self.key);
        for argument in &self.arguments {
            call.arg(argument.as_slice());
        }
        commands.add_command(call);
        if let Some(Replicas { count, patience }) = self.replicas {
            let mut wait = redis::cmd("WAIT");
            // 0 would be for ever.
            wait.arg(count).arg(patience.as_millis().max(1).to_string());
            commands.add_command(wait);
        }
        (commands, usize::from(asking))
    }

    /// How many answers there are of the script and of `WAIT`.
    pub(crate) fn answers(&self) -> usize {
        if self.replicas.is_some() { 2 } else { 1 }
    }
}

/// Whether the server does not know the script. Then it did not run.
pub(crate) fn is_unknown(answers: &[Value]) -> bool {
    let kind = match answers.first() {
        Some(Value::ServerError(error)) => error.kind(),
        _ => None,
    };
    kind == Some(ServerErrorKind::NoScript)
}
