//! Verification of a passcode, in a window of one time step on either side.

use std::hint::black_box;

use countersign::Timestamp;
use countersign::otp::{Code, Totp, TotpMatch, Window};
use countersign_benches::{Candidate, Error, Timer, wrong_code};
use google_authenticator::GoogleAuthenticator;
use totp_lite::{Sha1, totp_custom};

use crate::floor;
use crate::inputs::{NOW, PERIOD, SECRET, SECRET_BASE32, STEP, libreauth, ours, passcode, totp_rs};
use crate::operation::{FLOOR, Operation, agreed, agrees};

/// The name of a case, and the time step of the typed passcode.
const CASES: [(&str, Option<u64>); 4] = [
    ("verify \u{b1}1, wrong code, key state kept", None),
    (
        "verify \u{b1}1, right at -1, key state kept",
        Some(STEP - 1),
    ),
    ("verify \u{b1}1, right at 0, key state kept", Some(STEP)),
    (
        "verify \u{b1}1, right at +1, key state kept",
        Some(STEP + 1),
    ),
];

pub(crate) fn add(timer: &mut Timer<'_>) -> Result<Vec<Operation>, Error> {
    let six = floor::six(timer);
    let matched = |found: Option<TotpMatch>| found.map(|found| found.step().get());
    let mut operations = Vec::new();
    for (name, step) in CASES {
        let code: &'static str = step.map_or_else(wrong, passcode).leak();
        let totp = ours();
        let kept = agreed(timer, "ours", &step, matched, move || verify(&totp, code))?;
        operations.push(Operation {
            name,
            ours: kept,
            others: others(timer, code, step)?,
            floor: Some(six),
            targets: Vec::new(),
        });
    }
    // Our time is the same for all codes. The targets are for a wrong code, because then the other
    // crates also compute every step.
    let code: &'static str = wrong().leak();
    let from_secret = agreed(timer, "ours", &None, matched, move || verify(&ours(), code))?;
    let kept = &mut operations[0];
    kept.targets = vec![("totp-rs", 0.40), (FLOOR, 1.60)];
    let from_secret = Operation {
        name: "verify \u{b1}1, wrong code, from the secret",
        ours: from_secret,
        others: kept.others.clone(),
        floor: Some(floor::eight(timer)),
        targets: vec![("totp-rs", 0.55)],
    };
    operations.insert(1, from_secret);
    Ok(operations)
}

/// From the typed text to the result, in constant time.
fn verify(totp: &Totp, code: &str) -> Option<TotpMatch> {
    let code = Code::parse(black_box(code)).ok()?;
    let now = Timestamp::from_unix(black_box(NOW));
    totp.verify(&code, now, Window::default(), None)
}

/// The other crates start one step before the current step, and stop at the first match.
fn others(
    timer: &mut Timer<'_>,
    code: &'static str,
    step: Option<u64>,
) -> Result<Vec<(&'static str, Candidate)>, Error> {
    let is_right = step.is_some();
    let yes = |accepted: bool| accepted;

    let totp = totp_rs()?;
    let totp_rs = agreed(
        timer,
        "totp-rs",
        &step,
        |found| found,
        move || totp.check(black_box(code), black_box(NOW)),
    )?;
    let totp_lite = agreed(timer, "totp-lite", &is_right, yes, move || {
        times().any(|at| totp_custom::<Sha1>(PERIOD, 6, black_box(SECRET), at) == black_box(code))
    })?;
    let totp = otpauth::TOTP::from_bytes(SECRET);
    let otpauth = agreed(timer, "otpauth", &is_right, yes, move || {
        let Ok(number) = black_box(code).parse() else {
            return false;
        };
        times().any(|at| totp.verify(number, PERIOD, at))
    })?;
    agrees("libreauth", &is_right, &libreauth()?.is_valid(code))?;
    let libreauth = timer.add_prepared(
        u32::MAX,
        |times| (0..times).filter_map(|_| libreauth().ok()).collect(),
        move |totp| totp.is_valid(black_box(code)),
    );
    let totp = GoogleAuthenticator::new();
    let google_authenticator = agreed(timer, "google-authenticator", &is_right, yes, move || {
        totp.verify_code(
            black_box(SECRET_BASE32),
            black_box(code),
            1,
            black_box(STEP),
        )
    })?;
    Ok(vec![
        ("totp-rs", totp_rs),
        ("totp-lite, three calls", totp_lite),
        ("otpauth, three calls", otpauth),
        ("libreauth", libreauth),
        ("google-authenticator", google_authenticator),
    ])
}

/// The times of the steps in the window, for crates without a window.
fn times() -> impl Iterator<Item = u64> {
    let now = black_box(NOW);
    [now - PERIOD, now, now + PERIOD].into_iter()
}

/// A passcode that is wrong at all three steps.
fn wrong() -> String {
    let right: Vec<String> = (STEP - 1..=STEP + 1).map(passcode).collect();
    wrong_code(&right)
}
