//! The test users.

use std::fs;
use std::path::Path;

use countersign::otp::Hotp;
use countersign::testing::Phone;
use countersign::uri::{KeyUri, KeyUriKind};
use countersign::{AccountId, EnrollmentRequest, Proof, Timestamp};

use crate::backup_code_sets::IssuedCodes;
use crate::service::Service;
use crate::shared_clock::{STEP, SharedClock};

/// The time at which the users enroll.
pub const ENROLLED_AT: u64 = 1_800_000_000;
/// The time at which their first backup codes are issued.
pub const FIRST_ISSUED_AT: u64 = ENROLLED_AT + STEP;

/// The first counter for the clients. A token confirms its enrollment with counter 0, and gets its
/// backup codes with counter 1.
const FIRST_COUNTER: u64 = 2;

/// An account, and the phone or token of its user.
#[derive(Debug, Clone)]
pub struct TestUser {
    /// The account.
    pub account: AccountId,
    /// No client has a correct code of this account. Clients only guess, so that all failures are
    /// consecutive.
    pub guessed: bool,
    key_uri: String,
    device: Device,
}

/// What shows the passcodes. Each passcode has a number: its time step, or its counter.
#[derive(Debug, Clone)]
enum Device {
    Phone(Phone),
    Token(Hotp),
}

impl TestUser {
    /// Enrolls an account with a phone and backup codes.
    pub async fn enroll(service: &Service, name: &str, guessed: bool) -> (Self, IssuedCodes) {
        let request = EnrollmentRequest::new(name);
        Self::enroll_with(service, name, guessed, request).await
    }

    /// Enrolls an account with a token and backup codes.
    pub async fn enroll_token(service: &Service, name: &str, guessed: bool) -> (Self, IssuedCodes) {
        let request = EnrollmentRequest::new(name).hotp();
        Self::enroll_with(service, name, guessed, request).await
    }

    async fn enroll_with(
        service: &Service,
        name: &str,
        guessed: bool,
        request: EnrollmentRequest,
    ) -> (Self, IssuedCodes) {
        let account = AccountId::new(name).unwrap();
        let verifier = service.at(ENROLLED_AT);
        let checked_at = Timestamp::from_unix(ENROLLED_AT);
        let proof = Proof::Password { checked_at };
        let enrollment = verifier.begin_enrollment(&account, request, proof).await;
        let enrollment = enrollment.unwrap();
        let key_uri = enrollment.key_uri().to_secret_text().expose().to_owned();
        let user = Self::new(account, guessed, key_uri);
        let number = |step, counter| if user.is_token() { counter } else { step };
        let passcode = user.passcode(number(ENROLLED_AT / STEP, 0));
        let confirmed = verifier.confirm_enrollment(&user.account, enrollment.id(), &passcode);
        let _receipt = confirmed.await.unwrap();
        let verifier = service.at(FIRST_ISSUED_AT);
        let passcode = user.passcode(number(FIRST_ISSUED_AT / STEP, 1));
        let issued = verifier.issue_backup_codes(&user.account, Proof::Code(&passcode));
        let issued = IssuedCodes::new(FIRST_ISSUED_AT, issued.await.unwrap().codes());
        (user, issued)
    }

    fn new(account: AccountId, guessed: bool, key_uri: String) -> Self {
        let uri = KeyUri::parse(&key_uri).unwrap();
        let device = match uri.kind() {
            KeyUriKind::Hotp { .. } => {
                let secret = uri.secret().expose();
                Device::Token(Hotp::new(secret, uri.algorithm(), uri.digits()))
            }
            _ => Device::Phone(Phone::scan(&key_uri).unwrap()),
        };
        Self {
            account,
            guessed,
            key_uri,
            device,
        }
    }

    /// Whether the passcodes come from a counter.
    #[must_use]
    pub const fn is_token(&self) -> bool {
        matches!(self.device, Device::Token(_))
    }

    /// The passcode of a time step or counter.
    #[must_use]
    pub fn passcode(&self, number: u64) -> String {
        match &self.device {
            Device::Phone(phone) => phone.passcode(Timestamp::from_unix(number * STEP)),
            Device::Token(hotp) => hotp.generate(number).expose().to_owned(),
        }
    }

    /// Whether no other time step or counter that is checked with this one has the same passcode.
    /// One step in a hundred thousand has the same passcode as another step, and the verifier
    /// correctly accepts the passcode for either step. The tests skip these numbers.
    #[must_use]
    pub fn has_unique_passcode(&self, number: u64) -> bool {
        let passcode = self.passcode(number);
        let near = if self.is_token() { 16 } else { 3 };
        let mut others = number.saturating_sub(near)..=number + near;
        others.all(|other| other == number || self.passcode(other) != passcode)
    }

    /// A passcode that is wrong at this time.
    #[must_use]
    pub fn wrong_passcode(&self, at: u64, start: u64) -> String {
        self.wrong_passcode_near(at / STEP, start)
    }

    /// A passcode that is wrong around a time step or counter.
    #[must_use]
    pub fn wrong_passcode_near(&self, number: u64, start: u64) -> String {
        let after = if self.is_token() { 20 } else { 2 };
        let right: Vec<_> = (number.saturating_sub(2)..=number + after)
            .map(|number| self.passcode(number))
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
    /// the last `guessed` accounts. Every third account has a token, the second one first.
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
            let (user, issued) = if number % 3 == 1 {
                TestUser::enroll_token(service, &account, guessed).await
            } else {
                TestUser::enroll(service, &account, guessed).await
            };
            issued.publish(directory, number);
            lines += &format!("{account} {guessed} {}\n", user.key_uri);
            users.push(user);
        }
        fs::write(directory.join(NAME), lines).unwrap();
        let start = FIRST_ISSUED_AT + 10 * STEP;
        SharedClock::create(directory, count, start, FIRST_COUNTER).unwrap();
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
