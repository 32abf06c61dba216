use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

/// A temporary directory and the server processes in it. When this value is dropped, or when its
/// process ends in any way, the processes are killed and the directory is removed.
///
/// A shell does both. The shell waits for the end of its standard input, which also comes when the
/// process is killed. It has a process group of its own, so signals to the tests do not reach it.
/// (A parent-death signal would depend on the thread that started the child, and test threads end.)
#[derive(Debug)]
pub(crate) struct ServerDirectory {
    path: PathBuf,
    shell: Child,
}

impl ServerDirectory {
    pub(crate) fn new() -> io::Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("countersign-test-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path)?;
        // Servers that refuse to run as root run as another user.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let shell = Command::new("sh")
            .args(["-c", CLEAN_UP, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { path, shell })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ServerDirectory {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell does its work even if this wait fails.
        _ = self.shell.wait();
    }
}

const CLEAN_UP: &str = r#"
trap '' INT TERM HUP
cat
for file in "$1"/*.pid; do
    pid=$(cat "$file")
    # The child processes of a paused server would not notice its end.
    kill -9 "$pid" $(cat "/proc/$pid/task/$pid/children")
done
for _ in 1 2 3 4 5 6 7 8 9; do rm -rf "$1" && break; sleep 0.2; done
"#;

static COUNT: AtomicU32 = AtomicU32::new(0);
