//! From an encrypted record to the result, and to the record that is written back.
//!
//! AES-CTR handles each byte alone. So a byte that is poisoned in the ciphertext is poisoned in the
//! plaintext. Only the secrets of authenticators, the hashes of backup codes and their keys, the seeds of
//! devices and the ids of requests are poisoned.

use crate::backup_codes::{hashes_of, key_of, wrong};
use crate::memcheck::{declassify, poison};
use crate::random::{Poisoned, Repeatable};
use crate::receipts;
use crate::report::Report;
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use countersign::backup::{Argon2Params, CodeFormat};
use countersign::blocking::{Store, Verifier};
use countersign::otp::Hotp;
use countersign::store::{ConditionalWrite, MemoryStore, StoredRecord, WriteResult};
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Attempt, Denied, DeviceKind, DeviceLabel, DeviceToken, Enrollment,
    EnrollmentRequest, FirstFactor, IssuedBackupCodes, KeyId, Keyring, Policy, PolicyBuilder,
    Proof, Receipt, Rejection, RequestId, SealedReceipt, SealingKey, Timestamp,
};
use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const KEY: [u8; 32] = [7; 32];
const ACCOUNT: &str = "alice";
const STEP: Duration = Duration::from_secs(30);
const LOOK_AHEAD: u8 = 2;

pub(crate) fn run(report: &Report) {
    // With a subscriber, the event of a wrong code needs a search.
    tracing::subscriber::with_default(EveryEvent, || {
        phones(report);
        tokens(report);
        long_codes(report);
    });
}

/// Wants every event, and drops it.
struct EveryEvent;

