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

/// The passcode of a step, typed.
fn code(step: u64) -> Code {
    typed(hotp().generate(step).expose())
}

/// The step that `verify` accepts, with no step accepted before.
fn accepted(totp: &Totp, passcode: &Code, time: u64, window: Window) -> Option<u64> {
    totp.verify(passcode, at(time), window, None)
        .map(|matched| matched.step().get())
}

mod counters;
mod invariant_1;
mod invariant_4;
mod invariant_7;
mod invariant_8;
mod oracle;
#[cfg(feature = "alloc")]
mod secrets;
mod standards;
#[cfg(feature = "alloc")]
mod typed;
mod windows;

#[test]
fn everything_can_be_shared_between_threads() {
    fn send_and_sync<T: Send + Sync + 'static>() {}
    send_and_sync::<Hotp>();
    send_and_sync::<Totp>();
    send_and_sync::<countersign::otp::Passcode>();
    send_and_sync::<Code>();
    send_and_sync::<CodeError>();
    #[cfg(feature = "alloc")]
    send_and_sync::<countersign::otp::Secret>();
    #[cfg(feature = "alloc")]
    send_and_sync::<countersign::otp::SecretText>();
}

#[test]
fn error_messages_start_in_lower_case_and_end_without_a_full_stop() {
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
