//! A process that dies in the middle of a login, as by `kill -9` or a loss of power.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use countersign::store::WriteKind;
use countersign::{AccountId, SealingKey};

use crate::store::RequestStore;
use crate::{Result, Service, new_session};

/// When the process dies.
#[derive(Clone, Copy)]
pub(crate) enum Moment {
    BeforeCommit,
    AfterCommit,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeCommit => "before",
            Self::AfterCommit => "after",
        })
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "before" => Ok(Self::BeforeCommit),
            "after" => Ok(Self::AfterCommit),
            _ => Err(format!(
                "{text}: a process can die before or after the commit"
            )),
        }
    }
}

/// Logs in from another process, which dies at that moment.
pub(crate) fn in_another_process(
    moment: Moment,
    database: &Path,
    key: &SealingKey,
    code: &str,
) -> Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(moment.to_string())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(key.expose())?;
        writeln!(input, "{code}\n{}", database.display())?;
    }
    let ended = child.wait()?;
    if ended.code().is_some() {
        return Err(format!("the other process was to die, and ended with {ended}").into());
    }
    Ok(())
}

/// The other process: dies in the middle of the login that it is told of.
pub(crate) async fn die(moment: Moment) -> Result<()> {
    let mut key = [0; 32];
    let mut text = String::new();
    std::io::stdin().read_exact(&mut key)?;
    std::io::stdin().read_to_string(&mut text)?;
    let (code, database) = text
        .trim_end()
        .split_once('\n')
        .ok_or("a code and a path, please")?;

    let service = Service::open(Path::new(database), &SealingKey::from_bytes(&key)).await?;
    let store = RequestStore::new(service.pool.clone(), Some(new_session()?));
    let store = match moment {
        Moment::BeforeCommit => store.with_hooks(abort_if_accepted, |_| ()),
        Moment::AfterCommit => store.with_hooks(|_| (), abort_if_accepted),
    };
    let account = AccountId::from(1_u32);
    _ = service
        .verifier
        .with_store(store)
        .verify(&account, code)
        .await;
    Ok(())
}

fn abort_if_accepted(kind: WriteKind) {
    if kind == WriteKind::Accepted {
        std::process::abort();
    }
}