impl Subscriber for EveryEvent {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn rejected(outcome: Result<Receipt, Denied>) -> Option<Rejection> {
    match outcome {
        Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => Some(rejection),
        _ => None,
    }
}

fn phones(report: &Report) {
    let service = Service::new();
    let enrollment = service.begin(EnrollmentRequest::new(ACCOUNT), None);
    let phone = scan(&enrollment);
    let receipt = service
        .confirm(&enrollment, &service.shown(&phone))
        .expect("confirmed");
    let receipt = service.verifier.seal_receipt(&receipt);
    receipts::run(report, &KEY, &service.alice, &receipt);
    let codes = service.issue(&receipt);
    let wrong = wrong(codes.codes());
    service.verifier.store().watch(&enrollment);

    for (name, drift) in [("first", 0), ("last", 60)] {
        service.clock.advance(STEP * 4);
        let at = service.clock.now().as_unix() - 30 + drift;
        let typed = phone.passcode(Timestamp::from_unix(at));
        report.proof(&format!("verify, passcode of the {name} step"), 2, || {
            assert!(service.verify(&typed).is_ok());
        });
        report.proof(
            &format!("verify, passcode of the {name} step again"),
            3,
            || {
                assert_eq!(rejected(service.verify(&typed)), Some(Rejection::Replayed));
            },
        );
    }
    report.proof("verify, wrong passcode", 3, || {
        assert_eq!(
            rejected(service.verify("000000")),
            Some(Rejection::WrongCode)
        );
    });
    for (name, drift) in [("old", -300), ("early", 600)] {
        let at = service.clock.now().as_unix().saturating_add_signed(drift);
        let typed = phone.passcode(Timestamp::from_unix(at));
        report.proof(&format!("verify, passcode that is too {name}"), 3, || {
            assert_eq!(rejected(service.verify(&typed)), Some(Rejection::WrongCode));
        });
    }
    let code = codes.iter().nth(6).expect("ten codes");
    report.proof("verify, backup code", 3, || {
        assert!(service.verify(code).is_ok())
    });
    report.proof("verify, backup code that was used", 3, || {
        assert_eq!(
            rejected(service.verify(code)),
            Some(Rejection::BackupCodeUsed)
        );
    });
    report.proof("verify, wrong backup code", 2, || {
        assert_eq!(rejected(service.verify(&wrong)), Some(Rejection::WrongCode));
    });
    pending_codes(report, &service, &receipt, &codes);
    service.clock.advance(STEP * 4);
    requests(report, &service, &service.shown(&phone));
    report.proof("reseal", 1, || {
        assert!(service.verifier.reseal(&service.alice).is_ok())
    });

    let second = service.begin(EnrollmentRequest::new(ACCOUNT), Some(&receipt));
    let phone = scan(&second);
    service.verifier.store().watch(&second);
    report.proof("confirm_enrollment, wrong passcode", 2, || {
        assert!(service.confirm(&second, "000000").is_err());
    });
    let typed = service.shown(&phone);
    report.proof("confirm_enrollment", 3, || {
        assert!(service.confirm(&second, &typed).is_ok());
    });
    rows(report, &service, &phone);
    devices(report, &service, &phone);
}

/// Another set of backup codes is pending. The hash is compared with both sets.
fn pending_codes(
    report: &Report,
    service: &Service,
    receipt: &SealedReceipt,
    old: &IssuedBackupCodes,
) {
    let new = report.proof("issue_backup_codes, a pending set", 2, || {
        service.issue(receipt)
    });
    assert!(new.is_pending());
    let [first, last] = [old.codes(), new.codes()].map(wrong);
    let mut both = [first, last].into_iter();
    let is_wrong = |typed: &String| {
        let all = old.iter().chain(new.iter());
        all.map(|code| code.replace(' ', ""))
            .all(|code| code != *typed)
    };
    let typed = both.find(is_wrong).expect("a code of neither set");
    report.proof("verify, wrong code, two sets", 2, || {
        assert_eq!(rejected(service.verify(&typed)), Some(Rejection::WrongCode));
    });
    let code = old.iter().next().expect("ten codes");
    report.proof("verify, code of the current set", 3, || {
        assert!(service.verify(code).is_ok());
    });
    for (name, expected) in [("", None), (" again", Some(Rejection::BackupCodeUsed))] {
        let code = new.iter().nth(9).expect("ten codes");
        report.proof(&format!("verify, code of the pending set{name}"), 3, || {
            assert_eq!(rejected(service.verify(code)), expected);
        });
    }
    assert!(
        service
            .verify(old.iter().nth(1).expect("ten codes"))
            .is_err()
    );
}

/// Backup codes of at least 112 bits, with their own digest, also while a limit holds other codes.
fn long_codes(report: &Report) {
    let long = |builder: PolicyBuilder| builder.code_format(CodeFormat::BITS_112).lock_after(1);
    let service = Service::with(long);
    let enrollment = service.begin(EnrollmentRequest::new(ACCOUNT), None);
    let phone = scan(&enrollment);
    let receipt = service
        .confirm(&enrollment, &service.shown(&phone))
        .expect("confirmed");
    let receipt = service.verifier.seal_receipt(&receipt);
    let codes = service.issue(&receipt);
    let wrong = wrong(codes.codes());
    service.verifier.store().watch(&enrollment);
    let code = |number| codes.iter().nth(number).expect("ten codes");
    report.proof("verify, long backup code", 3, || {
        assert!(service.verify(code(6)).is_ok());
    });
    report.proof("verify, long backup code that was used", 3, || {
        assert_eq!(
            rejected(service.verify(code(6))),
            Some(Rejection::BackupCodeUsed)
        );
    });
    report.proof("verify, wrong long backup code, locked", 2, || {
        assert_eq!(rejected(service.verify(&wrong)), Some(Rejection::Locked));
    });
    report.proof("verify, long backup code, locked", 3, || {
        assert!(service.verify(code(9)).is_ok());
    });
    let new = report.proof("issue_backup_codes, long codes", 2, || {
        service.issue(&receipt)
    });
    report.proof("verify, long code of the pending set", 3, || {
        let code = new.iter().nth(1).expect("ten codes");
        assert!(service.verify(code).is_ok());
    });
}

/// Consecutive passcodes. Whether all of them are right is a result, and nothing else is.
fn rows(report: &Report, service: &Service, phone: &Phone) {
    service.clock.advance(STEP * 40);
    let now = service.clock.now().as_unix();
    let shown = |step: u64| phone.passcode(Timestamp::from_unix(now - 600 + step * 30));
    for (name, first) in [("first", 0), ("last", 38)] {
        let row: Vec<String> = (first..first + 3).map(shown).collect();
        for place in 0..3 {
            let mut wrong = row.clone();
            wrong[place] = "000000".into();
            let name = format!("verify_consecutive, {name} place, {place} wrong");
            report.proof(&name, 2, || {
                assert_eq!(
                    rejected(service.verify_row(&wrong)),
                    Some(Rejection::WrongCode)
                );
            });
        }
        report.proof(&format!("verify_consecutive, {name} place"), 1, || {
            assert!(service.verify_row(&row).is_ok());
        });
        report.proof(
            &format!("verify_consecutive, {name} place again"),
            2,
            || {
                assert!(matches!(
                    rejected(service.verify_row(&row)),
                    Some(Rejection::Replayed | Rejection::ReplayedAhead { .. })
                ));
            },
        );
    }
}

/// Known devices. Whether a token is genuine, and of which device, is a result. The next token is
/// public once it is returned.
fn devices(report: &Report, service: &Service, phone: &Phone) {
    let receipt = service.log_in(phone);
    let receipt = service.verifier.seal_receipt(&receipt);
    let mut tokens = [(); 3].map(|()| {
        let label = DeviceLabel::fit("a browser");
        let (alice, kind) = (&service.alice, DeviceKind::Known);
        let token = service
            .verifier
            .remember_device(alice, &receipt, label, kind);
        token.expect("remembered")
    });
    for token in &tokens {
        service.verifier.store().watch_device(token);
    }
    let attempt = |code: &str, token: &DeviceToken| {
        let attempt = Attempt::new(code).device(Some(token));
        service.verifier.verify_attempt(&service.alice, attempt)
    };
    for (place, token) in tokens.iter_mut().enumerate() {
        service.clock.advance(STEP);
        let typed = service.shown(phone);
        let receipt = report.proof(&format!("device {place}"), 3, || attempt(&typed, token));
        let receipt = receipt.expect("accepted");
        let next = receipt.device_token().expect("known").expose();
        declassify(next.as_bytes());
        *token = DeviceToken::parse(next).expect("a token");
    }
    let [first, ..] = &tokens;
    report.proof("device, wrong passcode", 4, || {
        let outcome = attempt("000000", first);
        assert_eq!(rejected(outcome), Some(Rejection::WrongCode));
    });
    for place in [17, 36] {
        let mut forged = first.expose().to_owned();
        let other = match &forged[place..=place] {
            "A" => "B",
            _ => "A",
        };
        forged.replace_range(place..=place, other);
        let forged = DeviceToken::parse(&forged).expect("a token");
        report.proof(&format!("device, forged symbol {place}"), 4, || {
            let outcome = attempt("000000", &forged);
            assert_eq!(rejected(outcome), Some(Rejection::WrongCode));
        });
    }
}

/// A form that is sent twice.
fn requests(report: &Report, service: &Service, typed: &str) {
    let mut random = Poisoned(Repeatable::new());
    let [first, second] = [(); 2].map(|()| RequestId::generate_with(&mut random));
    let request = |typed, id| service.verifier.verify_request(&service.alice, typed, id);
    report.proof("request, passcode", 2, || {
        assert!(request(typed, &first).is_ok());
    });
    report.proof("request, the same again", 1, || {
        assert!(request(typed, &first).is_ok_and(|receipt| receipt.is_repeat()));
    });
    report.proof("request, another id", 3, || {
        assert_eq!(rejected(request(typed, &second)), Some(Rejection::Replayed));
    });
    report.proof("request, another code", 3, || {
        assert_eq!(
            rejected(request("000000", &first)),
            Some(Rejection::WrongCode)
        );
    });
}

/// The same for counter-based authenticators.
fn tokens(report: &Report) {
    let service = Service::new();
    let request = || EnrollmentRequest::new(ACCOUNT).hotp();
    let enrollment = service.begin(request(), None);
    let receipt = service
        .confirm(&enrollment, &counter(&enrollment, 0))
        .expect("confirmed");
    let receipt = service.verifier.seal_receipt(&receipt);
    let _codes = service.issue(&receipt);
    service.verifier.store().watch(&enrollment);

    for (name, number) in [("next", 1), ("last", 2 + u64::from(LOOK_AHEAD))] {
        let typed = counter(&enrollment, number);
        report.proof(
            &format!("verify, passcode of the {name} counter"),
            2,
            || {
                assert!(service.verify(&typed).is_ok());
            },
        );
        report.proof(
            &format!("verify, passcode of the {name} counter again"),
            3,
            || {
                assert_eq!(rejected(service.verify(&typed)), Some(Rejection::Replayed));
            },
        );
    }
    let row: Vec<String> = (100..104)
        .map(|number| counter(&enrollment, number))
        .collect();
    report.proof("verify_consecutive of a token", 1, || {
        assert!(service.verify_row(&row).is_ok());
    });
    report.proof("verify, wrong passcode of a token", 3, || {
        assert_eq!(
            rejected(service.verify("000000")),
            Some(Rejection::WrongCode)
        );
    });

    let second = service.begin(request(), Some(&receipt));
    service.verifier.store().watch(&second);
    report.proof("confirm_enrollment, wrong passcode of a token", 2, || {
        assert!(service.confirm(&second, "000000").is_err());
    });
    let typed = counter(&second, u64::from(LOOK_AHEAD));
    report.proof("confirm_enrollment of a token", 3, || {
        assert!(service.confirm(&second, &typed).is_ok());
    });
}

fn scan(enrollment: &Enrollment) -> Phone {
    let uri = enrollment.key_uri().to_secret_text();
    Phone::scan(uri.expose()).expect("a key URI")
}

/// The passcode that a token shows at a counter.
fn counter(enrollment: &Enrollment, counter: u64) -> String {
    let uri = enrollment.key_uri();
    let hotp = Hotp::new(uri.secret().expose(), uri.algorithm(), uri.digits());
    hotp.generate(counter).expose().into()
}

struct Service {
    verifier: Verifier<PoisonedStore>,
    clock: ManualClock,
    alice: AccountId,
}

impl Service {
    fn new() -> Self {
        Self::with(|policy| policy)
    }

