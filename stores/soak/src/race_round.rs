//! A client process's side of a race: one round after the other, as its input says.

use std::io;
use std::path::Path;

use countersign::store::BoxStore;
use countersign::{Denied, Receipt, Verifier, VerifierError};
use tokio::task::JoinHandle;

use crate::connect::connect_patiently;
use crate::service::Service;
use crate::starting_line::StartingLine;
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
    /// Whose first write was refused, because another task had written first.
    pub overtaken: usize,
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
            &mut self.overtaken,
        ] {
            *sum += numbers.next().unwrap();
        }
    }

    fn count(&mut self, outcome: &Answer) {
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

/// Runs the rounds. The lines of the input and of the output are, in turn:
///
/// - input: the time and the code. Each task begins an attempt.
/// - output: `loaded`, when all tasks have read the record
/// - input: any line, when the tasks of all processes have done so. The tasks go on.
/// - output: the numbers of the [`Tally`]
pub async fn run(url: &str, directory: &Path, tasks: usize) {
    let users = TestUsers::read(directory);
    let line = StartingLine::new(connect_patiently(url, 8).await);
    let service = Service::new(BoxStore::new(line.clone()));
    let mut input = io::stdin().lines().map(Result::unwrap);
    while let Some(round) = input.next() {
        let (time, code) = round.split_once(' ').unwrap();
        line.close();
        let verifier = service.at(time.parse().unwrap());
        let attempts = begin(verifier, &users.0[0], code, tasks);
        line.wait_for(tasks).await;
        println!("{LOADED}");
        if input.next().is_none() {
            return;
        }
        line.open();
        let mut tally = Tally::default();
        for attempt in attempts {
            tally.count(&attempt.await.unwrap());
        }
        tally.overtaken = line.refused();
        println!(
            "{} {} {} {} {}",
            tally.accepted, tally.rejected, tally.contended, tally.failed, tally.overtaken
        );
    }
}

fn begin(
    verifier: &Verifier<BoxStore>,
    user: &TestUser,
    code: &str,
    tasks: usize,
) -> Vec<JoinHandle<Answer>> {
    let attempts = (0..tasks).map(|_| {
        let verifier = verifier.clone();
        let (account, code) = (user.account.clone(), code.to_owned());
        tokio::spawn(async move { verifier.verify(&account, &code).await })
    });
    attempts.collect()
}

type Answer = Result<Receipt, Denied>;

/// The output when all tasks have read the record.
pub(crate) const LOADED: &str = "loaded";
