//! Values that an application may store have a JSON form, and are validated when they are read.
//! Other values have no serde form.
#![cfg(all(feature = "serde", feature = "verifier"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use countersign::backup::CodeShape;
use countersign::event::Event;
use countersign::factor::EnabledStatus;
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Actor, AuthenticatorName, EnrollmentId, EnrollmentRequest, FirstFactor, KeyId,
    Keyring, Policy, Proof, Rejection, RequestId, SealedReceipt, SealingKey, Status, Timestamp,
    Verifier,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Value {
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(&serde_json::from_value::<T>(json.clone()).unwrap(), value);
    json
}

fn refused<T: DeserializeOwned + Debug>(json: Value) -> String {
    serde_json::from_value::<T>(json).unwrap_err().to_string()
}

#[test]
fn receipts_and_status_round_trip_as_json() {
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
    let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
        .clock(clock.clone())
        .build()
        .unwrap();
    let alice = AccountId::new("alice").unwrap();
    let proof = Proof::Password {
        checked_at: clock.now(),
    };
    let request = EnrollmentRequest::new("alice");
    let enrollment = block_on(verifier.begin_enrollment(&alice, request, proof)).unwrap();
    let id: EnrollmentId = serde_json::from_value(round_trip(&enrollment.id())).unwrap();
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
    let receipt =
        block_on(verifier.confirm_enrollment(&alice, id, &phone.passcode(clock.now()))).unwrap();
    let sealed = verifier.seal_receipt(&receipt);
    assert_eq!(round_trip(&sealed), json!(sealed.as_str()));
    let sealed: SealedReceipt = serde_json::from_value(round_trip(&sealed)).unwrap();
    let proof = Proof::Reauthenticated {
        first_factor: FirstFactor::password(clock.now()),
        receipt: &sealed,
    };
    block_on(verifier.issue_backup_codes(&alice, proof)).unwrap();

    let status: Status = block_on(verifier.status(&alice)).unwrap();
    let json = round_trip(&status);
    assert_eq!(
        json["Enabled"]["authenticators"][0]["name"],
        json!("Authenticator app")
    );
    assert_eq!(
        json["Enabled"]["authenticators"][0]["algorithm"],
        json!("SHA1")
    );
    assert_eq!(
        json["Enabled"]["authenticators"][0]["kind"],
        json!({ "Totp": { "period": 30 } })
    );
    assert_eq!(json["Enabled"]["backup_codes"]["remaining"], json!(10));
    assert_eq!(json["Enabled"]["backup_codes"]["imported"], json!(false));
    let mut older = json;
    let codes = older["Enabled"]["backup_codes"].as_object_mut().unwrap();
    codes.remove("imported");
    assert_eq!(serde_json::from_value::<Status>(older).unwrap(), status);
    round_trip(&Rejection::Waiting {
        retry_after: Duration::from_secs(30),
    });
}

#[test]
fn a_policy_read_from_json_is_validated() {
    round_trip(&Policy::default());
    let policy: Policy =
        serde_json::from_value(json!({ "max_authenticators": 2, "code_count": 12 })).unwrap();
    assert_eq!(policy.max_authenticators(), 2);
    assert_eq!(policy.code_format().count(), 12);
    assert_eq!(policy.proof_age(), Policy::default().proof_age());
    assert_eq!((policy.look_ahead(), policy.hotp_enrollment()), (2, false));
    let policy: Policy =
        serde_json::from_value(json!({ "look_ahead": 5, "hotp_enrollment": true })).unwrap();
    assert_eq!((policy.look_ahead(), policy.hotp_enrollment()), (5, true));
    round_trip(&policy);
    let shape = CodeShape::new("0123456789abcdef", 12).unwrap();
    let policy = Policy::builder()
        .imported_code_shape(shape.with_groups(4, '-').unwrap())
        .imported_code_work(Duration::from_millis(2_500))
        .build()
        .unwrap();
    let json = round_trip(&policy);
    assert_eq!(
        json["imported_code_shape"],
        json!({ "alphabet": "0123456789abcdef", "length": 12 })
    );
    assert_eq!(json["imported_code_work_ms"], json!(2_500));
    for (field, value, named) in [
        ("max_authenticators", json!(0), "max_authenticators"),
        ("digits", json!(5), "digits"),
        ("period", json!(0), "period"),
        ("period", json!(121), "period"),
        ("look_ahead", json!(11), "look_ahead"),
        ("lock_after", json!(1000), "lock_after"),
        ("consecutive_codes", json!(2), "consecutive_codes"),
        ("consecutive_steps", json!(21), "consecutive_codes"),
        ("hash_memory_kib", json!(4), "memory"),
        ("code_length", json!(4), "length"),
        ("imported_code_work_ms", json!(10_001), "imported_code_work"),
        (
            "imported_code_shape",
            json!({ "alphabet": "0123456789", "length": 6 }),
            "six digits",
        ),
        (
            "imported_code_shape",
            json!({ "alphabet": "0123456789" }),
            "length",
        ),
        ("max_authentikators", json!(2), "max_authentikators"),
        (
            "window",
            json!({ "before": 1, "after": 1, "afterr": 0 }),
            "afterr",
        ),
    ] {
        let error = refused::<Policy>(json!({ field: value }));
        assert!(error.contains(named), "{field}: {error}");
    }
}