    fn with(policy: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let params = Argon2Params::new(8, 1, 1).expect("the minimum of Argon2");
        let builder = Policy::builder()
            .code_hash(params)
            .hotp_enrollment(true)
            .look_ahead(LOOK_AHEAD)
            // More wrong codes than an owner types.
            .budget(30, Duration::from_secs(24 * 60 * 60));
        let policy = policy(builder).build().expect("a policy");
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&KEY));
        let store = PoisonedStore::default();
        let verifier = Verifier::builder_with_random(store, keyring, "Example", Repeatable::new())
            .policy(policy)
            .clock(clock.clone())
            .build_blocking()
            .expect("a verifier");
        let alice = AccountId::new(ACCOUNT).expect("an account");
        Self {
            verifier,
            clock,
            alice,
        }
    }

    fn begin(&self, request: EnrollmentRequest, receipt: Option<&SealedReceipt>) -> Enrollment {
        self.verifier
            .begin_enrollment(&self.alice, request, self.proof(receipt))
            .expect("begun")
    }

    fn proof<'a>(&self, receipt: Option<&'a SealedReceipt>) -> Proof<'a> {
        let now = self.clock.now();
        match receipt {
            Some(receipt) => Proof::Reauthenticated {
                first_factor: FirstFactor::password(now),
                receipt,
            },
            None => Proof::Password { checked_at: now },
        }
    }

    fn issue(&self, receipt: &SealedReceipt) -> IssuedBackupCodes {
        self.verifier
            .issue_backup_codes(&self.alice, self.proof(Some(receipt)))
            .expect("issued")
    }

    fn confirm(&self, enrollment: &Enrollment, typed: &str) -> Result<Receipt, Denied> {
        self.verifier
            .confirm_enrollment(&self.alice, enrollment.id(), typed)
    }

    fn log_in(&self, phone: &Phone) -> Receipt {
        // A row before may have used passcodes of the next ten minutes.
        self.clock.advance(STEP * 40);
        self.verify(&self.shown(phone)).expect("accepted")
    }

    fn shown(&self, phone: &Phone) -> String {
        phone.passcode(self.clock.now())
    }

    fn verify_row(&self, typed: &[String]) -> Result<Receipt, Denied> {
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        self.verifier.verify_consecutive(&self.alice, &typed)
    }

    fn verify(&self, typed: &str) -> Result<Receipt, Denied> {
        self.verifier.verify(&self.alice, typed)
    }
}

