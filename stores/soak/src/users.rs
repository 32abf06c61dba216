//! The test users.

use std::fs;
use std::path::Path;

use countersign::testing::Phone;
use countersign::{AccountId, EnrollmentRequest, Proof, Timestamp};

use crate::backup_code_sets::IssuedCodes;
use crate::service::Service;
use crate::shared_clock::{STEP, SharedClock};

/// The time at which the users enroll.
pub const ENROLLED_AT: u64 = 1_800_000_000;
/// The time at which their first backup codes are issued.
pub const FIRST_ISSUED_AT: u64 = ENROLLED_AT + STEP;

/// An account, and the phone of its user.
#[derive(Debug, Clone)]
pub struct TestUser {
    /// The account.
    pub account: AccountId,
    /// No client has a correct code of this account. Clients only guess, so that all failures are
    /// consecutive.
    pub guessed: bool,
    key_uri: String,
    phone: Phone,
}

impl TestUser {
    /// Enrolls an account with backup codes.
    pub async fn enroll(service: &Service, name: &str, guessed: bool) -> (Self, IssuedCodes) {
        let account = AccountId::new(name).unwrap();
        let verifier = service.at(ENROLLED_AT);
        let checked_at = Timestamp::from_unix(ENROLLED_AT);
        let proof = Proof::Password { checked_at };
        let request = EnrollmentRequest::new(name);
        let enrollment = verifier.begin_enrollment(&account, request, proof).await;
        let enrollment = enrollment.unwrap();
        let key_uri = enrollment.key_uri().to_secret_text().expose().to_owned();
        let user = Self::new(account, guessed, key_uri);
        let passcode = user.passcode(ENROLLED_AT / STEP);
        let confirmed = verifier.confirm_enrollment(&user.account, enrollment.id(), &passcode);
        let _receipt = confirmed.await.unwrap();
        let verifier = service.at(FIRST_ISSUED_AT);
        let passcode = user.passcode(FIRST_ISSUED_AT / STEP);
        let issued = verifier.issue_backup_codes(&user.account, Proof::Code(&passcode));
        let issued = IssuedCodes::new(FIRST_ISSUED_AT, &issued.await.unwrap());
        (user, issued)
    }

    fn new(account: AccountId, guessed: bool, key_uri: String) -> Self {
        let phone = Phone::scan(&key_uri).unwrap();
        Self {
            account,
            guessed,
            key_uri,
            phone,
        }
    }

    /// The passcode of a time step.
    #[must_use]
    pub fn passcode(&self, step: u64) -> String {
        self.phone.passcode(Timestamp::from_unix(step * STEP))
    }

    /// Whether no other time step in the same window has the same passcode. One step in a hundred
    /// thousand has the same passcode as another step, and the verifier correctly accepts the
    /// passcode for either step. The tests skip these steps.
    #[must_use]
    pub fn has_unique_passcode(&self, step: u64) -> bool {
        let passcode = self.passcode(step);
        (step - 3..=step + 3).all(|other| other == step || self.passcode(other) != passcode)
    }

    /// A passcode that is wrong at this time.
    #[must_use]
    pub fn wrong_passcode(&self, at: u64, start: u64) -> String {
        let step = at / STEP;
        let right: Vec<_> = (step - 2..=step + 2)
            .map(|step| self.passcode(step))
            .collect();
        (start..)
            .map(|number| format!("{:06}", number % 1_000_000))
            .find(|passcode| !right.contains(passcode))
            .unwrap()
    }
}

/// All test users.
#[derive(Debug, Clone)]
pub struct TestUsers(pub Vec<TestUser>);

impl TestUsers {
    /// Enrolls accounts, and writes what the clients need into the directory. Clients only guess at
    /// the last `guessed` accounts.
    pub async fn enroll(
        service: &Service,
        directory: &Path,
        name: &str,
        count: usize,
        guessed: usize,
    ) -> Self {
        let (mut users, mut lines) = (Vec::new(), String::new());
        for number in 0..count {
            let account = format!("{name}-{number}");
            let guessed = number >= count - guessed;
            let (user, issued) = TestUser::enroll(service, &account, guessed).await;
            issued.publish(directory, number);
            lines += &format!("{account} {guessed} {}\n", user.key_uri);
            users.push(user);
        }
        fs::write(directory.join(NAME), lines).unwrap();
        SharedClock::create(directory, count, FIRST_ISSUED_AT + 10 * STEP).unwrap();
        Self(users)
    }

    /// Reads the users from the directory.
    #[must_use]
    pub fn read(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join(NAME)).unwrap();
        let user = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            let account = AccountId::new(words.next().unwrap()).unwrap();
            let guessed = words.next().unwrap() == "true";
            TestUser::new(account, guessed, words.next().unwrap())
        };
        Self(text.lines().map(user).collect())
    }
}

const NAME: &str = "users";

#[cfg(test)]
mod tests {
    use countersign::store::{BoxStore, MemoryStore};

    use super::*;
    use crate::service::{LOCKED_AT, failures};

    #[tokio::test]
    async fn failures_are_counted_from_the_record_alone() {
        let store = BoxStore::new(MemoryStore::new());
        let service = Service::new(store.clone());
        let (user, _) = TestUser::enroll(&service, "somebody", false).await;
        for number in 0..=LOCKED_AT + 1 {
            let seen = failures(&store, &user.account).await.unwrap();
            assert_eq!(seen, number.min(LOCKED_AT));
            let at = 1_900_000_000;
            let wrong = user.wrong_passcode(at, 0);
            _ = service.at(at).verify(&user.account, &wrong).await;
        }
    }
}
