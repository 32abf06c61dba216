//! A handle to a client process, which runs the program `soak-worker`.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A client process. It ends when it is stopped, killed or dropped, and when its parent process
/// ends.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts the program with these arguments.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let stdout = BufReader::new(stdout);
        Ok(Self {
            child,
            stdin,
            stdout,
        })
    }

    /// Kills the process at once.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Closes the input of the process, so that it begins no new attempt.
    pub fn stop(&mut self) {
        self.stdin = None;
    }

    /// Stops the process, and waits until it has finished its last attempts.
    pub fn wait(mut self) {
        self.stop();
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "a client ended with {status}");
                return;
            }
            assert!(start.elapsed() < TIME_LIMIT, "a client does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a line to the process.
    pub fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    /// Returns the next line of its output.
    pub fn receive(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The process may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

const TIME_LIMIT: Duration = Duration::from_secs(120);