/// Loads records with poisoned secrets, and marks written records as public.
#[derive(Default)]
struct PoisonedStore {
    memory: MemoryStore,
    /// The secrets to poison. If there are any, the hashes of backup codes are poisoned too.
    watched: Mutex<Vec<Vec<u8>>>,
    /// The ids of the devices whose seeds to poison.
    devices: Mutex<Vec<Vec<u8>>>,
}

impl PoisonedStore {
    fn watch(&self, enrollment: &Enrollment) {
        let secret = enrollment.key_uri().secret().expose().to_vec();
        self.watched.lock().expect("one thread").push(secret);
    }

    fn watch_device(&self, token: &DeviceToken) {
        let id = token.id().to_string();
        let bytes = id.as_bytes().chunks(2);
        let bytes = bytes.map(|two| str::from_utf8(two).expect("digits"));
        let bytes = bytes.map(|two| u8::from_str_radix(two, 16).expect("digits"));
        self.devices
            .lock()
            .expect("one thread")
            .push(bytes.collect());
    }
}

impl Store for PoisonedStore {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let watched = self.watched.lock().expect("one thread");
        let stored = Store::load(&self.memory, account)?;
        Ok(stored.map(|mut stored| {
            if !watched.is_empty() {
                let devices = self.devices.lock().expect("one thread");
                poison_secrets(&mut stored.record, &watched, &devices);
            }
            stored
        }))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        declassify(write.record().unwrap_or_default());
        Store::compare_and_swap(&self.memory, account, write)
    }
}

