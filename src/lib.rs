//! A complete second factor for services that already check passwords.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod otp;
#[cfg(feature = "alloc")]
mod provisioning;

#[cfg(feature = "png")]
pub use otp::SecretBytes;
pub use otp::{
    Algorithm, AlgorithmError, Digits, DigitsError, Hotp, HotpMatch, Otp, Passcode, PasscodeError,
    Period, PeriodError, RandomError, TimeStep, Timestamp, TimestampError, Totp, TotpMatch, Window,
};
#[cfg(feature = "alloc")]
pub use otp::{Secret, SecretError, SecretText};
#[cfg(feature = "alloc")]
pub use provisioning::{
    KeyUri, KeyUriBuilder, KeyUriError, KeyUriKind, KeyUriPart, LenientKeyUri, Repair,
};
