//! The test's side of a race: many processes use one code at the same moment.
//!
//! In each round, all tasks of all processes read the record before the first task writes. So each
//! task races with the tasks of the other processes, however slow the computer is.

use std::path::Path;

use countersign::{Actor, Proof, ServerClock};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::backup_code_sets::IssuedCodes;
use crate::connect::connect_patiently;
use crate::race_round::{LOADED, Tally};
use crate::service::Service;
use crate::shared_clock::STEP;
use crate::users::{FIRST_ISSUED_AT, TestUser, TestUsers};
use crate::worker_process::Worker;

/// Races for the codes of one account.
#[derive(Debug)]
pub struct Races {
    runtime: Runtime,
    service: Service,
    user: TestUser,
    workers: Vec<Worker>,
    issued: Vec<String>,
    time: u64,
    _directory: TempDir,
}

impl Races {
    /// Prepares races on the database at this URL, between `processes` processes of `tasks` tasks
    /// each.
    #[must_use]
    pub fn new(program: &str, url: &str, name: &str, processes: usize, tasks: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let service = Service::new(runtime.block_on(connect_patiently(url, 2)));
        let users = TestUsers::enroll(&service, directory.path(), name, 1, 0);
        let user = runtime.block_on(users).0.remove(0);
        let (path, tasks) = (directory.path().to_str().unwrap(), tasks.to_string());
        let workers = (0..processes)
            .map(|_| Worker::start(Path::new(program), &["race", url, path, &tasks]).unwrap())
            .collect();
        Self {
            runtime,
            service,
            user,
            workers,
            issued: Vec::new(),
            time: FIRST_ISSUED_AT,
            _directory: directory,
        }
    }

    /// All tasks try the same passcode.
    pub fn race_for_a_passcode(&mut self) -> Tally {
        let passcode = self.next_passcode();
        self.run(&passcode)
    }

    /// All tasks try the same backup code.
    pub fn race_for_a_backup_code(&mut self) -> Tally {
        if self.issued.is_empty() {
            let passcode = self.next_passcode();
            let verifier = self.service.at(self.time);
            let proof = Proof::Code(&passcode);
            let issued = verifier.issue_backup_codes(&self.user.account, proof);
            let codes = self.runtime.block_on(issued).unwrap();
            self.issued = IssuedCodes::new(self.time, codes.codes()).codes;
        }
        let code = self.issued.pop().unwrap();
        let tally = self.run(&code);
        // The losers of a race for a backup code count as failures.
        let staff = Actor::new("staff", "a race").unwrap();
        let unlocked =
            self.service
                .at(self.time)
                .unlock(&self.user.account, ServerClock::Unconfirmed, &staff);
        self.runtime.block_on(unlocked).unwrap();
        tally
    }

    /// The next passcode, an hour later or a little more.
    fn next_passcode(&mut self) -> String {
        self.time += 3600;
        while !self.user.has_unique_passcode(self.time / STEP) {
            self.time += STEP;
        }
        self.user.passcode(self.time / STEP)
    }

    fn run(&mut self, code: &str) -> Tally {
        self.time += 1;
        for worker in &mut self.workers {
            worker.send(&format!("{} {code}", self.time));
        }
        for worker in &mut self.workers {
            assert_eq!(worker.receive().trim_end(), LOADED);
        }
        for worker in &mut self.workers {
            worker.send("go on");
        }
        let mut sum = Tally::default();
        for worker in &mut self.workers {
            sum.add(&worker.receive());
        }
        sum
    }
}
