//! Key URIs (`otpauth://`): building, parsing, and their pictures. No network, no files.

mod bytes;
mod error;
mod escape;
mod key_uri;
mod key_uri_builder;
mod parse;
mod part;
mod pieces;
#[cfg(feature = "qr")]
mod qr;
mod repair;

pub use error::KeyUriError;
pub use key_uri::{KeyUri, KeyUriKind};
pub use key_uri_builder::KeyUriBuilder;
pub use part::KeyUriPart;
#[cfg(feature = "qr")]
pub use qr::{Qr, QrError, QrLevel};
pub use repair::{LenientKeyUri, Repair};
