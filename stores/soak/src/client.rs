//! A task of a client process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign::{Denied, Proof, Receipt, Rejection, VerifierError};

use crate::backup_code_sets::IssuedCodes;
use crate::journal::{Answer, Journal, Try};
use crate::service::Service;
use crate::shared_clock::{AHEAD, ROW, STEP};
use crate::users::{TestUser, TestUsers};
use crate::{SeededRandom, SharedClock};

/// A task that logs in with correct and wrong codes.
#[derive(Debug)]
pub struct Client {
    /// The verifier and its clock.
    pub service: Service,
    /// The directory of the test.
    pub directory: Arc<PathBuf>,
    /// The test users.
    pub users: Arc<TestUsers>,
    /// The clocks of the accounts.
    pub clocks: Arc<SharedClock>,
    /// The journal of this process.
    pub journal: Arc<Journal>,
    /// Chooses the attempts.
    pub random: SeededRandom,
}

impl Client {
    /// Makes one attempt, or none, by a random choice.
    pub async fn attempt(&mut self) {
        let number = self.random.index(self.users.0.len());
        let users = Arc::clone(&self.users);
        let user = &users.0[number];
        if user.guessed {
            if self.random.percent(30) {
                self.guess(number, user).await;
            }
            return;
        }
        match self.random.below(100) {
            0..45 => {
                let at = self.clocks.next_step(number);
                let next = self.next_passcode(number, user, at);
                self.passcode(number, user, at, next).await;
            }
            // The passcode that another task uses, now or a little earlier, or the next one. A
            // token may be ahead, because killed clients have used counters.
            45..67 => {
                let at = self.clocks.next_second(number);
                let choices = if user.is_token() { AHEAD + 1 } else { 3 };
                let near = self.next_passcode(number, user, at) - 1 + self.random.below(choices);
                self.passcode(number, user, at, near).await;
            }
            67..75 => self.guess(number, user).await,
            75..80 if !user.is_token() => self.row(number, user).await,
            75..97 => self.code(number, user).await,
            _ => self.issue(number, user).await,
        }
    }

    /// The time step, or the next counter.
    fn next_passcode(&self, number: usize, user: &TestUser, at: u64) -> u64 {
        if user.is_token() {
            self.clocks.next_counter(number)
        } else {
            at / STEP
        }
    }

    async fn passcode(&self, number: usize, user: &TestUser, at: u64, step: u64) {
        if user.has_unique_passcode(step) {
            self.journal.begin(number, at, &Try::Passcode(step));
            let used = self.log_in(number, user, at, &user.passcode(step)).await;
            if user.is_token() && used {
                self.clocks.used_counter(number, step);
            }
        }
    }

    async fn guess(&mut self, number: usize, user: &TestUser) {
        let at = self.clocks.next_second(number);
        let guess = if self.random.percent(50) {
            let near = self.next_passcode(number, user, at);
            user.wrong_passcode_near(near, self.random.below(1_000_000))
        } else {
            let issued = IssuedCodes::read(&self.directory, number);
            let mut guesses = (self.random.below(100_000_000)..).map(|guess| format!("{guess:08}"));
            guesses.find(|guess| !issued.codes.contains(guess)).unwrap()
        };
        self.journal.begin(number, at, &Try::Wrong);
        self.log_in(number, user, at, &guess).await;
    }

    /// Signs in with consecutive passcodes. In one of four rows, one passcode is wrong.
    async fn row(&mut self, number: usize, user: &TestUser) {
        let at = self.clocks.next_row_time(number);
        let last = at / STEP;
        let steps = last + 1 - ROW..=last;
        if !steps.clone().all(|step| user.has_unique_passcode(step)) {
            return;
        }
        let mut row: Vec<String> = steps.map(|step| user.passcode(step)).collect();
        let what = if self.random.percent(25) {
            let place = self.random.index(row.len());
            row[place] = user.wrong_passcode_near(last, self.random.below(1_000_000));
            Try::WrongRow
        } else {
            Try::Row(last)
        };
        self.journal.begin(number, at, &what);
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        let verifier = self.service.at(at);
        let receipt = verifier.verify_consecutive(&user.account, &row).await;
        let receipt = receipt.as_ref().map(|receipt: &Receipt| {
            assert_eq!(receipt.account(), &user.account);
            assert_eq!(receipt.clock_offset(), Some(0));
            Vec::new()
        });
        self.note(number, at, receipt).await;
    }

    async fn code(&mut self, number: usize, user: &TestUser) {
        let at = self.clocks.next_second(number);
        let issued = IssuedCodes::read(&self.directory, number);
        let place = self.random.index(issued.codes.len());
        let what = Try::Code(issued.issued_at, place);
        self.journal.begin(number, at, &what);
        self.log_in(number, user, at, &issued.codes[place]).await;
    }

    async fn issue(&self, number: usize, user: &TestUser) {
        let at = self.clocks.next_issue_time(number);
        let next = self.next_passcode(number, user, at);
        if !user.has_unique_passcode(next) {
            return;
        }
        self.journal.begin(number, at, &Try::Issue(next));
        let passcode = user.passcode(next);
        let verifier = self.service.at(at);
        let issued = verifier.issue_backup_codes(&user.account, Proof::Code(&passcode));
        let issued = issued
            .await
            .map(|issued| IssuedCodes::new(at, issued.codes()));
        let codes = issued.as_ref().map(|issued| issued.codes.clone());
        let used = self.note(number, at, codes).await;
        if user.is_token() && used {
            self.clocks.used_counter(number, next);
        }
        if let Ok(issued) = issued {
            issued.publish(&self.directory, number);
        }
    }

    /// Returns whether the code is known to be used.
    async fn log_in(&self, number: usize, user: &TestUser, at: u64, code: &str) -> bool {
        let receipt = self.service.at(at).verify(&user.account, code).await;
        let receipt = receipt.as_ref().map(|receipt: &Receipt| {
            assert_eq!(receipt.account(), &user.account);
            assert_eq!(receipt.at().as_unix(), at);
            Vec::new()
        });
        self.note(number, at, receipt).await
    }

    /// Returns whether the code is known to be used.
    async fn note(&self, number: usize, at: u64, result: Result<Vec<String>, &Denied>) -> bool {
        let used = match &result {
            Ok(_) => true,
            Err(denied) => matches!(
                denied.rejection(),
                Some(
                    Rejection::Replayed | Rejection::ReplayedAhead { .. } | Rejection::IssueExpired
                )
            ),
        };
        let answer = match result {
            Ok(codes) => Answer::Accepted(codes),
            Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => {
                Answer::Rejected(format!("{rejection:?}"))
            }
            Err(Denied::Failed(VerifierError::Unsettled(_))) => Answer::Unsettled,
            Err(Denied::Failed(error)) => {
                let kind = match error {
                    VerifierError::Store(_) => "Store",
                    VerifierError::Contended => "Contended",
                    _ => "Other",
                };
                Answer::Failed(format!("{kind}: {error:?}"))
            }
        };
        self.journal.end(number, at, &answer);
        if matches!(answer, Answer::Failed(_)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        used
    }
}
