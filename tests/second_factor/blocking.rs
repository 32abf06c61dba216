//! The blocking verifier: each method has the same effect as its asynchronous counterpart.

use crate::world::{DAY, START, STEP, policy, rejection, scan, staff};
use countersign::blocking::Verifier;
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Enrollment, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, Receipt,
    Rejection, Removed, RequestId, Resealed, SealingKey, ServerClock, Status, Timestamp,
};

struct Service {
    verifier: Verifier<MemoryStore>,
    clock: ManualClock,
    alice: AccountId,
}

impl Service {
    fn new() -> Self {
        let clock = ManualClock::at(START);
        let verifier = with_key(MemoryStore::new(), &clock, keyring());
        Self {
            verifier,
            clock,
            alice: AccountId::from(7_u32),
        }
    }

    fn password(&self) -> Proof<'static> {
        let checked_at = self.clock.now();
        Proof::Password { checked_at }
    }

    fn begin(&self, request: EnrollmentRequest, proof: Proof<'_>) -> Enrollment {
        let begun = self.verifier.begin_enrollment(&self.alice, request, proof);
        begun.unwrap()
    }

    fn confirm(&self, enrollment: &Enrollment) -> (Phone, Receipt) {
        let phone = scan(enrollment);
        let passcode = phone.passcode(self.clock.now());
        let confirmed = self
            .verifier
            .confirm_enrollment(&self.alice, enrollment.id(), &passcode);
        self.clock.advance(STEP);
        (phone, confirmed.unwrap())
    }

    fn enrolled() -> (Self, Phone, Receipt) {
        let service = Self::new();
        let enrollment = service.begin(EnrollmentRequest::new("alice"), service.password());
        let (phone, receipt) = service.confirm(&enrollment);
        (service, phone, receipt)
    }

    fn status(&self) -> Status {
        self.verifier.status(&self.alice).unwrap()
    }

    fn authenticators(&self) -> usize {
        match self.status() {
            Status::Enabled(enabled) => enabled.authenticators.len(),
            other => panic!("{other:?}"),
        }
    }

    fn proof(&self, receipt: &Receipt) -> Proof<'static> {
        Proof::Reauthenticated {
            first_factor: FirstFactor::password(self.clock.now()),
            receipt: Box::leak(Box::new(self.verifier.seal_receipt(receipt))),
        }
    }
}

fn keyring() -> Keyring {
    Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]))
}

fn with_key(store: MemoryStore, clock: &ManualClock, keyring: Keyring) -> Verifier<MemoryStore> {
    let builder = Verifier::builder(store, keyring, "Example");
    let builder = builder.policy(policy().build().unwrap());
    builder.clock(clock.clone()).build_blocking().unwrap()
}

#[test]
fn a_blocking_verifier_enrolls_and_logs_in() {
    let service = Service::new();
    assert_eq!(service.status(), Status::Absent);
    let enrollment = service.begin(EnrollmentRequest::new("alice"), service.password());
    let read = service
        .verifier
        .pending_enrollment(&service.alice, enrollment.id());
    assert_eq!(
        read.unwrap().key_uri().to_secret_text().expose(),
        enrollment.key_uri().to_secret_text().expose()
    );
    assert_eq!(service.status(), Status::Disabled);
    let (phone, _receipt) = service.confirm(&enrollment);
    assert_eq!(service.authenticators(), 1);

    let passcode = phone.passcode(service.clock.now());
    let receipt = service.verifier.verify(&service.alice, &passcode).unwrap();
    assert_eq!(receipt.account(), &service.alice);
    let again = service.verifier.verify(&service.alice, &passcode);
    assert_eq!(rejection(again), Rejection::Replayed);
}

#[test]
fn a_blocking_verifier_checks_consecutive_passcodes() {
    let (service, phone, _) = Service::enrolled();
    let passcodes = [1, 2, 3].map(|_| {
        service.clock.advance(STEP);
        phone.passcode(service.clock.now())
    });
    let row = passcodes.each_ref().map(String::as_str);
    let receipt = service.verifier.verify_consecutive(&service.alice, &row);
    assert_eq!(receipt.unwrap().account(), &service.alice);
}

#[test]
fn a_blocking_verifier_issues_codes_that_log_in() {
    let (service, _, receipt) = Service::enrolled();
    let verifier = &service.verifier;
    let codes = verifier.issue_backup_codes(&service.alice, service.proof(&receipt));
    let codes = codes.unwrap();
    let code = codes.iter().next().unwrap();
    let id = RequestId::generate().unwrap();
    for is_repeat in [false, true] {
        let receipt = verifier.verify_request(&service.alice, code, &id).unwrap();
        assert_eq!(receipt.is_repeat(), is_repeat);
    }
    let again = verifier.verify(&service.alice, code);
    assert_eq!(rejection(again), Rejection::BackupCodeUsed);
}

