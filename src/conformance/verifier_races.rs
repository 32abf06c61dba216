//! Cases with a whole [`Verifier`] on the store, and up to 30 requests at the same time.

use super::harness::Run;
use super::{Failure, Harness};
use crate::backup::Argon2Params;
use crate::testing::{ManualClock, Phone};
use crate::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Receipt, Rejection,
    SealingKey, Timestamp, Verifier,
};
use core::time::Duration;
use std::format;
use std::string::{String, ToString};

const REQUESTS: usize = 30;

/// Of 30 requests with one passcode at the same time, exactly one is accepted.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_passcode_is_spent_once<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_passcode_is_spent_once", harness);
    let service = Service::new(&run, harness)?;
    let passcode = service.phone.passcode(service.clock.now());
    let outcomes = run.race(REQUESTS, |_| Ok(service.verify(&passcode)))?;
    service.expect_one_accepted(&outcomes)
}

/// Of 30 requests with one backup code at the same time, exactly one is accepted.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_backup_code_is_spent_once<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_backup_code_is_spent_once", harness);
    let service = Service::new(&run, harness)?;
    let code = service.issue_backup_code()?;
    let outcomes = run.race(REQUESTS, |_| Ok(service.verify(&code)))?;
    service.expect_one_accepted(&outcomes)
}

/// Of 30 wrong passcodes at the same time, five are checked, and 25 must wait.
///
/// The rate limit allows the same number if the guesses come one after the other.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn guesses_at_once_are_all_counted<H: Harness>(harness: &H) -> Result<(), Failure> {
    const FREE_FAILURES: usize = 5;
    let run = Run::new("guesses_at_once_are_all_counted", harness);
    let service = Service::new(&run, harness)?;
    let wrong = service.wrong_passcode();
    let outcomes = run.race(REQUESTS, |_| Ok(service.verify(&wrong)))?;
    let rejection =
        |outcome: &Result<_, Denied>| outcome.as_ref().err().and_then(Denied::rejection);
    let count = |counted: fn(Rejection) -> bool| {
        outcomes
            .iter()
            .filter(|outcome| rejection(outcome).is_some_and(counted))
            .count()
    };
    let checked = count(|rejection| rejection == Rejection::WrongCode);
    let waiting = count(|rejection| matches!(rejection, Rejection::Waiting { .. }));
    if (checked, waiting) == (FREE_FAILURES, REQUESTS.saturating_sub(FREE_FAILURES)) {
        return Ok(());
    }
    let seen = format!("{checked} checked, {waiting} must wait: {outcomes:?}");
    Err(run.failure("5 guesses checked, 25 must wait", seen))
}

/// A failure that was reported to one request counts for the next one.
///
/// The next request has another handle, and the first handle is dropped.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_failure_outlives_its_request<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_failure_outlives_its_request", harness);
    let service = Service::new(&run, harness)?;
    let wrong = service.wrong_passcode();
    for _ in 0..5 {
        let outcome = service.verify(&wrong);
        if outcome.as_ref().err().and_then(Denied::rejection) != Some(Rejection::WrongCode) {
            return Err(run.failure("a wrong passcode that is counted", format!("{outcome:?}")));
        }
    }
    match service.verify(&wrong).map_err(|denied| denied.rejection()) {
        Err(Some(Rejection::Waiting { .. })) => Ok(()),
        seen => Err(run.failure("a wait after five failures", format!("{seen:?}"))),
    }
}

/// A service with one enrolled account. Every request opens the store again.
struct Service<'r, H> {
    run: &'r Run<'r, H>,
    harness: &'r H,
    account: AccountId,
    key: SealingKey,
    clock: ManualClock,
    phone: Phone,
}

impl<'r, H: Harness> Service<'r, H> {
    fn new(run: &'r Run<'r, H>, harness: &'r H) -> Result<Self, Failure> {
        let uri = "otpauth://totp/nobody?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let mut service = Self {
            run,
            harness,
            account: run.account()?,
            key: SealingKey::generate().map_err(|error| run.failure("a key", error.to_string()))?,
            clock: ManualClock::at(Timestamp::from_unix(1_800_000_000)),
            phone: Phone::scan(uri).map_err(|error| run.failure("a phone", error.to_string()))?,
        };
        service.enroll()?;
        Ok(service)
    }

    fn enroll(&mut self) -> Result<(), Failure> {
        let verifier = self.verifier()?;
        let request = EnrollmentRequest::new("somebody");
        let proof = Proof::Password {
            checked_at: self.clock.now(),
        };
        let begun = verifier.begin_enrollment(&self.account, request, proof);
        let enrollment = self.expect_accepted(self.harness.block_on(begun))?;
        let uri = enrollment.key_uri().to_secret_text();
        self.phone = Phone::scan(uri.expose())
            .map_err(|error| self.run.failure("a key URI", error.to_string()))?;
        let passcode = self.phone.passcode(self.clock.now());
        let confirmed = verifier.confirm_enrollment(&self.account, enrollment.id(), &passcode);
        let _receipt = self.expect_accepted(self.harness.block_on(confirmed))?;
        self.clock.advance(Duration::from_secs(60));
        Ok(())
    }

    fn issue_backup_code(&self) -> Result<String, Failure> {
        let verifier = self.verifier()?;
        let passcode = self.phone.passcode(self.clock.now());
        let proof = Proof::Code(&passcode);
        let issued = verifier.issue_backup_codes(&self.account, proof);
        let codes = self.expect_accepted(self.harness.block_on(issued))?;
        let first = codes.iter().next().map(String::from);
        first.ok_or_else(|| self.run.failure("a backup code", "none"))
    }

    fn wrong_passcode(&self) -> String {
        let now = self.clock.now().as_unix();
        let window =
            [now.saturating_sub(30), now, now.saturating_add(30)].map(Timestamp::from_unix);
        let right = |passcode: &String| {
            window
                .iter()
                .any(|at| self.phone.passcode(*at) == *passcode)
        };
        let mut candidates = (0..).map(|number: u32| format!("{number:06}"));
        candidates
            .find(|passcode| !right(passcode))
            .unwrap_or_default()
    }

    fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        let Ok(verifier) = self.verifier() else {
            return Err(Rejection::Absent.into());
        };
        self.harness.block_on(verifier.verify(&self.account, code))
    }

    fn verifier(&self) -> Result<Verifier<H::Store>, Failure> {
        let params = Argon2Params::new(8, 1, 1)
            .map_err(|error| self.run.failure("Argon2 parameters", error.to_string()))?;
        let policy = Policy::builder().code_hash(params).build();
        let policy = policy.map_err(|error| self.run.failure("a policy", error.to_string()))?;
        let keyring = Keyring::new(KeyId::new(1), self.key.clone());
        Verifier::builder(self.run.open(), keyring, "Conformance")
            .policy(policy)
            .clock(self.clock.clone())
            .build()
            .map_err(|error| self.run.failure("a verifier", error.to_string()))
    }

    fn expect_accepted<T>(&self, outcome: Result<T, Denied>) -> Result<T, Failure> {
        outcome.map_err(|denied| {
            self.run
                .failure("an accepted change", format!("{denied:?}"))
        })
    }

    fn expect_one_accepted(&self, outcomes: &[Result<Receipt, Denied>]) -> Result<(), Failure> {
        match outcomes.iter().filter(|outcome| outcome.is_ok()).count() {
            1 => Ok(()),
            accepted => Err(self.run.failure(
                format!("1 of {} requests accepted", outcomes.len()),
                format!("{accepted} accepted: {outcomes:?}"),
            )),
        }
    }
}