/// An encrypted record has header, nonce, ciphertext and tag. Its associated data are domain,
/// header, namespace and account (DESIGN.md, "The record").
fn poison_secrets(record: &mut [u8], secrets: &[Vec<u8>], devices: &[Vec<u8>]) {
    const HEADER: usize = 14;
    const START: usize = HEADER + 12;
    let length = |part: &str| (part.len() as u64).to_be_bytes();
    let associated_data = [
        b"countersign record",
        &record[..HEADER],
        &length(""),
        &length(ACCOUNT),
        ACCOUNT.as_bytes(),
    ]
    .concat();
    let nonce = Nonce::try_from(&record[HEADER..START]).expect("12 bytes");
    let ciphertext = Payload {
        msg: &record[START..],
        aad: &associated_data,
    };
    let plain = Aes256GcmSiv::new(&KEY.into())
        .decrypt(&nonce, ciphertext)
        .expect("a record");
    let ciphertext = &mut record[START..];
    for secret in secrets {
        let at = plain
            .windows(secret.len())
            .position(|window| window == secret)
            .expect("the secret is in the record");
        poison(&mut ciphertext[at..at + secret.len()]);
    }
    for id in devices {
        // The seed follows the id, after one byte for its length.
        let at = plain
            .windows(id.len())
            .position(|window| window == id)
            .expect("the device is in the record");
        let seed = at + id.len() + 1;
        poison(&mut ciphertext[seed..seed + 16]);
    }
    // The current set and a pending one.
    for hashes in hashes_of(&plain, 2) {
        poison(&mut ciphertext[hashes]);
    }
    if let Some(key) = key_of(&plain) {
        poison(&mut ciphertext[key]);
    }
}
