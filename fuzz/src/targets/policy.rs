//! Any policy, by builder and by serde. Both accept the same policies, and accepted policies are
//! enforced.

use super::service::Service;
use arbitrary::Arbitrary;
use countersign::backup::{Alphabet, Argon2Params, CodeFormat};
use countersign::factor::{GuessTarget, TrustedDevices};
use countersign::otp::{Algorithm, Digits, Period, Window};
use countersign::testing::Phone;
use countersign::{Denied, FirstFactor, Policy, Proof, Rejection};
use serde_json::{Map, Value, json};
use std::iter::repeat_n;
use std::time::Duration;

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Json(u32, &'a str),
    Fields(u32, Fields),
}

/// A field that is `None` has the default value.
#[derive(Debug, Arbitrary)]
struct Fields {
    window: Option<(u8, u8)>,
    algorithm: Option<u8>,
    digits: Option<u8>,
    period: Option<u64>,
    max_authenticators: Option<u8>,
    enrollment_age: Option<u64>,
    enrollment_tries: Option<u8>,
    proof_age: Option<u64>,
    backoff: Option<(u32, u64, u64)>,
    lock_after: Option<u32>,
    budget: Option<(u32, u64)>,
    /// Letters, length, group, count.
    format: Option<(bool, u8, u8, u8)>,
    /// KiB, passes, lanes.
    hash: Option<(u32, u32, u32)>,
    look_ahead: Option<u8>,
    hotp_enrollment: Option<bool>,
    consecutive_codes: Option<(u8, u8)>,
    consecutive_codes_unlock: Option<bool>,
    /// How many, and for how many days they are trusted.
    devices: Option<(u8, u8)>,
}

pub(super) fn run(input: &[u8]) {
    match super::read(input) {
        None => {}
        Some(Input::Json(failures, text)) => {
            if let Ok(policy) = serde_json::from_str(text) {
                check(&policy, failures);
            }
        }
        Some(Input::Fields(failures, fields)) => {
            let built = build(&fields);
            let read = serde_json::from_value(Value::Object(object(&fields))).ok();
            assert_eq!(built, read, "the builder and the serde form differ");
            if let Some(policy) = built {
                check(&policy, failures);
            }
        }
    }
}

fn algorithm(number: u8) -> Algorithm {
    [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512][usize::from(number % 3)]
}

fn build(fields: &Fields) -> Option<Policy> {
    let mut builder = Policy::builder();
    if let Some((before, after)) = fields.window {
        builder = builder.window(Window { before, after });
    }
    if let Some(number) = fields.algorithm {
        builder = builder.algorithm(algorithm(number));
    }
    if let Some(digits) = fields.digits {
        builder = builder.digits(Digits::new(digits).ok()?);
    }
    if let Some(period) = fields.period {
        builder = builder.period(Period::from_secs(period).ok()?);
    }
    if let Some(maximum) = fields.max_authenticators {
        builder = builder.max_authenticators(maximum);
    }
    if let Some(age) = fields.enrollment_age {
        builder = builder.enrollment_age(Duration::from_secs(age));
    }
    if let Some(tries) = fields.enrollment_tries {
        builder = builder.enrollment_tries(tries);
    }
    if let Some(age) = fields.proof_age {
        builder = builder.proof_age(Duration::from_secs(age));
    }
    if let Some((free, first, longest)) = fields.backoff {
        builder = builder.backoff(
            free,
            Duration::from_secs(first),
            Duration::from_secs(longest),
        );
    }
    if let Some(failures) = fields.lock_after {
        builder = builder.lock_after(failures);
    }
    if let Some((burst, refill)) = fields.budget {
        builder = builder.budget(burst, Duration::from_secs(refill));
    }
    if let Some((letters, length, group, count)) = fields.format {
        let alphabet = if letters {
            Alphabet::Unambiguous
        } else {
            Alphabet::Digits
        };
        builder = builder.code_format(CodeFormat::new(alphabet, length, group, count).ok()?);
    }
    if let Some((memory_kib, passes, lanes)) = fields.hash {
        builder = builder.code_hash(Argon2Params::new(memory_kib, passes, lanes).ok()?);
    }
    if let Some(counters) = fields.look_ahead {
        builder = builder.look_ahead(counters);
    }
    if let Some(allowed) = fields.hotp_enrollment {
        builder = builder.hotp_enrollment(allowed);
    }
    if let Some((count, steps)) = fields.consecutive_codes {
        builder = builder.consecutive_codes(count, steps);
    }
    if let Some(allowed) = fields.consecutive_codes_unlock {
        builder = builder.consecutive_codes_unlock(allowed);
    }
    if let Some((most, days)) = fields.devices {
        let trusted = TrustedDevices::Days(days);
        builder = builder.devices(most).trusted_devices(trusted);
    }
    let checked = builder.clone().build().ok();
    if checked.is_some() {
        let finer = builder.proof_age(Duration::new(1, 1)).build();
        assert_eq!(finer.expect_err("a part of a second").field(), "proof_age");
    }
    checked
}

