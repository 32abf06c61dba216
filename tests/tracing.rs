//! Each call has a line with account, action and result, and each stored event has a line with the
//! field names of `Event`. No line contains a code.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use countersign::otp::Hotp;
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Actor, EnrollmentRequest, FirstFactor, KeyId, Keyring, Policy, Proof, RequestId,
    Resealed, SealingKey, ServerClock, Timestamp, Verifier,
};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Stores every event as a line of text.
#[derive(Clone, Default)]
struct Lines {
    calls: Arc<Mutex<String>>,
    events: Arc<Mutex<String>>,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("countersign")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = format!("{}", event.metadata().level());
        event.record(&mut Fields(&mut line));
        let is_event = event.metadata().target() == "countersign::event";
        let lines = if is_event { &self.events } else { &self.calls };
        lines.lock().unwrap().push_str(&(line + "\n"));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

/// `tracing` can miss the first event of a source if two threads set subscribers meanwhile.
static ONE_TEST: Mutex<()> = Mutex::new(());

#[test]
fn events_show_reasons_without_codes() {
    let _alone = ONE_TEST.lock();
    let lines = Lines::default();
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
    let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
        .clock(clock.clone())
        .build()
        .unwrap();
    let alice = AccountId::new("alice").unwrap();
    let mut secrets = Vec::new();
    tracing::subscriber::with_default(lines.clone(), || {
        block_on(async {
            let proof = Proof::Password {
                checked_at: clock.now(),
            };
            let request = EnrollmentRequest::new("alice");
            let enrollment = verifier
                .begin_enrollment(&alice, request, proof)
                .await
                .unwrap();
            let uri = enrollment.key_uri().to_secret_text();
            let phone = Phone::scan(uri.expose()).unwrap();
            secrets.push(
                enrollment
                    .key_uri()
                    .secret()
                    .to_base32()
                    .expose()
                    .to_owned(),
            );
            secrets.push(enrollment.id().to_string());
            let passcode = phone.passcode(clock.now());
            let receipt = verifier
                .confirm_enrollment(&alice, enrollment.id(), &passcode)
                .await
                .unwrap();
            let receipt = verifier.seal_receipt(&receipt);
            let proof = Proof::Reauthenticated {
                first_factor: FirstFactor::password(clock.now()),
                receipt: &receipt,
            };
            let codes = verifier.issue_backup_codes(&alice, proof).await.unwrap();
            secrets.extend(codes.iter().map(|code| code.replace(' ', "")));
            clock.advance(Duration::from_secs(30));
            let _replayed = verifier.verify(&alice, &passcode).await;
            let _wrong = verifier.verify(&alice, "00000000").await;
            let _right = verifier
                .verify(&alice, codes.iter().next().unwrap())
                .await
                .unwrap();
            let id = RequestId::generate().unwrap();
            secrets.push(id.to_string());
            for typed in [phone.passcode(clock.now()), "98765432".into()] {
                for _ in 0..2 {
                    let _answer = verifier.verify_request(&alice, &typed, &id).await;
                }
                secrets.push(typed);
            }
            let unconfirmed = ServerClock::Unconfirmed;
            let staff = Actor::new("staff/7", "ticket 12").unwrap();
            verifier.unlock(&alice, unconfirmed, &staff).await.unwrap();
            let resealed = verifier.reseal(&alice).await.unwrap();
            assert_eq!(resealed, Resealed::Unchanged);
            verifier.force_disable(&alice, &staff).await.unwrap();
            verifier.erase(&alice, &staff).await.unwrap();
            secrets.push(passcode);
        });
    });
    let text = lines.calls.lock().unwrap().clone();
    let expected = [
        "INFO message=accepted account=\"alice\" action=\"begin_enrollment\"",
        "INFO message=accepted account=\"alice\" action=\"confirm_enrollment\"",
        "INFO message=accepted account=\"alice\" action=\"issue_backup_codes\"",
        "WARN message=rejected account=\"alice\" action=\"verify\" reason=the passcode has been used; use the next one",
        "WARN message=rejected account=\"alice\" action=\"verify\" reason=the code is wrong; try another one",
        "INFO message=accepted account=\"alice\" action=\"verify\"",
        "INFO message=accepted account=\"alice\" action=\"verify_request\"",
        "INFO message=repeated account=\"alice\" action=\"verify_request\"",
        "WARN message=rejected account=\"alice\" action=\"verify_request\" reason=the code is wrong; try another one",
        "INFO message=repeated account=\"alice\" action=\"verify_request\" reason=the code is wrong; try another one",
        "INFO message=accepted account=\"alice\" action=\"unlock\"",
        "INFO message=accepted account=\"alice\" action=\"reseal\"",
        "INFO message=accepted account=\"alice\" action=\"force_disable\"",
        "INFO message=accepted account=\"alice\" action=\"erase\"",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let events = lines.events.lock().unwrap().clone();
    let types: Vec<&str> = events
        .lines()
        .map(|line| line.split("event_type=\"").nth(1).unwrap())
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let expected = [
        "enrollment_begun",
        "credential_change",
        "issue_granted",
        "credential_change",
        "code_reserved",
        "code_reserved",
        "accepted",
        "accepted",
        "code_reserved",
        "unlocked",
        "credential_change",
        "account_purged",
    ];
    assert_eq!(types, expected);
    let last = events.lines().last().unwrap();
    let fields: Vec<&str> = last
        .split(' ')
        .filter(|field| !field.contains("revision"))
        .collect();
    let expected = "INFO message=stored account=\"alice\" event_timestamp=1800000030 \
        event_type=\"account_purged\" initiating_entity=\"admin\" actor.who=\"staff/7\" \
        actor.why=\"ticket 12\"";
    assert_eq!(fields.join(" "), expected);
    // Random ids can contain the digits of a passcode.
    let is_id = |field: &&str| {
        let names = ["revision=", "authenticator=", "accepted_by="];
        names.iter().any(|name| field.starts_with(name))
    };
    let events: Vec<&str> = events
        .split_whitespace()
        .filter(|field| !is_id(field))
        .collect();
    let events = events.join(" ");
    for secret in secrets {
        assert!(!text.contains(&secret), "{text}");
        assert!(!events.contains(&secret), "{events}");
    }
}

/// A code that is only too old or too early is a wrong code. The event alone says so.
#[test]
fn an_event_shows_the_offset_of_a_code() {
    let _alone = ONE_TEST.lock();
    let lines = Lines::default();
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_015));
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
    let policy = Policy::builder().hotp_enrollment(true).build().unwrap();
    let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
        .clock(clock.clone())
        .policy(policy)
        .build()
        .unwrap();
    let enroll = |name: &str, request: EnrollmentRequest| {
        let account = AccountId::new(name).unwrap();
        let proof = Proof::Password {
            checked_at: clock.now(),
        };
        let enrollment = block_on(verifier.begin_enrollment(&account, request, proof)).unwrap();
        let uri = enrollment.key_uri();
        let key = uri.secret().expose().to_vec();
        let hotp = Hotp::new(&key, uri.algorithm(), uri.digits());
        let passcode = move |counter: u64| hotp.generate(counter).expose().to_owned();
        let first = if name == "token" { 0 } else { 60_000_000 };
        let typed = passcode(first);
        let confirmed = verifier.confirm_enrollment(&account, enrollment.id(), &typed);
        let _receipt = block_on(confirmed).unwrap();
        (account, passcode)
    };
    let (app, app_passcode) = enroll("app", EnrollmentRequest::new("app"));
    let (token, token_passcode) = enroll("token", EnrollmentRequest::new("token").hotp());
    let wrong = |passcode: &dyn Fn(u64) -> String, around: u64| {
        let near: Vec<_> = (around.saturating_sub(40)..around + 140)
            .map(passcode)
            .collect();
        let mut all = (0..).map(|n: u32| format!("{n:06}"));
        all.find(|code| !near.contains(code)).unwrap()
    };
    clock.advance(Duration::from_secs(3600));
    let step = 60_000_120;
    let id = RequestId::generate().unwrap();
    let text = tracing::subscriber::with_default(lines.clone(), || {
        block_on(async {
            let late = app_passcode(step - 5);
            let _wrong = verifier.verify(&app, &late).await;
            let early = app_passcode(step + 20);
            let _wrong = verifier.verify_request(&app, &early, &id).await;
            let _wrong = verifier.disable(&app, Proof::Code(&late)).await;
            let _wrong = verifier.verify(&app, &wrong(&app_passcode, step)).await;
            let _row = verifier
                .verify_consecutive(&app, &[&early, &early, &early])
                .await;
            let _wrong = verifier.verify(&token, &token_passcode(50)).await;
            let _wrong = verifier.verify(&token, &wrong(&token_passcode, 1)).await;
        });
        lines.calls.lock().unwrap().clone()
    });
    let reason = "reason=the code is wrong; try another one";
    let line = |account: &str, action: &str, offset: &str| {
        let start = format!("WARN message=rejected account={account:?} action={action:?}");
        format!("{start} {reason}{offset}")
    };
    let expected = [
        line("app", "verify", " clock_offset=-136"),
        line("app", "verify_request", " clock_offset=585"),
        line("app", "disable", " clock_offset=-136"),
        line("app", "verify", ""),
        line("app", "verify_consecutive", ""),
        line("token", "verify", " counter_offset=49"),
        line("token", "verify", ""),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}
