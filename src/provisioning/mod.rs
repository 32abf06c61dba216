//! Key URIs (`otpauth://`): building, parsing, and their pictures. No network, no files.

mod advice;
mod apps;
mod bytes;
mod error;
mod escape;
mod key_uri;
mod key_uri_builder;
mod label;
mod name;
mod parameter;
mod parse;
mod part;
mod pieces;
#[cfg(feature = "qr")]
mod qr;
mod repair;
mod values;

pub use advice::{Advice, AppEffect, AppSource};
pub use error::KeyUriError;
pub use key_uri::{KeyUri, KeyUriKind};
pub use key_uri_builder::KeyUriBuilder;
pub use part::KeyUriPart;
#[cfg(feature = "qr")]
pub use qr::{Qr, QrError, QrLevel};
pub use repair::{LenientKeyUri, Repair};
