//! The other processes: what the program `soak-worker` does, and the handle that a test has on one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cast::Cast;
use crate::client::Client;
use crate::journal::Journal;
use crate::service::Service;
use crate::{Dice, Wall, connect, race};

/// A client process. It ends when it is stopped, killed or dropped, and when the process that started it is gone.
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

    /// Kills it at once.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it begin nothing new.
    pub fn stop(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has ended what it had begun.
    pub fn wait(mut self) {
        self.stop();
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "a client ended with {status}");
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "a client does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends it a line.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    /// The next line from it.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // If it has ended already there is nothing to do.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program: `storm URL FOLDER NAME TASKS SEED`, until its input ends; or `race URL FOLDER TASKS`, a round for each line.
pub fn main(arguments: impl Iterator<Item = String>) {
    let arguments: Vec<_> = arguments.collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    match arguments[..] {
        ["storm", url, folder, name, tasks, seed] => {
            let (tasks, seed) = (tasks.parse().unwrap(), seed.parse().unwrap());
            runtime.block_on(storm(url, folder, name, tasks, seed));
        }
        ["race", url, folder, tasks] => {
            runtime.block_on(race::run(url, Path::new(folder), tasks.parse().unwrap()));
        }
        _ => panic!("{arguments:?}"),
    }
}

async fn storm(url: &str, folder: &str, name: &str, tasks: u32, seed: u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    thread::spawn(move || {
        _ = io::stdin().read_to_end(&mut Vec::new());
        stopped.store(true, Ordering::SeqCst);
    });
    let folder = Arc::new(PathBuf::from(folder));
    let cast = Arc::new(Cast::read(&folder));
    let wall = Arc::new(Wall::open(&folder).unwrap());
    let journal = Arc::new(Journal::open(&folder, name).unwrap());
    let store = connect::connect(url, tasks).await;
    let mut dice = Dice::new(seed);
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let stop = Arc::clone(&stop);
            let mut client = Client {
                service: Service::new(store.clone()),
                folder: Arc::clone(&folder),
                cast: Arc::clone(&cast),
                wall: Arc::clone(&wall),
                journal: Arc::clone(&journal),
                dice: Dice::new(dice.below(u64::MAX)),
            };
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    client.attempt().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

const PATIENCE: Duration = Duration::from_secs(120);
