//! One passcode, and the key that it needs.

use std::hint::black_box;

use countersign::Timestamp;
use countersign::otp::Passcode;
use countersign_benches::{Contender, Error, Race};
use google_authenticator::GoogleAuthenticator;
use totp_lite::{Sha1, totp_custom};

use crate::floor;
use crate::operation::{FLOOR, Operation, agreed, agrees};
use crate::sample::{NOW, PERIOD, SECRET, SECRET_BASE32, STEP, libreauth, ours, passcode, totp_rs};

pub(crate) fn enter(race: &mut Race<'_>) -> Result<Vec<Operation>, Error> {
    let shown = passcode(STEP);
    let now = Timestamp::from_unix(NOW);
    let text = |otp: Passcode| otp.expose().to_owned();

    let totp = ours();
    let kept = agreed(race, "ours", &shown, text, move || {
        totp.generate(black_box(now))
    })?;
    let from_secret = agreed(race, "ours", &shown, text, move || {
        ours().generate(black_box(now))
    })?;
    let peers = peers(race, &shown)?;

    Ok(vec![
        Operation {
            name: "generate, key state kept",
            ours: kept,
            peers: peers.clone(),
            floor: Some(floor::two_chained(race)),
            goals: vec![("totp-rs", 0.60), (FLOOR, 1.45)],
        },
        Operation {
            name: "generate from the secret",
            ours: from_secret,
            peers,
            floor: Some(floor::pads_and_two_chained(race)),
            goals: vec![("totp-rs", 0.95)],
        },
        Operation {
            name: "key set-up",
            ours: race.enter(ours),
            peers: vec![
                ("totp-rs", race.enter(totp_rs)),
                (
                    "otpauth",
                    race.enter(|| otpauth::TOTP::from_bytes(black_box(SECRET))),
                ),
                ("libreauth", race.enter(libreauth)),
            ],
            floor: Some(floor::two(race)),
            goals: Vec::new(),
        },
    ])
}

fn peers(race: &mut Race<'_>, shown: &String) -> Result<Vec<(&'static str, Contender)>, Error> {
    let totp = totp_rs()?;
    let totp_rs = agreed(
        race,
        "totp-rs",
        shown,
        |token| format!("{token}"),
        move || totp.generate(black_box(NOW)),
    )?;
    let totp_lite = agreed(race, "totp-lite", shown, String::from, || {
        totp_custom::<Sha1>(PERIOD, 6, black_box(SECRET), black_box(NOW))
    })?;
    let totp = otpauth::TOTP::from_bytes(SECRET);
    let otpauth = agreed(
        race,
        "otpauth",
        shown,
        |code| format!("{code:06}"),
        move || totp.generate(PERIOD, black_box(NOW)),
    )?;
    agrees("libreauth", shown, &libreauth()?.generate())?;
    let libreauth = race.enter_prepared(
        u32::MAX,
        |times| (0..times).filter_map(|_| libreauth().ok()).collect(),
        |totp| totp.generate(),
    );
    let totp = GoogleAuthenticator::new();
    let google_authenticator = agreed(
        race,
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
