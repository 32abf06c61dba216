//! A storm with a crash.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use countersign::store::BoxStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::books::{Books, balance};
use crate::cast::Cast;
use crate::connect::connect;
use crate::service::Service;
use crate::worker::Worker;
use crate::{Dice, Server, journal};

/// Storms on one database.
#[derive(Debug)]
pub struct Storms {
    program: PathBuf,
    url: String,
    runtime: Runtime,
    store: BoxStore,
    folder: TempDir,
    size: Size,
    dice: Dice,
    storms: u64,
}

/// How large a storm is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Client processes.
    pub processes: usize,
    /// Tasks in each.
    pub tasks: usize,
    /// Accounts.
    pub people: usize,
    /// How many of them are only guessed at.
    pub guessed: usize,
}

/// What crashes.
#[derive(Debug)]
pub enum Crash<'s> {
    /// The server. Clients begin nothing new until it is there again, so that nothing covers up what it has lost.
    Server(&'s mut dyn Server),
    /// The server, and the storm goes on while it starts again and afterwards.
    ServerAndGoOn(&'s mut dyn Server),
    /// So many client processes; the others go on for a while.
    Clients(usize),
}

impl Storms {
    /// Storms at this URL, with `soak-worker` for a program.
    #[must_use]
    pub fn new(program: &str, url: &str, size: Size, seed: u64) -> Self {
        println!("seed {seed}");
        let runtime = Runtime::new().unwrap();
        Self {
            program: program.into(),
            url: url.to_owned(),
            store: runtime.block_on(connect(url, 4)),
            runtime,
            folder: tempfile::tempdir().unwrap(),
            size,
            dice: Dice::new(seed),
            storms: 0,
        }
    }

    /// One storm with accounts of its own, and its books.
    pub fn storm(&mut self, crash: Crash<'_>) -> Books {
        self.storms += 1;
        let name = format!("storm{}", self.storms);
        let folder = self.folder.path().join(&name);
        fs::create_dir(&folder).unwrap();
        let service = Service::new(self.store.clone());
        let Size {
            people, guessed, ..
        } = self.size;
        let enroll = Cast::enroll(&service, &folder, &name, people, guessed);
        self.runtime.block_on(enroll);
        let mut workers = self.workers(&folder);
        self.until_it_has_grown(&folder);
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
                self.until_it_has_grown(&folder);
            }
            Crash::Clients(number) => {
                for _ in 0..number {
                    let index = self.dice.index(workers.len());
                    workers.swap_remove(index).kill9();
                }
                if !workers.is_empty() {
                    self.until_it_has_grown(&folder);
                }
            }
        }
        for worker in &mut workers {
            worker.stop();
        }
        workers.into_iter().for_each(Worker::wait);
        self.books(&folder)
    }

    /// The books of all storms that there were, once more: nothing was lost since.
    pub fn all_books(&self) -> Books {
        let mut books = Books::default();
        for storm in 1..=self.storms {
            books += self.books(&self.folder.path().join(format!("storm{storm}")));
        }
        books
    }

    /// The runtime.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn books(&self, folder: &Path) -> Books {
        self.runtime.block_on(balance(&self.store, folder))
    }

    fn workers(&mut self, folder: &Path) -> Vec<Worker> {
        let tasks = self.size.tasks.to_string();
        let folder = folder.to_str().unwrap();
        (0..self.size.processes)
            .map(|number| {
                let (name, seed) = (number.to_string(), self.dice.below(u64::MAX).to_string());
                let arguments = ["storm", &self.url, folder, &name, &tasks, &seed];
                Worker::start(&self.program, &arguments).unwrap()
            })
            .collect()
    }

    /// Waits until clients have written down some more attempts: a crash comes then, wherever each of them is.
    fn until_it_has_grown(&mut self, folder: &Path) {
        let length = || journal::length(folder).unwrap();
        let wanted = length() + 8_000 + self.dice.below(60_000);
        let begun = Instant::now();
        while length() < wanted {
            assert!(begun.elapsed() < PATIENCE, "the storm does not get on");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(120);