#[test]
fn a_blocking_verifier_removes_one_authenticator() {
    let (service, first, receipt) = Service::enrolled();
    let Status::Enabled(enabled) = service.status() else {
        panic!("the second factor is not enabled")
    };
    let request = EnrollmentRequest::new("alice");
    let enrollment = service.begin(request, service.proof(&receipt));
    let (second, receipt) = service.confirm(&enrollment);
    assert_eq!(service.authenticators(), 2);

    let id = enabled.authenticators[0].id;
    let proof = service.proof(&receipt);
    let removed = service
        .verifier
        .remove_authenticator(&service.alice, id, proof);
    assert_eq!(
        removed.unwrap(),
        Removed::OthersLeft {
            authenticators: 1,
            backup_codes: 0
        }
    );
    assert_eq!(service.authenticators(), 1);
    let verify = |phone: &Phone| {
        let passcode = phone.passcode(service.clock.now());
        service.verifier.verify(&service.alice, &passcode)
    };
    assert_eq!(rejection(verify(&first)), Rejection::WrongCode);
    let _receipt = verify(&second).unwrap();
}

#[test]
fn a_blocking_verifier_disables_and_erases() {
    let (service, _, receipt) = Service::enrolled();
    let (verifier, alice) = (&service.verifier, &service.alice);
    let stale = service.proof(&receipt);
    service.clock.advance(DAY);
    let outcome = verifier.disable(alice, stale);
    assert_eq!(rejection(outcome), Rejection::ProofExpired);
    assert_eq!(service.authenticators(), 1);

    let (service, _, receipt) = Service::enrolled();
    let (verifier, alice) = (&service.verifier, &service.alice);
    let disabled = verifier.disable(alice, service.proof(&receipt));
    assert_eq!(disabled.unwrap(), Removed::Disabled);
    assert_eq!(service.status(), Status::Disabled);
    verifier.erase(alice, &staff()).unwrap();
    assert_eq!(service.status(), Status::Absent);
    let forced = verifier.force_disable(alice, &staff());
    assert_eq!(rejection(forced), Rejection::Absent);

    let (service, _, _receipt) = Service::enrolled();
    service
        .verifier
        .force_disable(&service.alice, &staff())
        .unwrap();
    assert_eq!(service.status(), Status::Disabled);
}

#[test]
fn a_blocking_verifier_reseals() {
    let (service, _, _receipt) = Service::enrolled();
    let new = Keyring::new(KeyId::new(2), SealingKey::from_bytes(&[8; 32]));
    let both = new.with_retired(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
    let store = service.verifier.store().clone();
    let verifier = with_key(store, &service.clock, both.unwrap());
    let mut seen = Vec::new();
    for account in [&service.alice, &service.alice, &AccountId::from(8_u32)] {
        seen.push(verifier.reseal(account).unwrap());
    }
    assert_eq!(
        seen,
        [Resealed::Changed, Resealed::Unchanged, Resealed::Absent]
    );
    assert!(service.verifier.status(&service.alice).is_err());
    let other_store = verifier.with_store(MemoryStore::new());
    assert_eq!(other_store.status(&service.alice).unwrap(), Status::Absent);
    assert_eq!(other_store.policy(), verifier.policy());
    let status = verifier.clone().status(&service.alice).unwrap();
    assert!(matches!(status, Status::Enabled(_)), "{status:?}");
}

#[test]
fn a_blocking_verifier_unlocks() {
    let (service, phone, _receipt) = Service::enrolled();
    let (verifier, alice) = (&service.verifier, &service.alice);
    let right = || phone.passcode(service.clock.now());
    let now = service.clock.now().as_unix();
    let near = [now - 30, now, now + 30].map(|at| phone.passcode(Timestamp::from_unix(at)));
    let mut codes = (0..).map(|number: u32| format!("{number:06}"));
    let wrong = codes.find(|code| !near.contains(code)).unwrap();
    for _ in 0..5 {
        assert_eq!(
            rejection(verifier.verify(alice, &wrong)),
            Rejection::WrongCode
        );
    }
    let waiting = rejection(verifier.verify(alice, &right()));
    assert!(matches!(waiting, Rejection::Waiting { .. }), "{waiting:?}");
    verifier
        .unlock(alice, ServerClock::Confirmed, &staff())
        .unwrap();
    let _receipt = verifier.verify(alice, &right()).unwrap();
    let missing = verifier.unlock(&AccountId::from(8_u32), ServerClock::Unconfirmed, &staff());
    assert_eq!(rejection(missing), Rejection::Absent);
}
