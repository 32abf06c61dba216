//! What a task of a client does in a storm.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign::backup::BackupCodes;
use countersign::{Denied, Proof, Receipt, VerifierError};

use crate::cast::{Cast, Person};
use crate::journal::{Answer, Journal, Try};
use crate::service::Service;
use crate::sheets::Sheet;
use crate::wall::STEP;
use crate::{Dice, Wall};

/// A task that logs in, rightly and wrongly.
#[derive(Debug)]
pub struct Client {
    /// Its verifier and clock.
    pub service: Service,
    /// The folder of the storm.
    pub folder: Arc<PathBuf>,
    /// Who there is.
    pub cast: Arc<Cast>,
    /// What time it is.
    pub wall: Arc<Wall>,
    /// Where to write down what it tries.
    pub journal: Arc<Journal>,
    /// Decides what it tries.
    pub dice: Dice,
}

impl Client {
    /// One attempt, or none if the dice fall badly.
    pub async fn attempt(&mut self) {
        let number = self.dice.index(self.cast.0.len());
        let cast = Arc::clone(&self.cast);
        let person = &cast.0[number];
        if person.guessed {
            if self.dice.percent(30) {
                self.guess(number, person).await;
            }
            return;
        }
        match self.dice.below(100) {
            0..45 => {
                let at = self.wall.next_step(number);
                self.passcode(number, person, at, at / STEP).await;
            }
            // The same passcode as somebody else's, now or a little earlier, or the next one.
            45..67 => {
                let at = self.wall.next_second(number);
                let step = at / STEP - 1 + self.dice.below(3);
                self.passcode(number, person, at, step).await;
            }
            67..75 => self.guess(number, person).await,
            75..97 => self.code(number, person).await,
            _ => self.issue(number, person).await,
        }
    }

    async fn passcode(&self, number: usize, person: &Person, at: u64, step: u64) {
        if person.is_plain(step) {
            self.journal.begin(number, at, &Try::Passcode(step));
            self.log_in(number, person, at, &person.passcode(step))
                .await;
        }
    }

    async fn guess(&mut self, number: usize, person: &Person) {
        let at = self.wall.next_second(number);
        let guess = if self.dice.percent(50) {
            person.wrong_passcode(at, self.dice.below(1_000_000))
        } else {
            let sheet = Sheet::read(&self.folder, number);
            let mut guesses = (self.dice.below(100_000_000)..).map(|guess| format!("{guess:08}"));
            guesses.find(|guess| !sheet.codes.contains(guess)).unwrap()
        };
        self.journal.begin(number, at, &Try::Wrong);
        self.log_in(number, person, at, &guess).await;
    }

    async fn code(&mut self, number: usize, person: &Person) {
        let at = self.wall.next_second(number);
        let sheet = Sheet::read(&self.folder, number);
        let place = self.dice.index(sheet.codes.len());
        let what = Try::Code(sheet.issued_at, place);
        self.journal.begin(number, at, &what);
        self.log_in(number, person, at, &sheet.codes[place]).await;
    }

    async fn issue(&self, number: usize, person: &Person) {
        let at = self.wall.next_shift(number);
        if !person.is_plain(at / STEP) {
            return;
        }
        self.journal.begin(number, at, &Try::Issue(at / STEP));
        let passcode = person.passcode(at / STEP);
        let verifier = self.service.at(at);
        let issued = verifier.issue_backup_codes(&person.account, Proof::Code(&passcode));
        let sheet = issued
            .await
            .map(|codes: BackupCodes| Sheet::new(at, &codes));
        let codes = sheet.as_ref().map(|sheet| sheet.codes.clone());
        self.note(number, at, codes).await;
        if let Ok(sheet) = sheet {
            sheet.publish(&self.folder, number);
        }
    }

    async fn log_in(&self, number: usize, person: &Person, at: u64, code: &str) {
        let receipt = self.service.at(at).verify(&person.account, code).await;
        let receipt = receipt.as_ref().map(|receipt: &Receipt| {
            assert_eq!(receipt.account(), &person.account);
            assert_eq!(receipt.at().as_unix(), at);
            Vec::new()
        });
        self.note(number, at, receipt).await;
    }

    async fn note(&self, number: usize, at: u64, told: Result<Vec<String>, &Denied>) {
        let answer = match told {
            Ok(codes) => Answer::Accepted(codes),
            Err(Denied::Rejected(rejection)) => Answer::Rejected(format!("{rejection:?}")),
            Err(Denied::Failed(VerifierError::Unsettled(_))) => Answer::Unsettled,
            Err(Denied::Failed(error)) => Answer::Failed(format!("{error:?}")),
        };
        self.journal.end(number, at, &answer);
        if matches!(answer, Answer::Failed(_)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
