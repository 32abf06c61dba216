//! Many processes that spend one code at the same moment.

use std::io;
use std::path::Path;
use std::sync::Arc;

use countersign::store::BoxStore;
use countersign::testing::ManualClock;
use countersign::{Denied, Proof, ServerClock, Timestamp, Verifier, VerifierError};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use crate::cast::{Cast, FIRST_ISSUED_AT, Person};
use crate::connect::connect;
use crate::service::Service;
use crate::sheets::Sheet;
use crate::wall::STEP;
use crate::worker::Worker;

/// Races on one account of a database.
#[derive(Debug)]
pub struct Races {
    runtime: Runtime,
    service: Service,
    person: Person,
    workers: Vec<Worker>,
    sheet: Vec<String>,
    time: u64,
    _folder: TempDir,
}

/// What the tasks of a race were told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accepted.
    pub accepted: usize,
    /// Rejected.
    pub rejected: usize,
    /// Others were first all the time.
    pub contended: usize,
    /// Any other error.
    pub failed: usize,
}

impl Races {
    /// Opens a race at this URL, between so many processes of so many tasks each.
    #[must_use]
    pub fn new(program: &str, url: &str, name: &str, processes: usize, tasks: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let service = Service::new(runtime.block_on(connect(url, 2)));
        let cast = Cast::enroll(&service, folder.path(), name, 1, 0);
        let person = runtime.block_on(cast).0.remove(0);
        let (path, tasks) = (folder.path().to_str().unwrap(), tasks.to_string());
        let workers = (0..processes)
            .map(|_| Worker::start(Path::new(program), &["race", url, path, &tasks]).unwrap())
            .collect();
        Self {
            runtime,
            service,
            person,
            workers,
            sheet: Vec::new(),
            time: FIRST_ISSUED_AT,
            _folder: folder,
        }
    }

    /// All tasks try the same passcode.
    pub fn with_a_passcode(&mut self) -> Tally {
        let passcode = self.next_passcode();
        self.run(&passcode)
    }

    /// All tasks try the same backup code.
    pub fn with_a_backup_code(&mut self) -> Tally {
        if self.sheet.is_empty() {
            let passcode = self.next_passcode();
            let verifier = self.service.at(self.time);
            let proof = Proof::Code(&passcode);
            let issued = verifier.issue_backup_codes(&self.person.account, proof);
            let codes = self.runtime.block_on(issued).unwrap();
            self.sheet = Sheet::new(self.time, &codes).codes;
        }
        let code = self.sheet.pop().unwrap();
        let tally = self.run(&code);
        // Whoever came too late with a code of the owner's is counted as a failure.
        let unlocked = self
            .service
            .at(self.time)
            .unlock(&self.person.account, ServerClock::Unconfirmed);
        self.runtime.block_on(unlocked).unwrap();
        tally
    }

    /// An hour later, or a little more.
    fn next_passcode(&mut self) -> String {
        self.time += 3600;
        while !self.person.is_plain(self.time / STEP) {
            self.time += STEP;
        }
        self.person.passcode(self.time / STEP)
    }

    fn run(&mut self, code: &str) -> Tally {
        self.time += 1;
        for worker in &mut self.workers {
            worker.tell(&format!("{} {code}", self.time));
        }
        let mut sum = Tally::default();
        for worker in &mut self.workers {
            sum.add(&worker.hear());
        }
        sum
    }
}

impl Tally {
    fn add(&mut self, line: &str) {
        let mut numbers = line
            .split_whitespace()
            .map(|number| number.parse::<usize>().unwrap());
        for sum in [
            &mut self.accepted,
            &mut self.rejected,
            &mut self.contended,
            &mut self.failed,
        ] {
            *sum += numbers.next().unwrap();
        }
    }

    fn count(&mut self, outcome: &Result<countersign::Receipt, Denied>) {
        *match outcome {
            Ok(_) => &mut self.accepted,
            Err(Denied::Rejected(_)) => &mut self.rejected,
            // More than seven others wrote between a refused write and the next look: the history cannot tell.
            Err(Denied::Failed(VerifierError::Contended | VerifierError::Unsettled(None))) => {
                &mut self.contended
            }
            Err(Denied::Failed(error)) => {
                eprintln!("{error:?}");
                &mut self.failed
            }
        } += 1;
    }
}

/// The part of a client process: a round for each line.
pub async fn run(url: &str, folder: &Path, tasks: usize) {
    let cast = Cast::read(folder);
    let store: BoxStore = connect(url, 8).await;
    let Service { verifier, clock } = Service::new(store);
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let (time, code) = line.split_once(' ').unwrap();
        let tally = round(
            &verifier,
            &clock,
            &cast.0[0],
            time.parse().unwrap(),
            code,
            tasks,
        )
        .await;
        println!(
            "{} {} {} {}",
            tally.accepted, tally.rejected, tally.contended, tally.failed
        );
    }
}

async fn round(
    verifier: &Verifier<BoxStore>,
    clock: &ManualClock,
    person: &Person,
    time: u64,
    code: &str,
    tasks: usize,
) -> Tally {
    clock.set(Timestamp::from_unix(time));
    let start = Arc::new(Barrier::new(tasks));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (start, verifier) = (Arc::clone(&start), verifier.clone());
            let (account, code) = (person.account.clone(), code.to_owned());
            tokio::spawn(async move {
                start.wait().await;
                verifier.verify(&account, &code).await
            })
        })
        .collect();
    let mut tally = Tally::default();
    for task in tasks {
        tally.count(&task.await.unwrap());
    }
    tally
}
