//! Generation of one passcode, and the key set-up.

use std::hint::black_box;

use countersign::Timestamp;
use countersign::otp::Passcode;
use countersign_benches::{Candidate, Error, Timer};
use google_authenticator::GoogleAuthenticator;
use totp_lite::{Sha1, totp_custom};

use crate::floor;
use crate::inputs::{NOW, PERIOD, SECRET, SECRET_BASE32, STEP, libreauth, ours, passcode, totp_rs};
use crate::operation::{FLOOR, Operation, agreed, agrees};

pub(crate) fn add(timer: &mut Timer<'_>) -> Result<Vec<Operation>, Error> {
    let shown = passcode(STEP);
    let now = Timestamp::from_unix(NOW);
    let text = |passcode: Passcode| passcode.expose().to_owned();

    let totp = ours();
    let kept = agreed(timer, "ours", &shown, text, move || {
        totp.generate(black_box(now))
    })?;
    let from_secret = agreed(timer, "ours", &shown, text, move || {
        ours().generate(black_box(now))
    })?;
    let others = others(timer, &shown)?;

    Ok(vec![
        Operation {
            name: "generate, key state kept",
            ours: kept,
            others: others.clone(),
            floor: Some(floor::two_chained(timer)),
            targets: vec![("totp-rs", 0.60), (FLOOR, 1.45)],
        },
        Operation {
            name: "generate from the secret",
            ours: from_secret,
            others,
            floor: Some(floor::pads_and_two_chained(timer)),
            targets: vec![("totp-rs", 0.95)],
        },
        Operation {
            name: "key set-up",
            ours: timer.add(ours),
            others: vec![
                ("totp-rs", timer.add(totp_rs)),
                (
                    "otpauth",
                    timer.add(|| otpauth::TOTP::from_bytes(black_box(SECRET))),
                ),
                ("libreauth", timer.add(libreauth)),
            ],
            floor: Some(floor::two(timer)),
            targets: Vec::new(),
        },
    ])
}

fn others(timer: &mut Timer<'_>, shown: &String) -> Result<Vec<(&'static str, Candidate)>, Error> {
    let totp = totp_rs()?;
    let totp_rs = agreed(
        timer,
        "totp-rs",
        shown,
        |token| format!("{token}"),
        move || totp.generate(black_box(NOW)),
    )?;
    let totp_lite = agreed(timer, "totp-lite", shown, String::from, || {
        totp_custom::<Sha1>(PERIOD, 6, black_box(SECRET), black_box(NOW))
    })?;
    let totp = otpauth::TOTP::from_bytes(SECRET);
    let otpauth = agreed(
        timer,
        "otpauth",
        shown,
        |code| format!("{code:06}"),
        move || totp.generate(PERIOD, black_box(NOW)),
    )?;
    agrees("libreauth", shown, &libreauth()?.generate())?;
    let libreauth = timer.add_prepared(
        u32::MAX,
        |times| (0..times).filter_map(|_| libreauth().ok()).collect(),
        |totp| totp.generate(),
    );
    let totp = GoogleAuthenticator::new();
    let google_authenticator = agreed(
        timer,
        "google-authenticator",
        shown,
        |code: Result<String, _>| code.unwrap_or_default(),
        move || totp.get_code(black_box(SECRET_BASE32), black_box(STEP)),
    )?;
    Ok(vec![
        ("totp-rs", totp_rs),
        ("totp-lite", totp_lite),
        ("otpauth", otpauth),
        ("libreauth", libreauth),
        ("google-authenticator", google_authenticator),
    ])
}
