//! Key URIs (`otpauth://`): building, parsing, and their pictures. No network, no files.

mod error;
mod escape;
mod key_uri;
mod key_uri_builder;
mod parse;
mod part;
mod repair;

pub use error::KeyUriError;
pub use key_uri::{KeyUri, KeyUriKind};
pub use key_uri_builder::KeyUriBuilder;
pub use part::KeyUriPart;
pub use repair::{LenientKeyUri, Repair};
