use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::StartError;

/// A server that runs in a [`Folder`](crate::folder::Folder), killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: PathBuf,
}

impl Process {
    /// Starts it. What it prints goes to `NAME.log` in the folder, and `NAME.pid` is there for as long as it runs.
    pub(crate) fn start(command: &mut Command, folder: &Path, name: &str) -> io::Result<Self> {
        let log = log(folder, name);
        let log = OpenOptions::new().append(true).create(true).open(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let pid = folder.join(name).with_extension("pid");
        if let Err(error) = fs::write(&pid, child.id().to_string()) {
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
        Ok(Self { child, pid })
    }

    /// Waits until it is ready, or gives up: because it has ended, or because it takes too long.
    pub(crate) fn until(&mut self, ready: impl Fn() -> bool) -> Result<(), &'static str> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err("it has ended");
            }
            if ready() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err("it is not ready in time")
    }

    /// Ends it without warning.
    pub(crate) fn kill9(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(mut self, signal: &str) -> io::Result<()> {
        let pid = self.child.id().to_string();
        run(Command::new("kill").args(["-s", signal, &pid])).map_err(io::Error::other)?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the server does not end",
        ))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // If it has ended already there is nothing to do, and if it cannot be killed there is nothing to be done.
        _ = self.child.kill();
        _ = self.child.wait();
        _ = fs::remove_file(&self.pid);
    }
}

/// Runs a program to its end, and gives what it printed if it fails.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{:?} ends with {}: {}{}",
            command.get_program(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(format!("{:?}: {error}", command.get_program())),
    }
}

/// The error of a server that did not start, with the end of its log.
pub(crate) fn failed(
    server: &'static str,
    what: impl Into<String>,
    folder: &Path,
    name: &str,
) -> StartError {
    let mut reason = what.into();
    reason.push('\n');
    reason.push_str(&end_of_log(folder, name).unwrap_or_default());
    StartError::Failed { server, reason }
}

fn end_of_log(folder: &Path, name: &str) -> io::Result<String> {
    let mut log = File::open(log(folder, name))?;
    let length = log.metadata()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(SHOWN)))?;
    let mut end = Vec::new();
    log.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

fn log(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension("log")
}

/// Machines that build and test at once are slow, and so are their disks at times.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);
const SHOWN: u64 = 4096;
