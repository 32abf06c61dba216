//! The accounts of a storm.

use std::fs;
use std::path::Path;

use countersign::testing::Phone;
use countersign::{AccountId, EnrollmentRequest, Proof, Timestamp};

use crate::service::Service;
use crate::sheets::Sheet;
use crate::wall::{STEP, Wall};

/// When accounts are enrolled.
pub const ENROLLED_AT: u64 = 1_800_000_000;
/// When their first backup codes are issued.
pub const FIRST_ISSUED_AT: u64 = ENROLLED_AT + STEP;

/// An account, and the phone of its owner.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// Nobody knows anything right of it: it is only guessed at, so that all its failures are consecutive.
    pub guessed: bool,
    key_uri: String,
    phone: Phone,
}

impl Person {
    /// Enrolls an account with backup codes.
    pub async fn enroll(service: &Service, name: &str, guessed: bool) -> (Self, Sheet) {
        let account = AccountId::new(name).unwrap();
        let verifier = service.at(ENROLLED_AT);
        let checked_at = Timestamp::from_unix(ENROLLED_AT);
        let proof = Proof::Password { checked_at };
        let request = EnrollmentRequest::new(name);
        let begun = verifier.begin_enrollment(&account, request, proof).await;
        let enrollment = begun.unwrap();
        let key_uri = enrollment.key_uri().to_secret_text().expose().to_owned();
        let person = Self::new(account, guessed, key_uri);
        let passcode = person.passcode(ENROLLED_AT / STEP);
        let confirmed = verifier.confirm_enrollment(&person.account, enrollment.id(), &passcode);
        let _receipt = confirmed.await.unwrap();
        let verifier = service.at(FIRST_ISSUED_AT);
        let passcode = person.passcode(FIRST_ISSUED_AT / STEP);
        let issued = verifier.issue_backup_codes(&person.account, Proof::Code(&passcode));
        let sheet = Sheet::new(FIRST_ISSUED_AT, &issued.await.unwrap());
        (person, sheet)
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

    /// What the phone shows in a time step.
    #[must_use]
    pub fn passcode(&self, step: u64) -> String {
        self.phone.passcode(Timestamp::from_unix(step * STEP))
    }

    /// Whether no other step that a window could have together with this one has the same passcode. One in a hundred
    /// thousand has, and is rightly accepted for either; storms keep away from those.
    #[must_use]
    pub fn is_plain(&self, step: u64) -> bool {
        let passcode = self.passcode(step);
        (step - 3..=step + 3).all(|other| other == step || self.passcode(other) != passcode)
    }

    /// A passcode that is wrong at a time.
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

/// All accounts of a storm.
#[derive(Debug, Clone)]
pub struct Cast(pub Vec<Person>);

impl Cast {
    /// Enrolls accounts, the last few of them to be guessed at, and writes down in the folder what clients must know.
    pub async fn enroll(
        service: &Service,
        folder: &Path,
        name: &str,
        people: usize,
        guessed: usize,
    ) -> Self {
        let (mut cast, mut lines) = (Vec::new(), String::new());
        for number in 0..people {
            let account = format!("{name}-{number}");
            let guessed = number >= people - guessed;
            let (person, sheet) = Person::enroll(service, &account, guessed).await;
            sheet.publish(folder, number);
            lines += &format!("{account} {guessed} {}\n", person.key_uri);
            cast.push(person);
        }
        fs::write(folder.join(NAME), lines).unwrap();
        Wall::create(folder, people, FIRST_ISSUED_AT + 10 * STEP).unwrap();
        Self(cast)
    }

    /// Reads what was written down.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join(NAME)).unwrap();
        let person = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            let account = AccountId::new(words.next().unwrap()).unwrap();
            let guessed = words.next().unwrap() == "true";
            Person::new(account, guessed, words.next().unwrap())
        };
        Self(text.lines().map(person).collect())
    }
}

const NAME: &str = "cast";
