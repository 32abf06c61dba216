//! Exports of Google Authenticator (`otpauth-migration://`), from and to key URIs.
//!
//! Use this layer to import what a user exported from an app, or to move users to an app in bulk.
//! An export is a message with up to ten entries for each QR code.
//!
//! - [`MigrationUri::parse_lenient`] reads one part, as scanned from one QR code, for imports.
//! - [`MigrationUri::parse`] reads one part strictly.
//! - [`MigrationBatch`] collects the parts of an export, and names those that are missing.
//! - [`MigrationBatch::split`] writes key URIs as an export.
//!
//! ```
//! use countersign::otp::Secret;
//! use countersign::uri::KeyUri;
//! use countersign::uri::migration::{MigrationBatch, MigrationUri};
//!
//! // Export: each part is the text of one QR code.
//! let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
//! let alice = KeyUri::totp(&secret, "alice@example.com").issuer("Example").build()?;
//! let token = KeyUri::hotp(&secret, "token", 12).issuer("Example").build()?;
//! let parts = MigrationBatch::split(&[alice, token], 42)?;
//! let scanned = parts[0].to_secret_text();
//! assert!(scanned.expose().starts_with("otpauth-migration://offline?data="));
//!
//! // Import: read every part, in any order.
//! let batch = MigrationBatch::new(MigrationUri::parse_lenient(scanned.expose())?)?;
//! for number in batch.missing() {
//!     println!("scan QR code {number} of {}", batch.size());
//! }
//! let mut accounts = Vec::new();
//! for entry in batch.entries() {
//!     match entry {
//!         Ok(read) => accounts.push(read.uri.account()),
//!         // The other entries are still usable.
//!         Err(error) => println!("{error}"),
//!     }
//! }
//! assert_eq!(accounts, ["alice@example.com", "token"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! Google has not published the format. This module follows the message that many programs use
//! (`docs/apps.md`). The message has no period, so every totp entry has 30 seconds. It cannot
//! express seven digits or an image. Its algorithm can be MD5, which key URIs do not have.
//!
//! Most readers ignore what they do not know. This module does not. If a field, version or
//! parameter is unknown, [`MigrationUri::parse`] returns an error.
//! [`MigrationUri::parse_lenient`] reads on and reports it.
//!
//! # Needs
//!
//! The feature `migration`. [`MigrationUri`] makes QR codes with the feature `qr`.

mod batch;
mod entry;
mod error;
mod message;
mod part;

pub use batch::MigrationBatch;
pub use error::{
    MigrationBatchError, MigrationEncodeError, MigrationEntryError, MigrationEntryFault,
    MigrationError,
};
pub use part::{MigrationEntry, MigrationNote, MigrationUri};
