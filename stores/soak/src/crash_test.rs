//! A load test with a crash in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use countersign::store::BoxStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::connect::connect_patiently;
use crate::consistency::{CheckReport, check};
use crate::service::Service;
use crate::users::TestUsers;
use crate::worker_process::Worker;
use crate::{SeededRandom, Server, journal};

/// Crash tests on one database.
#[derive(Debug)]
pub struct CrashTests {
    program: PathBuf,
    url: String,
    runtime: Runtime,
    store: BoxStore,
    directory: TempDir,
    size: Size,
    random: SeededRandom,
    tests: u64,
}

/// The size of a test.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Client processes.
    pub processes: usize,
    /// Tasks per process.
    pub tasks: usize,
    /// Accounts.
    pub users: usize,
    /// How many of these accounts the clients only guess at.
    pub guessed: usize,
}

/// The part that crashes.
#[derive(Debug)]
pub enum Crash<'s> {
    /// The server. Clients begin no new attempt until it runs again, so that they do not hide a
    /// loss.
    Server(&'s mut dyn Server),
    /// The server. Clients continue during its restart and afterwards.
    ServerAndGoOn(&'s mut dyn Server),
    /// This number of client processes. The others continue for a while.
    Clients(usize),
}

impl CrashTests {
    /// Prepares crash tests on the database at this URL. `program` is the path of `soak-worker`.
    #[must_use]
    pub fn new(program: &str, url: &str, size: Size, seed: u64) -> Self {
        println!("seed {seed}");
        let runtime = Runtime::new().unwrap();
        Self {
            program: program.into(),
            url: url.to_owned(),
            store: runtime.block_on(connect_patiently(url, 4)),
            runtime,
            directory: tempfile::tempdir().unwrap(),
            size,
            random: SeededRandom::new(seed),
            tests: 0,
        }
    }

    /// Runs one test with accounts of its own, and checks it.
    pub fn run(&mut self, crash: Crash<'_>) -> CheckReport {
        self.tests += 1;
        let name = format!("test{}", self.tests);
        let directory = self.directory.path().join(&name);
        fs::create_dir(&directory).unwrap();
        let service = Service::new(self.store.clone());
        let Size { users, guessed, .. } = self.size;
        let enroll = TestUsers::enroll(&service, &directory, &name, users, guessed);
        self.runtime.block_on(enroll);
        let mut workers = self.workers(&directory);
        self.wait_for_attempts(&directory);
        match crash {
            Crash::Server(server) => {
                server.kill9();
                for worker in &mut workers {
                    worker.stop();
                }
                server.restart();
            }
            Crash::ServerAndGoOn(server) => {
                server.kill9();
                server.restart();
                self.wait_for_attempts(&directory);
            }
            Crash::Clients(number) => {
                for _ in 0..number {
                    let index = self.random.index(workers.len());
                    workers.swap_remove(index).kill9();
                }
                if !workers.is_empty() {
                    self.wait_for_attempts(&directory);
                }
            }
        }
        for worker in &mut workers {
            worker.stop();
        }
        workers.into_iter().for_each(Worker::wait);
        self.check(&directory)
    }

    /// Checks all tests again, to find later losses.
    pub fn check_all(&self) -> CheckReport {
        let mut report = CheckReport::default();
        for test in 1..=self.tests {
            report += self.check(&self.directory.path().join(format!("test{test}")));
        }
        report
    }

    /// The runtime.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn check(&self, directory: &Path) -> CheckReport {
        self.runtime.block_on(check(&self.store, directory))
    }

    fn workers(&mut self, directory: &Path) -> Vec<Worker> {
        let tasks = self.size.tasks.to_string();
        let directory = directory.to_str().unwrap();
        (0..self.size.processes)
            .map(|number| {
                let (name, seed) = (number.to_string(), self.random.below(u64::MAX).to_string());
                let arguments = ["load", &self.url, directory, &name, &tasks, &seed];
                Worker::start(&self.program, &arguments).unwrap()
            })
            .collect()
    }

    /// Waits until the clients have written some more attempts. So the crash hits each client at an
    /// arbitrary point.
    fn wait_for_attempts(&mut self, directory: &Path) {
        let mut length = journal::length(directory).unwrap();
        let wanted = length + 8_000 + self.random.below(60_000);
        let mut grown = Instant::now();
        while length < wanted {
            assert!(grown.elapsed() < TIME_LIMIT, "the clients make no progress");
            thread::sleep(Duration::from_millis(1));
            let now = journal::length(directory).unwrap();
            if now > length {
                (length, grown) = (now, Instant::now());
            }
        }
    }
}

const TIME_LIMIT: Duration = Duration::from_secs(120);
