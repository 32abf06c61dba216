//! A complete second factor for services that already check passwords.
//!
//! A user scans a QR code with an authenticator app (Google Authenticator, Duo, Authy, ...), or
//! types the key, and confirms with a passcode. From then on, one field takes the app's 6-digit
//! passcode or an 8-digit backup code. On any number of servers, and on any store that passes the
//! conformance tests, the library guarantees:
//!
//! - No code is accepted twice.
//! - Guesses are limited per account, whatever an attacker sends at once.
//! - No secret is logged.
//! - A crash never makes a used code valid again.
//!
//! You keep the password check, the pages and the database.
//!
//! ```
//! use countersign::store::MemoryStore;
//! use countersign::{AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Verifier};
//! # use countersign::testing::{ManualClock, Phone, block_on};
//! # use std::time::Duration;
//! # let clock = ManualClock::at(countersign::Timestamp::from_unix(1_800_000_000));
//! # let now = clock.now();
//! # block_on(async {
//!
//! // Once: a store, the key that encrypts records, and the name that the app shows.
//! let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
//! let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example");
//! # let verifier = verifier.clock(clock.clone());
//! let verifier = verifier.build()?;
//! let alice = AccountId::new("alice")?;
//!
//! // Enroll, right after a password check: show the QR code, and confirm with a passcode.
//! let request = EnrollmentRequest::new("alice@example.com");
//! let password = Proof::Password { checked_at: now };
//! let enrollment = verifier.begin_enrollment(&alice, request, password).await?;
//! # #[cfg(feature = "qr")]
//! let svg = enrollment.key_uri().qr()?.svg();
//! # let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
//! # let typed = phone.passcode(now);
//! verifier.confirm_enrollment(&alice, enrollment.id(), &typed).await?;
//!
//! // Log in, after the password: pass on what the user typed.
//! # clock.advance(Duration::from_secs(30));
//! # let typed = phone.passcode(clock.now());
//! let receipt = verifier.verify(&alice, &typed).await?; // an error, unless the code is accepted
//! # assert_eq!(receipt.account(), &alice);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Layers
//!
//! You can use each layer alone. Each layer uses only the layers above it in this table.
//!
//! | module | content | needs |
//! |---|---|---|
//! | [`otp`] | passcodes: HOTP (RFC 4226) and TOTP (RFC 6238) | nothing; `Secret` needs `alloc` |
//! | `uri` | key URIs, QR codes, exports of apps | `alloc`; also `qr`, `png`, `migration` |
//! | `backup` | backup codes and backup-code sets | `backup` |
//! | `store` | the storage contract, and a store in memory | `std` |
//! | `factor` | the rules of one account: status and policy | `verifier` |
//! | `record` | the encrypted record, and the errors of keys | `verifier` |
//! | `runtime` | the clock, the random source, and threads for password hashes | `verifier` |
//! | `vigilance` | an alarm for guesses on many accounts | `verifier` |
//! | this page, `import`, `blocking` | `Verifier`: everything together | `verifier` |
//! | `testing` | a clock and a phone for your own tests | `verifier` |
//! | `conformance` | tests for your own store | `conformance` |
//!
//! The `guide` shows how to add the verifier to a service, choose a policy, and write a store for
//! another database. The guide also says what to do in operation.
//!
//! # Features
//!
//! All features are additive.
//!
//! | feature | adds |
//! |---|---|
//! | `std` (default) | `SystemTime`, the storage contract |
//! | `getrandom` (default) | secrets, codes and keys from the operating system's random source |
//! | `qr`, `png` (default) | QR codes as SVG and terminal text; as PNG |
//! | `verifier` (default) | `Verifier` and all layers that it needs |
//! | `alloc` | `uri` and `otp::Secret`, without `std` |
//! | `migration` | `uri::migration`: exports of Google Authenticator, without `std` |
//! | `backup` | the layer `backup`, without `std` |
//! | `imported-hashes` | imported backup codes whose hashes are bcrypt or PBKDF2 |
//! | `steam` | `otp::SteamGuard`, and key URIs of Steam Guard; never in `Verifier` |
//! | `tokio` | `TokioPool`: password hashes off the executor's threads |
//! | `tracing` | events with account, action and result; never a code |
//! | `serde` | serialization of `SealedReceipt`, `Status`, `Policy`, times and ids; no secrets |
//! | `uuid` | `AccountId` from a `uuid::Uuid` |
//! | `conformance` | tests for your own store |
//!
//! # Security
//!
//! - TOTP does not resist phishing (NIST SP 800-63B-4, 3.1.4): a phishing page can relay a
//!   passcode.
//! - An attacker who knows the password can use up every limit by typing wrong codes. While a limit
//!   applies, offer [`Verifier::verify_consecutive`]: three or four consecutive passcodes let the
//!   owner in. An owner who has only backup codes left needs your staff, who must be able to unlock
//!   accounts.
//! - Without the keys, an attacker who can write to the database cannot forge, move or read a
//!   record. The attacker can restore an older record of the same account, which makes used codes
//!   and spent guesses available again. To prevent such a restore, keep the revisions in a second
//!   database (guide, chapter Deploying).
//! - Keep your own flag `enrolled`. Change this flag by the verifier's answers or by `WriteKind`,
//!   never by the store's columns. If the flag is set and the status is `Absent` or `Disabled`,
//!   refuse the login and report an error.
//! - The library wipes secrets on drop and never prints them. If you copy a secret out of
//!   `expose()`, you must wipe the copy.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(feature = "backup")]
pub mod backup;
mod block_hash;
#[cfg(feature = "conformance")]
pub mod conformance;
mod constant_time;
#[cfg(feature = "verifier")]
pub mod event;
#[cfg(feature = "verifier")]
pub mod factor;
#[cfg(all(doc, feature = "conformance", feature = "tokio"))]
pub mod guide;
#[cfg(feature = "std")]
mod ids;
#[cfg(feature = "backup")]
mod mac;
#[cfg(feature = "verifier")]
mod names;
pub mod otp;
#[cfg(feature = "verifier")]
pub mod record;
#[cfg(feature = "verifier")]
pub mod runtime;
#[cfg(feature = "verifier")]
pub mod session;
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
#[cfg(feature = "verifier")]
pub mod vigilance;

