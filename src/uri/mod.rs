//! Key URIs (`otpauth://`): the text that an authenticator app scans.
//!
//! Use this layer to enroll an app without the verifier, or to read URIs of other software.
//!
//! - [`KeyUri::totp`] builds a URI.
//! - [`KeyUri::advice`] lists the apps that would misread it.
//! - [`KeyUri::parse`] parses a URI strictly.
//! - [`KeyUri::parse_lenient`] repairs what real tools write wrongly, and reports each [`Repair`].
//!
//! ```
//! use countersign::otp::Secret;
//! use countersign::uri::KeyUri;
//!
//! let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
//! let uri = KeyUri::totp(&secret, "alice@example.com").issuer("Example").build()?;
//!
//! let text = uri.to_secret_text();
//! assert!(text.expose().starts_with("otpauth://totp/Example:alice%40example.com?secret="));
//!
//! let read = KeyUri::parse(text.expose())?;
//! assert_eq!(read.issuer(), Some("Example"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Needs
//!
//! The feature `alloc`. QR codes ([`qr`]) need the feature `qr`, and PNG images the feature `png`.
//! Key URIs of Steam Guard need the feature `steam`.
//! Exports of Google Authenticator ([`migration`]) need the feature `migration`.

mod advice;
mod apps;
mod builder;
mod error;
mod escape;
mod key_uri;
mod label;
#[cfg(feature = "migration")]
pub mod migration;
mod parameters;
mod parse;
#[cfg(feature = "qr")]
pub mod qr;
mod repair;
mod steam;

pub use advice::{Advice, AppEffect, AppSource};
pub use builder::KeyUriBuilder;
pub use error::{KeyUriError, KeyUriPart};
pub use key_uri::{KeyUri, KeyUriKind};
pub use repair::{LenientKeyUri, Repair};
