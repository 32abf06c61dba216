//! One-time passwords: HOTP (RFC 4226) and TOTP (RFC 6238).
//!
//! Use this layer alone to generate and check passcodes on a device or in a service that stores
//! everything itself. The layer reads no clock, does no I/O and needs no allocator. You store the
//! secret and the last accepted [`TimeStep`] (TOTP) or the next counter (HOTP).
//!
//! ```
//! use countersign::Timestamp;
//! use countersign::otp::{Algorithm, Code, Digits, Period, Totp, Window};
//!
//! let key = b"12345678901234567890";
//! let totp = Totp::new(key, Algorithm::Sha1, Digits::SIX, Period::THIRTY_SECONDS);
//! let now = Timestamp::from_unix(1_800_000_000);
//!
//! // The app shows a passcode. The user types it as a code.
//! let passcode = totp.generate(now);
//! let code = Code::parse(passcode.expose())?;
//!
//! // Store the step of the match. With that step, `verify` refuses the same code.
//! let matched = totp.verify(&code, now, Window::default(), None).expect("the current passcode");
//! assert_eq!(matched.step(), totp.step(now));
//! let last_accepted = Some(matched.step());
//! assert!(totp.verify(&code, now, Window::default(), last_accepted).is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Needs
//!
//! Nothing for HOTP and TOTP. [`Secret`] and [`SecretText`] need the feature `alloc`. `SteamGuard`
//! needs the feature `steam`.

mod code;
mod hmac;
mod hotp;
mod parameters;
#[cfg(feature = "alloc")]
mod secret;
#[cfg(feature = "steam")]
mod steam_guard;
mod totp;
mod typed_characters;

#[cfg(feature = "verifier")]
pub(crate) use hotp::PasscodeMatch;
#[cfg(feature = "alloc")]
pub(crate) use typed_characters::is_invisible;

pub use crate::time::TimeStep;
pub use code::{Code, CodeError, Passcode};
pub use hotp::{Hotp, HotpMatch};
pub use parameters::{Algorithm, AlgorithmError, Digits, DigitsError, Period, PeriodError, Window};
#[cfg(feature = "alloc")]
pub use secret::{RandomError, Secret, SecretError, SecretText};
#[cfg(feature = "steam")]
pub use steam_guard::{SteamGuard, SteamPasscode};
pub use totp::{Totp, TotpMatch};