/// The random generator traits, which every `generate_with` uses.
pub use rand_core;

#[cfg(feature = "verifier")]
pub use event::actor::Actor;
#[cfg(feature = "verifier")]
pub use factor::authenticator::EnrollmentId;
#[cfg(feature = "verifier")]
pub use factor::device_token::DeviceToken;
#[cfg(feature = "verifier")]
pub use factor::known_devices::Trusted;
#[cfg(feature = "verifier")]
pub use factor::policy::{DeviceKind, Policy, PolicyBuilder};
#[cfg(feature = "verifier")]
pub use factor::proof::{AcceptedBy, FirstFactor, FirstFactorKind, Proof, Receipt, SealedReceipt};
#[cfg(feature = "verifier")]
pub use factor::rate_limit::ServerClock;
#[cfg(feature = "verifier")]
pub use factor::rejection::Rejection;
#[cfg(feature = "verifier")]
pub use factor::request::RequestId;
#[cfg(feature = "verifier")]
pub use factor::second_factor::Status;
#[cfg(feature = "std")]
pub use ids::{AccountId, AccountIdError, KeyId};
#[cfg(feature = "verifier")]
pub use names::devices::{DeviceId, DeviceLabel};
#[cfg(feature = "verifier")]
pub use names::{AuthenticatorId, AuthenticatorName};
#[cfg(feature = "verifier")]
pub use record::keyring::{Keyring, SealingKey};
pub use time::{Timestamp, TimestampError};
#[cfg(feature = "verifier")]
pub use verifier::{
    Attempt, BuildError, Denied, Enrollment, EnrollmentRequest, IssuedBackupCodes, Removed,
    Resealed, Verifier, VerifierBuilder, VerifierError,
};

/// Imports the second factors of another system: users keep their phones and backup codes.
///
/// Pass an [`Import`](import::Import) of each account to [`Verifier::import`]. In the repository,
/// `docs/migrating.md` shows how to switch, and how to export from other systems.
///
/// ```
/// use countersign::import::{Import, Imported, ImportedAuthenticator};
/// use countersign::store::MemoryStore;
/// use countersign::testing::{ManualClock, Phone};
/// use countersign::uri::KeyUri;
/// use countersign::{AccountId, KeyId, Keyring, SealingKey, Timestamp, Verifier};
/// # use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # countersign::testing::block_on(async {
/// # let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
/// let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
/// let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example");
/// # let verifier = verifier.clock(clock.clone());
/// let verifier = verifier.build()?;
///
/// // What the other system stored for this account.
/// let uri = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
/// let alice = AccountId::new("alice")?;
/// let import = Import::new([ImportedAuthenticator::try_from(&KeyUri::parse(uri)?)?]);
/// assert_eq!(verifier.import(&alice, &import).await?, Imported::Now);
///
/// // Alice logs in with the phone that she has.
/// let phone = Phone::scan(uri)?;
/// # clock.advance(Duration::from_secs(90));
/// verifier.verify(&alice, &phone.passcode(clock.now())).await?;
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Needs
///
/// The feature `verifier`.
#[cfg(feature = "verifier")]
pub mod import {
    pub use crate::factor::import::{Import, ImportedAuthenticator};
    pub use crate::factor::import_error::{ExistingFactor, ImportFault};
    pub use crate::verifier::{ImportError, Imported};
}

/// The verifier and the storage contract without futures, for services and databases that block.
#[cfg(feature = "std")]
pub mod blocking {
    pub use crate::store::blocking::{Adapter, Store};
    #[cfg(feature = "verifier")]
    pub use crate::verifier::BlockingVerifier as Verifier;
}
