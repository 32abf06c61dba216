//! A process that ends in the middle of a login, as with `kill -9` or a power failure.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use countersign::store::WriteKind;
use countersign::{AccountId, SealingKey};

use crate::store::RequestStore;
use crate::{Result, Service, new_session};

/// When the process ends.
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
                "{text}: the moment is \"before\" or \"after\" the commit"
            )),
        }
    }
}

/// Logs in from another process, which aborts at that moment.
pub(crate) fn log_in_and_abort(
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
    let status = child.wait()?;
    if status.code().is_some() {
        return Err(format!("the other process did not abort: {status}").into());
    }
    Ok(())
}

/// The other process: reads a code from standard input, and aborts while it logs in.
pub(crate) async fn abort_in_login(moment: Moment) -> Result<()> {
    let mut key = [0; 32];
    let mut text = String::new();
    std::io::stdin().read_exact(&mut key)?;
    std::io::stdin().read_to_string(&mut text)?;
    let (code, database) = text
        .trim_end()
        .split_once('\n')
        .ok_or("standard input has no code and path")?;

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
