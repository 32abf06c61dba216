//! A complete second factor for services that already check passwords.
//!
//! A person scans a QR code with an authenticator app (Google Authenticator, Duo, Authy, ...) or types its
//! key, confirms with a passcode, and from then on logs in with one field that takes the app's 6-digit
//! passcode or an 8-digit backup code. The library owns the rules: no code is accepted twice, guesses are
//! limited, and a failure is on record before anybody hears of it, on any database and across any number of
//! machines. The host owns the storage (one trait of two methods), the password and the page.
//!
//! ```
//! use countersign::{AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Verifier};
//! use countersign::store::MemoryStore;
//! # use countersign::testing::{ManualClock, Phone, block_on};
//! # use std::time::Duration;
//! # let clock = ManualClock::at(countersign::Timestamp::from_unix(1_800_000_000));
//! # let now = clock.now();
//! # block_on(async {
//!
//! // Once: a store, the key that records are sealed with, and the name that the app shows.
//! let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
//! let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example");
//! # let verifier = verifier.clock(clock.clone());
//! let verifier = verifier.build()?;
//! let alice = AccountId::new("alice")?;
//!
//! // To enroll, right after a password check: show the QR code, confirm with a passcode.
//! let request = EnrollmentRequest::new("alice@example.com");
//! let enrollment = verifier.begin_enrollment(&alice, request, Proof::Password { checked_at: now }).await?;
//! # #[cfg(feature = "qr")]
//! let svg = enrollment.key_uri().qr()?.svg();
//! # let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
//! # let typed = phone.passcode(now);
//! verifier.confirm_enrollment(&alice, enrollment.id(), &typed).await?;
//!
//! // To log in, after the password: whatever was typed in the one field.
//! # clock.advance(Duration::from_secs(30));
//! # let typed = phone.passcode(clock.now());
//! let receipt = verifier.verify(&alice, &typed).await?; // an error, unless it is accepted
//! # assert_eq!(receipt.account(), &alice);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Layers
//!
//! Each can be used alone, and uses only those above it.
//!
//! | layer | types | needs |
//! |---|---|---|
//! | one-time passwords (RFC 4226, RFC 6238) | [`Totp`], [`Hotp`], [`Code`], `Secret` | no allocator (`Secret`: `alloc`) |
//! | key URIs and QR codes | `KeyUri`, `Qr` | `alloc`; `qr`, `png` |
//! | backup codes | `BackupCodes`, `BackupCodeSet` | `backup` |
//! | the storage contract | `Store`, `MemoryStore` | `std` |
//! | the second factor of an account | `Policy`, `Proof`, `Receipt`, `Status` | `verifier` |
//! | the sealed record | `Keyring` | `verifier` |
//! | everything together | `Verifier`, `blocking::Verifier` | `verifier` |
//! | the suite for a host's own store | `conformance` | `conformance` |
//!
//! How to wire it into a service, and how to write a store for an engine of your own, is in the `guide`.
//!
//! # Features
//!
//! Features add, and never change what is there.
//!
//! | feature | adds |
//! |---|---|
//! | `std` (default) | `SystemTime`, the storage contract |
//! | `getrandom` (default) | secrets, codes and keys from the operating system's random source |
//! | `qr`, `png` (default) | QR codes as SVG and terminal text; as PNG |
//! | `verifier` (default) | `Verifier` and all below it |
//! | `alloc`, `backup` | those layers alone, without `std` |
//! | `tokio` | `TokioPool`: slow digests off the executor's threads |
//! | `tracing` | events: who, what and why, never a code |
//! | `serde` | for what a host keeps: `SealedReceipt`, `Status`, `Policy`, ids; never for secrets |
//! | `conformance` | the suite that a host runs against its own store |
//!
//! # Security
//!
//! - TOTP is not phishing-resistant (NIST SP 800-63B-4, 3.1.4): a false sign-in page can pass a passcode on.
//! - Whoever has the password can hold the owner off for a while by guessing wrong; a service that cannot live
//!   with that needs staff that unlocks.
//! - Whoever may write to the database can put an older record of the same account back, and with it the
//!   codes and guesses that it held unused, unless the revisions are kept apart (see the `guide`). They cannot
//!   make one up, move one or read one: records are sealed.
//! - Keep your own flag `enrolled`. Change it by the verifier's answers or by `WriteKind`, never by the
//!   store's columns. Treat "flag set" with `Absent` or `Disabled` as an error.
//! - Secrets are wiped when they are dropped, and never printed. What a host copies out of `expose()` is its
//!   own to wipe.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(feature = "backup")]
pub mod backup;
#[cfg(feature = "conformance")]
pub mod conformance;
mod constant_time;
#[cfg(feature = "verifier")]
pub mod factor;
#[cfg(all(doc, feature = "conformance", feature = "tokio"))]
pub mod guide;
#[cfg(feature = "std")]
mod ids;
pub mod otp;
#[cfg(feature = "verifier")]
pub mod record;
#[cfg(feature = "verifier")]
pub mod runtime;
mod stack_wipe;
#[cfg(feature = "std")]
pub mod store;
#[cfg(feature = "verifier")]
pub mod testing;
mod time;
#[cfg(feature = "alloc")]
pub mod uri;
#[cfg(feature = "verifier")]
mod verifier;

pub use rand_core;

#[cfg(feature = "verifier")]
pub use factor::authenticator::{AuthenticatorId, AuthenticatorName};
#[cfg(feature = "verifier")]
pub use factor::enrollment::EnrollmentId;
#[cfg(feature = "verifier")]
pub use factor::policy::{Policy, PolicyBuilder};
#[cfg(feature = "verifier")]
pub use factor::proof::{AcceptedBy, Proof, Receipt, SealedReceipt};
#[cfg(feature = "verifier")]
pub use factor::rate_limit::ServerClock;
#[cfg(feature = "verifier")]
pub use factor::rejection::Rejection;
#[cfg(feature = "verifier")]
pub use factor::second_factor::Status;
#[cfg(feature = "std")]
pub use ids::{AccountId, AccountIdError, KeyId};
#[cfg(feature = "verifier")]
pub use record::keyring::{Keyring, SealingKey};
pub use time::{Timestamp, TimestampError};
#[cfg(feature = "verifier")]
pub use verifier::{
    BuildError, Denied, Enrollment, EnrollmentRequest, Removed, Resealed, Verifier,
    VerifierBuilder, VerifierError,
};

/// The same without futures, for hosts and databases that block.
#[cfg(feature = "std")]
pub mod blocking {
    pub use crate::store::blocking::{Adapter, Store};
    #[cfg(feature = "verifier")]
    pub use crate::verifier::BlockingVerifier as Verifier;
}

/// The examples of the README compile.
#[cfg(all(doctest, feature = "verifier"))]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