#[test]
fn deserialized_values_are_validated() {
    refused::<AccountId>(json!(""));
    refused::<AccountId>(json!("a\0b"));
    refused::<AuthenticatorName>(json!("two\nlines"));
    refused::<EnrollmentId>(json!("00"));
    refused::<RequestId>(json!("00"));
    let id = RequestId::generate().unwrap();
    assert_eq!(round_trip(&id), json!(id.to_string()));
}

mod no_serde_form {
    use countersign::backup::{BackupCodeSet, BackupCodes};
    use countersign::otp::{Code, Passcode, Secret, SecretText};
    use countersign::uri::KeyUri;
    use countersign::{AcceptedBy, Enrollment, Keyring, Receipt, SealingKey};
    use serde::{Deserialize, Serialize};
    use static_assertions::assert_not_impl_any;

    // If receipts could be read from JSON, anybody could write one.
    assert_not_impl_any!(Receipt: Serialize, Deserialize<'static>);
    assert_not_impl_any!(AcceptedBy: Serialize, Deserialize<'static>);
    assert_not_impl_any!(Secret: Serialize, Deserialize<'static>);
    assert_not_impl_any!(SecretText: Serialize, Deserialize<'static>);
    assert_not_impl_any!(SealingKey: Serialize, Deserialize<'static>);
    assert_not_impl_any!(Keyring: Serialize, Deserialize<'static>);
    assert_not_impl_any!(BackupCodes: Serialize, Deserialize<'static>);
    assert_not_impl_any!(BackupCodeSet: Serialize, Deserialize<'static>);
    assert_not_impl_any!(Code: Serialize, Deserialize<'static>);
    assert_not_impl_any!(Passcode: Serialize, Deserialize<'static>);
    assert_not_impl_any!(KeyUri: Serialize, Deserialize<'static>);
    assert_not_impl_any!(Enrollment: Serialize, Deserialize<'static>);
}

#[test]
fn events_round_trip_as_json() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
    let listener = Arc::clone(&events);
    let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
        .clock(clock.clone())
        .keep_ended_authenticators()
        .on_event(move |event| listener.lock().unwrap().push(event.clone().into_owned()))
        .build()
        .unwrap();
    let alice = AccountId::new("alice").unwrap();
    let proof = Proof::Password {
        checked_at: clock.now(),
    };
    let request = EnrollmentRequest::new("alice");
    let enrollment = block_on(verifier.begin_enrollment(&alice, request, proof)).unwrap();
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
    let passcode = phone.passcode(clock.now());
    let confirmed = verifier.confirm_enrollment(&alice, enrollment.id(), &passcode);
    let _receipt = block_on(confirmed).unwrap();
    let wrong = block_on(verifier.verify(&alice, "00000000"));
    assert_eq!(wrong.unwrap_err().rejection(), Some(Rejection::WrongCode));
    let actor = Actor::new("staff/7", "ticket 12").unwrap();
    block_on(verifier.force_disable(&alice, &actor)).unwrap();

    let events = events.lock().unwrap();
    let json: Vec<Value> = events.iter().map(round_trip).collect();
    let revision = events[2].revision.as_i64().to_string();
    let expected = json!({
        "account": "alice",
        "revision": revision,
        "event_timestamp": 1_800_000_000,
        "event_type": "rejected",
        "initiating_entity": "user",
        "after_first_factor": true,
        "failures": 1,
        "authenticators_left": 1,
    });
    assert_eq!(json[2], expected, "fields without a value are left out");
    assert_eq!(
        json[1]["accepted_by"]["authenticator"],
        json[1]["authenticator"]
    );
    assert_eq!(
        json[3]["actor"],
        json!({"who": "staff/7", "why": "ticket 12"})
    );
    assert_eq!(json[3]["change_type"], json!("revoke"));

    let ended = block_on(verifier.ended_authenticators(&alice)).unwrap();
    assert_eq!(round_trip(&ended)[0]["reason"], json!("force_disabled"));

    let mut changed = json[3].clone();
    changed["actor"]["why"] = json!("two\nlines");
    assert!(refused::<Event<'static>>(changed).contains("U+000A"));
    let mut changed = json[3].clone();
    changed["revision"] = json!("0");
    assert!(refused::<Event<'static>>(changed).contains("a revision is from 1"));
    let old = json!({"authenticators": [], "backup_codes": null, "rate_limit": "Free"});
    let old: EnabledStatus = serde_json::from_value(old).unwrap();
    assert_eq!(old.ended, [], "a status that an earlier version stored");
}
