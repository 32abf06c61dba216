//! Counts heap allocations: none for one-time passwords, and few for other operations.
#![cfg(all(feature = "verifier", feature = "getrandom"))]
#![allow(clippy::expect_used, reason = "tests")]

use allocation_counter::measure;
use countersign::blocking::Verifier;
use countersign::otp::{Algorithm, Code, Digits, Hotp, Period, Secret, Totp, Window};
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone};
use countersign::uri::KeyUri;
use countersign::{
    AccountId, EnrollmentRequest, KeyId, Keyring, Proof, Rejection, SealingKey, Timestamp,
};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_unix(1_795_521_600);

/// The number of heap allocations of `work`. Fails if `work` leaves memory allocated.
fn allocations(work: impl FnOnce()) -> u64 {
    let counted = measure(work);
    assert_eq!(counted.count_current, 0, "all allocations are freed");
    counted.count_total
}

#[test]
fn generating_and_verifying_allocate_nothing() {
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        for key in [[7; 20].as_slice(), &[7; 200]] {
            let counted = allocations(|| {
                let totp = Totp::new(key, algorithm, Digits::SIX, Period::default());
                let passcode = totp.generate(NOW);
                let typed = Code::parse(passcode.expose()).expect("six digits");
                let matched = totp.verify(&typed, NOW, Window::around(10), None);
                assert!(matched.is_some());

                let hotp = Hotp::new(key, algorithm, Digits::EIGHT);
                let [first, second] = [7, 8].map(|counter| hotp.generate(counter));
                let [first, second] =
                    [first, second].map(|passcode| Code::parse(passcode.expose()).expect("digits"));
                assert!(hotp.verify(&first, 0, 10).is_some());
                assert!(hotp.resynchronize(&first, &second, 0, 10).is_some());
            });
            assert_eq!(counted, 0, "{algorithm}");
        }
    }
}

#[test]
fn a_key_uri_takes_three_allocations() {
    let secret = Secret::from_bytes(&[7; 20]).expect("160 bits");
    let counted = allocations(|| {
        let builder = KeyUri::totp(&secret, "alice+2fa@example.com");
        let uri = builder.issuer("Example & Söhne").build();
        drop(uri.expect("a key URI").to_secret_text());
    });
    assert!(counted <= 3, "{counted}");
}

#[test]
fn an_attempt_allocates_what_the_guide_says() {
    let account = Account::enrolled();
    let attempt = |typed: &str, outcome: Option<Rejection>| {
        allocations(|| assert_eq!(account.verify(typed).err(), outcome))
    };
    let next = || {
        let typed = account.shown_after(30);
        account.clock.advance(Duration::from_secs(30));
        typed
    };
    // A new record grows until it has the last eight revisions.
    let growing = (0..8).map(|_| attempt(&next(), None)).max();
    assert!(
        growing <= Some(7),
        "accepted, and the record grows: {growing:?}"
    );
    let typed = next();
    let accepted = attempt(&typed, None);
    assert!(accepted <= 5, "accepted: {accepted}");
    let replayed = attempt(&typed, Some(Rejection::Replayed));
    assert!(replayed <= 5, "replayed: {replayed}");
    let wrong = attempt(&account.wrong(), Some(Rejection::WrongCode));
    assert!(wrong <= 7, "wrong, and the record grows: {wrong}");
    let malformed = attempt("●●●●●●", Some(Rejection::Malformed));
    assert!(malformed == 0, "malformed: {malformed}");
}

struct Account {
    id: AccountId,
    clock: ManualClock,
    verifier: Verifier<MemoryStore>,
    phone: Phone,
}

impl Account {
    fn enrolled() -> Self {
        let clock = ManualClock::at(NOW);
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
            .clock(clock.clone())
            .build_blocking()
            .expect("a verifier");
        let id = AccountId::new("alice").expect("an account");
        let request = EnrollmentRequest::new("alice@example.com");
        let proof = Proof::Password { checked_at: NOW };
        let enrollment = verifier
            .begin_enrollment(&id, request, proof)
            .expect("begun");
        let uri = enrollment.key_uri().to_secret_text();
        let phone = Phone::scan(uri.expose()).expect("a key URI");
        let typed = phone.passcode(NOW);
        let confirmed = verifier.confirm_enrollment(&id, enrollment.id(), &typed);
        drop(confirmed.expect("the right passcode"));
        Self {
            id,
            clock,
            verifier,
            phone,
        }
    }

    fn shown_after(&self, seconds: u64) -> String {
        self.phone
            .passcode(self.clock.now().saturating_add(seconds))
    }

    /// A passcode that is wrong now and in the next two time steps.
    fn wrong(&self) -> String {
        let shown: Vec<String> = [0, 30, 60].map(|ahead| self.shown_after(ahead)).into();
        let mut numbers = (0..).map(|number| format!("{number:06}"));
        let wrong = numbers.find(|typed| !shown.contains(typed));
        wrong.expect("not every passcode is right")
    }

    fn verify(&self, typed: &str) -> Result<countersign::Receipt, Rejection> {
        let verified = self.verifier.verify(&self.id, typed);
        verified.map_err(|denied| denied.rejection().expect("a rejection"))
    }
}