fn object(fields: &Fields) -> Map<String, Value> {
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    if let Some((before, after)) = fields.window {
        set("window", json!({ "before": before, "after": after }));
    }
    if let Some(number) = fields.algorithm {
        set("algorithm", json!(algorithm(number).name()));
    }
    if let Some(digits) = fields.digits {
        set("digits", json!(digits));
    }
    if let Some(period) = fields.period {
        set("period", json!(period));
    }
    if let Some(maximum) = fields.max_authenticators {
        set("max_authenticators", json!(maximum));
    }
    if let Some(age) = fields.enrollment_age {
        set("enrollment_age", json!(age));
    }
    if let Some(tries) = fields.enrollment_tries {
        set("enrollment_tries", json!(tries));
    }
    if let Some(age) = fields.proof_age {
        set("proof_age", json!(age));
    }
    if let Some((free, first, longest)) = fields.backoff {
        set("free_failures", json!(free));
        set("first_wait", json!(first));
        set("longest_wait", json!(longest));
    }
    if let Some(failures) = fields.lock_after {
        set("lock_after", json!(failures));
    }
    if let Some((burst, refill)) = fields.budget {
        set("budget_burst", json!(burst));
        set("budget_refill", json!(refill));
    }
    if let Some((letters, length, group, count)) = fields.format {
        let alphabet = if letters { "unambiguous" } else { "digits" };
        set("code_alphabet", json!(alphabet));
        set("code_length", json!(length));
        set("code_group", json!(group));
        set("code_count", json!(count));
    }
    if let Some((memory_kib, passes, lanes)) = fields.hash {
        set("hash_memory_kib", json!(memory_kib));
        set("hash_passes", json!(passes));
        set("hash_lanes", json!(lanes));
    }
    if let Some(counters) = fields.look_ahead {
        set("look_ahead", json!(counters));
    }
    if let Some(allowed) = fields.hotp_enrollment {
        set("hotp_enrollment", json!(allowed));
    }
    if let Some((count, steps)) = fields.consecutive_codes {
        set("consecutive_codes", json!(count));
        set("consecutive_steps", json!(steps));
    }
    if let Some(allowed) = fields.consecutive_codes_unlock {
        set("consecutive_codes_unlock", json!(allowed));
    }
    if let Some((most, days)) = fields.devices {
        set("devices", json!(most));
        set("trusted_days", json!(days));
    }
    object
}

fn check(policy: &Policy, failures: u32) {
    let written = serde_json::to_value(policy).expect("a policy has a serde form");
    let read: Policy = serde_json::from_value(written).expect("the written policy");
    assert_eq!(&read, policy);
    check_backoff(policy, failures);
    check_risk(policy);
    check_login(policy);
}

fn check_backoff(policy: &Policy, failures: u32) {
    let backoff = policy.backoff();
    let wait = policy.wait_after(failures);
    assert!(wait <= backoff.longest_wait);
    assert!(wait <= policy.wait_after(failures.saturating_add(1)));
    assert_eq!(policy.wait_after(backoff.free_failures), backoff.first_wait);
    if let Some(fewer) = backoff.free_failures.checked_sub(1) {
        assert!(policy.wait_after(fewer).is_zero());
    }
}

