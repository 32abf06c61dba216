//! HOTP, TOTP, passcodes and secrets.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

#[cfg(feature = "alloc")]
#[path = "../support/mod.rs"]
mod support;

use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, CodeError, Digits, Hotp, Period, TimeStep, Totp, Window};
use std::time::Duration;

const KEY: &[u8] = b"12345678901234567890";

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];

fn hotp() -> Hotp {
    Hotp::new(KEY, Algorithm::Sha1, Digits::SIX)
}

fn totp() -> Totp {
    Totp::new(KEY, Algorithm::Sha1, Digits::SIX, Period::default())
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn typed(text: &str) -> Code {
    Code::parse(text).unwrap()
}

/// The passcode of a time step, as the user types it.
fn code(step: u64) -> Code {
    typed(hotp().generate(step).expose())
}

/// The time step that `verify` accepts if no step was accepted before.
fn accepted(totp: &Totp, code: &Code, time: u64, window: Window) -> Option<u64> {
    totp.verify(code, at(time), window, None)
        .map(|matched| matched.step().get())
}

mod code_parsing;
mod counters;
mod debug_output;
mod rfc_vectors;
#[cfg(feature = "alloc")]
mod secrets;
mod single_use;
#[cfg(feature = "steam")]
mod steam_guard;
mod totp_rs_oracle;
#[cfg(feature = "alloc")]
mod typed_cases;
mod valid_values;
mod windows;

#[test]
fn all_types_are_send_and_sync() {
    fn send_and_sync<T: Send + Sync + 'static>() {}
    send_and_sync::<Hotp>();
    send_and_sync::<Totp>();
    #[cfg(feature = "steam")]
    send_and_sync::<countersign::otp::SteamGuard>();
    #[cfg(feature = "steam")]
    send_and_sync::<countersign::otp::SteamPasscode>();
    send_and_sync::<countersign::otp::Passcode>();
    send_and_sync::<Code>();
    send_and_sync::<CodeError>();
    #[cfg(feature = "alloc")]
    send_and_sync::<countersign::otp::Secret>();
    #[cfg(feature = "alloc")]
    send_and_sync::<countersign::otp::SecretText>();
}

#[test]
fn error_messages_are_lower_case_without_full_stop() {
    let messages = [
        CodeError::Empty.to_string(),
        CodeError::TooLong.to_string(),
        CodeError::Character.to_string(),
        Digits::new(9).unwrap_err().to_string(),
        Period::from_secs(0).unwrap_err().to_string(),
        "MD5".parse::<Algorithm>().unwrap_err().to_string(),
        countersign::otp::RandomError::new().to_string(),
        #[cfg(feature = "alloc")]
        countersign::otp::Secret::from_typed_base32("0")
            .unwrap_err()
            .to_string(),
    ];
    for message in messages {
        assert!(
            message.starts_with(|c: char| c.is_ascii_lowercase()),
            "{message}"
        );
        assert!(!message.ends_with('.'), "{message}");
    }
}
