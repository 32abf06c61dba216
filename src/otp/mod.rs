//! HOTP (RFC 4226) and TOTP (RFC 6238): no clock, no I/O, no allocator.

mod algorithm;
mod block_hash;
mod ct;
mod decimal;
mod default_ignorable;
mod digits;
mod hmac;
mod hotp;
mod mac;
#[expect(clippy::module_inception, reason = "the type is called Otp")]
mod otp;
mod passcode;
mod period;
mod random;
#[cfg(feature = "alloc")]
mod secret;
#[cfg(feature = "png")]
mod secret_bytes;
#[cfg(feature = "alloc")]
mod secret_text;
mod time;
mod totp;
mod typed;
mod window;

pub use algorithm::{Algorithm, AlgorithmError};
#[cfg(feature = "backup")]
pub(crate) use ct::{picked, verdict};
pub use digits::{Digits, DigitsError};
pub use hotp::{Hotp, HotpMatch};
pub use otp::Otp;
pub use passcode::{Passcode, PasscodeError};
pub use period::{Period, PeriodError};
pub use random::RandomError;
#[cfg(feature = "alloc")]
pub use secret::{Secret, SecretError};
#[cfg(feature = "png")]
pub use secret_bytes::SecretBytes;
#[cfg(feature = "alloc")]
pub use secret_text::SecretText;
pub use time::{TimeStep, Timestamp, TimestampError};
#[cfg(feature = "verifier")]
pub(crate) use totp::Scan;
pub use totp::{Totp, TotpMatch};
#[cfg(feature = "verifier")]
pub(crate) use typed::is_invisible;
pub use window::Window;
