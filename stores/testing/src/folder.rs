use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

/// A temporary folder and the processes that work in it: they are killed, and it is removed, when this value is dropped or
/// when the process that made it is gone, whichever way.
///
/// A shell sees to both. It waits for the end of its standard input, which comes also when nobody is left to close it, and
/// it is in a process group of its own, so that what is sent to the tests does not reach it. (A signal on the parent's
/// death is bound to the thread that started the child, and tests run on threads that end.)
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    keeper: Child,
}

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("countersign-test-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path)?;
        // Servers that may not run as root run as another user.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { path, keeper })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The keeper does its work whether or not it is waited for.
        _ = self.keeper.wait();
    }
}

const KEEPER: &str = r#"
trap '' INT TERM HUP
cat
for pid in "$1"/*.pid; do kill -9 "$(cat "$pid")"; done
for _ in 1 2 3 4 5 6 7 8 9; do rm -rf "$1" && break; sleep 0.2; done
"#;

static FOLDERS: AtomicU32 = AtomicU32::new(0);
