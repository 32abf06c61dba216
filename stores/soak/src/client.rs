//! A task of a client process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign::backup::BackupCodes;
use countersign::{Denied, Proof, Receipt, VerifierError};

use crate::backup_code_sets::IssuedCodes;
use crate::journal::{Answer, Journal, Try};
use crate::service::Service;
use crate::shared_clock::STEP;
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
                self.passcode(number, user, at, at / STEP).await;
            }
            // The passcode that another task uses, now or a little earlier, or the next one.
            45..67 => {
                let at = self.clocks.next_second(number);
                let step = at / STEP - 1 + self.random.below(3);
                self.passcode(number, user, at, step).await;
            }
            67..75 => self.guess(number, user).await,
            75..97 => self.code(number, user).await,
            _ => self.issue(number, user).await,
        }
    }

    async fn passcode(&self, number: usize, user: &TestUser, at: u64, step: u64) {
        if user.has_unique_passcode(step) {
            self.journal.begin(number, at, &Try::Passcode(step));
            self.log_in(number, user, at, &user.passcode(step)).await;
        }
    }

    async fn guess(&mut self, number: usize, user: &TestUser) {
        let at = self.clocks.next_second(number);
        let guess = if self.random.percent(50) {
            user.wrong_passcode(at, self.random.below(1_000_000))
        } else {
            let issued = IssuedCodes::read(&self.directory, number);
            let mut guesses = (self.random.below(100_000_000)..).map(|guess| format!("{guess:08}"));
            guesses.find(|guess| !issued.codes.contains(guess)).unwrap()
        };
        self.journal.begin(number, at, &Try::Wrong);
        self.log_in(number, user, at, &guess).await;
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
        if !user.has_unique_passcode(at / STEP) {
            return;
        }
        self.journal.begin(number, at, &Try::Issue(at / STEP));
        let passcode = user.passcode(at / STEP);
        let verifier = self.service.at(at);
        let issued = verifier.issue_backup_codes(&user.account, Proof::Code(&passcode));
        let issued = issued
            .await
            .map(|codes: BackupCodes| IssuedCodes::new(at, &codes));
        let codes = issued.as_ref().map(|issued| issued.codes.clone());
        self.note(number, at, codes).await;
        if let Ok(issued) = issued {
            issued.publish(&self.directory, number);
        }
    }

    async fn log_in(&self, number: usize, user: &TestUser, at: u64, code: &str) {
        let receipt = self.service.at(at).verify(&user.account, code).await;
        let receipt = receipt.as_ref().map(|receipt: &Receipt| {
            assert_eq!(receipt.account(), &user.account);
            assert_eq!(receipt.at().as_unix(), at);
            Vec::new()
        });
        self.note(number, at, receipt).await;
    }

    async fn note(&self, number: usize, at: u64, result: Result<Vec<String>, &Denied>) {
        let answer = match result {
            Ok(codes) => Answer::Accepted(codes),
            Err(Denied::Rejected(rejection)) => Answer::Rejected(format!("{rejection:?}")),
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
    }
}
