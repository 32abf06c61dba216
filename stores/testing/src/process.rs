use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::StartError;

/// A server process in a [`ServerDirectory`](crate::server_directory::ServerDirectory). The process
/// is killed on drop.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: PathBuf,
}

impl Process {
    /// Starts the server. Its output goes to `NAME.log` in the directory. `NAME.pid` exists as long
    /// as the server runs.
    pub(crate) fn start(command: &mut Command, directory: &Path, name: &str) -> io::Result<Self> {
        let log = log(directory, name);
        let log = OpenOptions::new().append(true).create(true).open(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let pid = directory.join(name).with_extension("pid");
        if let Err(error) = fs::write(&pid, child.id().to_string()) {
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
        Ok(Self { child, pid })
    }

    /// Waits until the server is ready. Fails if the server ends or takes too long.
    pub(crate) fn wait_until(&mut self, ready: impl Fn() -> bool) -> Result<(), &'static str> {
        let start = Instant::now();
        while start.elapsed() < TIME_LIMIT {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err("the server has ended");
            }
            if ready() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err("the server is not ready in time")
    }

    /// Kills the server.
    pub(crate) fn kill9(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    /// Kills the server and its child processes at the same moment, like a loss of power.
    pub(crate) fn kill9_with_children(mut self) -> io::Result<()> {
        // A stopped server starts no more children.
        self.pause()?;
        self.signal("KILL")?;
        self.child.wait().map(|_| ())
    }

    /// Stops the server and its child processes, like a virtual machine that is paused.
    pub(crate) fn pause(&self) -> io::Result<()> {
        signal("STOP", &[self.child.id()])?;
        self.signal("STOP")
    }

    /// Continues a paused server.
    pub(crate) fn resume(&self) -> io::Result<()> {
        self.signal("CONT")
    }

    /// Sends a signal to the child processes of the server, and then to the server. A server that
    /// is stopped meanwhile removes no child that has ended, so each of them can get the signal.
    fn signal(&self, name: &str) -> io::Result<()> {
        let pid = self.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let children = children.split_whitespace().flat_map(str::parse);
        let all: Vec<u32> = children.chain([pid]).collect();
        signal(name, &all)
    }

    /// Sends a signal, and waits until the server ends.
    pub(crate) fn stop(mut self, signal: &str) -> io::Result<()> {
        self::signal(signal, &[self.child.id()])?;
        let start = Instant::now();
        while start.elapsed() < TIME_LIMIT {
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
        // The server may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
        _ = fs::remove_file(&self.pid);
    }
}

fn signal(name: &str, processes: &[u32]) -> io::Result<()> {
    let processes = processes.iter().map(u32::to_string);
    run(Command::new("kill").args(["-s", name]).args(processes)).map_err(io::Error::other)
}

/// Runs a program to its end. The error contains its output.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    output(command).map(|_| ())
}

/// Runs a program to its end, and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
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

/// The error for a server that did not start, with the end of its log.
pub(crate) fn failed(
    server: &'static str,
    what: impl Into<String>,
    directory: &Path,
    name: &str,
) -> StartError {
    let mut reason = what.into();
    reason.push('\n');
    reason.push_str(&end_of_log(directory, name).unwrap_or_default());
    StartError::Failed { server, reason }
}

/// Whether the log of a server contains this text.
pub(crate) fn has_logged(directory: &Path, name: &str, text: &str) -> bool {
    fs::read_to_string(log(directory, name)).is_ok_and(|log| log.contains(text))
}

/// Waits until a server has reached a state. Fails if that takes too long.
pub(crate) fn wait_for(reached: impl Fn() -> bool) -> Result<(), ()> {
    let start = Instant::now();
    while !reached() {
        if start.elapsed() > TIME_LIMIT {
            return Err(());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn end_of_log(directory: &Path, name: &str) -> io::Result<String> {
    let mut log = File::open(log(directory, name))?;
    let length = log.metadata()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(END_OF_LOG)))?;
    let mut end = Vec::new();
    log.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

fn log(directory: &Path, name: &str) -> PathBuf {
    directory.join(name).with_extension("log")
}

/// A long time limit, because a computer that builds and tests is slow.
const TIME_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);
const END_OF_LOG: u64 = 4096;
