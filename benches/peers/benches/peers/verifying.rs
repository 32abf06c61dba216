//! A passcode in a window of one step on either side.

use std::hint::black_box;

use countersign::Timestamp;
use countersign::otp::{Code, Totp, TotpMatch, Window};
use countersign_benches::{Contender, Error, Race};
use google_authenticator::GoogleAuthenticator;
use totp_lite::{Sha1, totp_custom};

use crate::floor;
use crate::operation::{FLOOR, Operation, agreed, agrees};
use crate::sample::{NOW, PERIOD, SECRET, SECRET_BASE32, STEP, libreauth, ours, passcode, totp_rs};

/// What is typed, and the step that it belongs to.
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

pub(crate) fn enter(race: &mut Race<'_>) -> Result<Vec<Operation>, Error> {
    let six = floor::six(race);
    let matched = |found: Option<TotpMatch>| found.map(|found| found.step().get());
    let mut operations = Vec::new();
    for (name, step) in CASES {
        let code: &'static str = step.map_or_else(wrong, passcode).leak();
        let totp = ours();
        let kept = agreed(race, "ours", &step, matched, move || verify(&totp, code))?;
        operations.push(Operation {
            name,
            ours: kept,
            peers: peers(race, code, step)?,
            floor: Some(six),
            goals: Vec::new(),
        });
    }
    // Ours takes the same for all codes; the goals are for a wrong one, for which others compute every step, too.
    let code: &'static str = wrong().leak();
    let from_secret = agreed(race, "ours", &None, matched, move || verify(&ours(), code))?;
    let wrong = &mut operations[0];
    wrong.goals = vec![("totp-rs", 0.40), (FLOOR, 1.60)];
    let from_secret = Operation {
        name: "verify \u{b1}1, wrong code, from the secret",
        ours: from_secret,
        peers: wrong.peers.clone(),
        floor: Some(floor::eight(race)),
        goals: vec![("totp-rs", 0.55)],
    };
    operations.insert(1, from_secret);
    Ok(operations)
}

/// From what was typed to the verdict, in constant time.
fn verify(totp: &Totp, code: &str) -> Option<TotpMatch> {
    let passcode = Code::parse(black_box(code)).ok()?;
    let now = Timestamp::from_unix(black_box(NOW));
    totp.verify(&passcode, now, Window::default(), None)
}

/// All of them stop at the first match, and begin one step before.
fn peers(
    race: &mut Race<'_>,
    code: &'static str,
    step: Option<u64>,
) -> Result<Vec<(&'static str, Contender)>, Error> {
    let is_right = step.is_some();
    let yes = |verdict: bool| verdict;

    let totp = totp_rs()?;
    let totp_rs = agreed(
        race,
        "totp-rs",
        &step,
        |found| found,
        move || totp.check(black_box(code), black_box(NOW)),
    )?;
    let totp_lite = agreed(race, "totp-lite", &is_right, yes, move || {
        times().any(|at| totp_custom::<Sha1>(PERIOD, 6, black_box(SECRET), at) == black_box(code))
    })?;
    let totp = otpauth::TOTP::from_bytes(SECRET);
    let otpauth = agreed(race, "otpauth", &is_right, yes, move || {
        let Ok(number) = black_box(code).parse() else {
            return false;
        };
        times().any(|at| totp.verify(number, PERIOD, at))
    })?;
    agrees("libreauth", &is_right, &libreauth()?.is_valid(code))?;
    let libreauth = race.enter_prepared(
        u32::MAX,
        |times| (0..times).filter_map(|_| libreauth().ok()).collect(),
        move |totp| totp.is_valid(black_box(code)),
    );
    let totp = GoogleAuthenticator::new();
    let google_authenticator = agreed(race, "google-authenticator", &is_right, yes, move || {
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

/// The times of the steps of the window, for those that know no window.
fn times() -> impl Iterator<Item = u64> {
    let now = black_box(NOW);
    [now - PERIOD, now, now + PERIOD].into_iter()
}

/// A code of none of the three steps.
fn wrong() -> String {
    let right: Vec<String> = (STEP - 1..=STEP + 1).map(passcode).collect();
    let mut codes = (0..1_000_000).map(|code| format!("{code:06}"));
    codes.find(|code| !right.contains(code)).unwrap_or_default()
}
