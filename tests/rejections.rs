//! Which rejection the verifier returns if two could apply.
#![cfg(feature = "verifier")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Actor, AuthenticatorId, Enrollment, EnrollmentRequest, KeyId, Keyring, Proof,
    Rejection, SealingKey, ServerClock, Status, Timestamp, Verifier,
};

struct Service {
    clock: ManualClock,
    verifier: Verifier<MemoryStore>,
    alice: AccountId,
}

impl Service {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let builder = Verifier::builder(MemoryStore::new(), keyring, "Example");
        Self {
            verifier: builder.clock(clock.clone()).build().unwrap(),
            clock,
            alice: AccountId::new("alice").unwrap(),
        }
    }

    fn begin(&self, request: EnrollmentRequest, proof: Proof<'_>) -> Result<Enrollment, Rejection> {
        let begun = self.verifier.begin_enrollment(&self.alice, request, proof);
        block_on(begun).map_err(|denied| denied.rejection().expect("a rejection"))
    }

    fn begin_first(&self) -> Enrollment {
        let checked_at = self.clock.now();
        let request = EnrollmentRequest::new("alice");
        self.begin(request, Proof::Password { checked_at }).unwrap()
    }

    fn confirm(&self, enrollment: &Enrollment, passcode: &str) -> Result<(), Rejection> {
        let id = enrollment.id();
        let confirmed = self.verifier.confirm_enrollment(&self.alice, id, passcode);
        let rejected = |denied: countersign::Denied| denied.rejection().expect("a rejection");
        block_on(confirmed).map(|_| ()).map_err(rejected)
    }

    fn verify(&self, code: &str) -> Option<Rejection> {
        let verified = block_on(self.verifier.verify(&self.alice, code));
        verified.err()?.rejection()
    }
}

fn shown(enrollment: &Enrollment, at: Timestamp) -> String {
    let uri = enrollment.key_uri().to_secret_text();
    Phone::scan(uri.expose()).unwrap().passcode(at)
}

#[test]
fn letters_are_malformed_and_not_counted() {
    let service = Service::new();
    let enrollment = service.begin_first();
    for _ in 0..20 {
        let confirmed = service.confirm(&enrollment, "abcdef");
        assert_eq!(confirmed, Err(Rejection::Malformed));
    }
    let now = service.clock.now();
    assert_eq!(
        service.confirm(&enrollment, &shown(&enrollment, now)),
        Ok(())
    );

    for _ in 0..20 {
        assert_eq!(service.verify("abcdef"), Some(Rejection::Malformed));
    }
    service.clock.advance(std::time::Duration::from_secs(30));
    let now = service.clock.now();
    assert_eq!(
        service.verify(&shown(&enrollment, now)),
        None,
        "no back-off"
    );
}

#[test]
fn a_code_proof_without_a_record_is_absent() {
    let service = Service::new();
    let unknown: AuthenticatorId = "0123456789abcdef".parse().unwrap();
    let requests = [
        EnrollmentRequest::new("alice"),
        EnrollmentRequest::replacing(unknown, "alice"),
    ];
    for request in requests {
        let begun = service.begin(request, Proof::Code("123456"));
        assert_eq!(begun.err(), Some(Rejection::Absent));
    }
    let status = block_on(service.verifier.status(&service.alice));
    assert_eq!(status.unwrap(), Status::Absent);
}

#[test]
fn a_failure_from_a_fast_clock_delays_nobody() {
    let service = Service::new();
    let enrollment = service.begin_first();
    let now = service.clock.now();
    assert_eq!(
        service.confirm(&enrollment, &shown(&enrollment, now)),
        Ok(())
    );
    let later = now.saturating_add(30);
    service.clock.set(later.saturating_add(2));
    assert_eq!(service.verify("000000"), Some(Rejection::WrongCode));
    service.clock.set(later);
    assert_eq!(service.verify(&shown(&enrollment, later)), None);
}

#[test]
fn unlocking_ends_a_fast_clocks_back_off() {
    let service = Service::new();
    let enrollment = service.begin_first();
    let now = service.clock.now();
    assert_eq!(
        service.confirm(&enrollment, &shown(&enrollment, now)),
        Ok(())
    );
    service.clock.set(now.saturating_add(1800));
    for _ in 0..5 {
        assert_eq!(service.verify("000000"), Some(Rejection::WrongCode));
    }
    let later = now.saturating_add(30);
    service.clock.set(later);
    let passcode = shown(&enrollment, later);
    let retry_after = service.verify(&passcode).and_then(Rejection::retry_after);
    assert_eq!(retry_after.map(|wait| wait.as_secs()), Some(1800));
    let staff = Actor::new("staff", "a test").unwrap();
    block_on(
        service
            .verifier
            .unlock(&service.alice, ServerClock::Unconfirmed, &staff),
    )
    .unwrap();
    assert_eq!(service.verify(&passcode), None);
}