/// The chance that one of 10,000 attempts per second with consecutive passcodes is right, all year.
fn row_risk(policy: &Policy, count: u8, places: u16) -> f64 {
    let passcodes = 10_u32.pow(policy.digits().get().into());
    let likeliest = f64::from((1_u32 << 31).div_ceil(passcodes)) / f64::from(1_u32 << 31);
    1e4 * 365.0 * 86_400.0 * f64::from(places) * likeliest.powi(count.into())
}

/// The risk is at least the risk of equally likely codes, and at most 3 % higher, because the
/// likeliest passcodes are that much likelier. It includes consecutive passcodes.
fn check_risk(policy: &Policy) {
    let refills = 365 * 86_400 / policy.budget_refill().as_secs();
    let of_devices = 10.0 * f64::from(policy.devices());
    let guesses = f64::from(policy.budget_burst()) + refills as f64 + of_devices;
    let Window { before, after } = policy.window();
    let steps = f64::from(before) + f64::from(after) + 1.0;
    let passcode = steps / 10_f64.powi(policy.digits().get().into());
    let format = policy.code_format();
    let symbols: f64 = match format.alphabet() {
        Alphabet::Digits => 10.0,
        _ => 32.0,
    };
    // The current set and a pending one.
    let code = 2.0 * f64::from(format.count()) / symbols.powi(format.length().into());
    let rules = policy.consecutive_codes();
    let places = 2 * u16::from(rules.steps) + 2 - u16::from(rules.count);
    let rows = row_risk(policy, rules.count, places);
    let mut fewer = 0.0;
    let target = GuessTarget::totp(policy.digits());
    for authenticators in 1..=policy.max_authenticators() {
        let risk = policy.annual_risk(repeat_n(target, authenticators.into()));
        let rows = f64::from(authenticators) * rows;
        let equal = guesses * (f64::from(authenticators) * passcode + code);
        assert!(
            risk >= (equal + rows).min(1.0) * (1.0 - 1e-9),
            "{risk} under {equal}"
        );
        let most = (equal * 1.03 + rows * (1.0 + 1e-9)).min(1.0);
        assert!(risk <= most, "{risk} far over {equal}");
        assert!(risk >= fewer);
        fewer = risk;
    }
    // Without consecutive passcodes.
    let token_rows = row_risk(policy, 4, 101);
    let hotp = policy.annual_risk([GuessTarget::hotp(policy.digits())]) + rows - token_rows;
    let totp = policy.annual_risk([target]);
    assert_eq!(
        hotp >= totp * (1.0 - 1e-9),
        u16::from(policy.look_ahead()) + 1 >= policy.window().width() || hotp.min(totp) >= 1.0
    );
}

/// Under the policy, the owner can enroll and log in with a passcode and a backup code.
fn check_login(policy: &Policy) {
    let service = Service::new(policy.clone());
    let (id, uri) = service.begin(None).expect("a first enrollment");
    let phone = Phone::scan(&uri).expect("a key URI");
    let shown = phone.passcode(service.now());
    let receipt = service.confirm(id, &shown).expect("the phone's passcode");
    let replayed = service.verify(&shown).map(|_| ());
    assert!(matches!(
        replayed,
        Err(Denied::Rejected(Rejection::Replayed))
    ));
    let hash = policy.code_hash();
    let work = u64::from(hash.memory_kib()) * u64::from(hash.passes());
    if work * u64::from(policy.code_format().count()) <= 1024 {
        let proof = Proof::Reauthenticated {
            first_factor: FirstFactor::password(service.now()),
            receipt: &service.seal(&receipt),
        };
        let codes = service.issue(proof).expect("a fresh receipt");
        let code = codes.first().expect("a set has codes");
        let _ = service.verify(code).expect("an unused code");
    }
    service.advance(policy.period().as_secs());
    let shown = phone.passcode(service.now());
    let _ = service.verify(&shown).expect("the next passcode");
    let row = [1, 2, 3, 4].map(|_| {
        service.advance(policy.period().as_secs());
        phone.passcode(service.now())
    });
    let _ = service.verify_row(&row).expect("the next four passcodes");
}
