//! A client process's side of a race: a round for each line of its input.

use std::io;
use std::path::Path;
use std::sync::Arc;

use countersign::store::BoxStore;
use countersign::testing::ManualClock;
use countersign::{Denied, Timestamp, Verifier, VerifierError};
use tokio::sync::Barrier;

use crate::connect::connect_patiently;
use crate::service::Service;
use crate::users::{TestUser, TestUsers};

/// The results of the tasks of a race.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accepted.
    pub accepted: usize,
    /// Rejected.
    pub rejected: usize,
    /// Gave up, because other tasks were first every time.
    pub contended: usize,
    /// Any other error.
    pub failed: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, line: &str) {
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
            Err(Denied::Rejected(_) | Denied::Repeated(_)) => &mut self.rejected,
            // More than seven other writes came between a refused write and the next load, so the
            // history does not show the result.
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

/// Runs a round for each line.
pub async fn run(url: &str, directory: &Path, tasks: usize) {
    let users = TestUsers::read(directory);
    let store: BoxStore = connect_patiently(url, 8).await;
    let Service { verifier, clock } = Service::new(store);
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let (time, code) = line.split_once(' ').unwrap();
        let tally = round(
            &verifier,
            &clock,
            &users.0[0],
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
    user: &TestUser,
    time: u64,
    code: &str,
    tasks: usize,
) -> Tally {
    clock.set(Timestamp::from_unix(time));
    let start = Arc::new(Barrier::new(tasks));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (start, verifier) = (Arc::clone(&start), verifier.clone());
            let (account, code) = (user.account.clone(), code.to_owned());
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
