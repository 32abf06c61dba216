//! Backup codes: look-up secrets (NIST SP 800-63B-4, 3.1.2) for users without their phone.
//!
//! Use this layer alone to issue and redeem backup codes without the verifier. You show
//! [`BackupCodes`] once. You store the encoded [`BackupCodeSet`], which has a password hash
//! (Argon2id) of each code. Each code works once. The layer reads no clock and does no I/O.
//!
//! ```
//! use countersign::Timestamp;
//! use countersign::backup::{Argon2Params, BackupCodeFile, BackupCodeSet, BackupCodes, CodeFormat};
//! use countersign::otp::Code;
//!
//! # #[cfg(feature = "getrandom")] {
//! let codes = BackupCodes::generate(CodeFormat::default())?;
//! let file = codes.to_text(&BackupCodeFile::english("Example", "24 November 2026"));
//! assert!(file.expose().starts_with("Example backup codes"));
//!
//! // Store the encoded set under the account. `rng` is a cryptographically secure generator.
//! # let mut rng = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
//! let now = Timestamp::from_unix(1_800_000_000);
//! let mut set = BackupCodeSet::issue(&codes, now, Argon2Params::default(), None, &mut rng)?;
//! let stored = set.encode();
//!
//! // The user types a code. Store the changed set before you let the user in.
//! let typed = Code::parse(codes.iter().next().unwrap_or_default())?;
//! let redemption = set.redeem(&typed, now, None)?;
//! assert_eq!(redemption.remaining(), 9);
//! assert!(set.redeem(&typed, now, None).is_err());
//! # assert_ne!(set.encode(), stored);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Needs
//!
//! The feature `backup`. Store the set with a conditional write, and limit the attempts per
//! account: see [`BackupCodeSet`]. `ImportedCodes` needs `verifier`, and `imported-hashes` for
//! hashes of bcrypt and PBKDF2.

mod argon2;
mod backup_codes;
mod code_format;
mod code_set;
mod code_set_encoding;
#[cfg(feature = "verifier")]
mod code_shape;
mod digester;
#[cfg(feature = "verifier")]
mod foreign_hash;
mod hash_job;
#[cfg(feature = "verifier")]
mod hash_string;
#[cfg(feature = "verifier")]
mod imported_codes;
#[cfg(feature = "verifier")]
mod imported_set;
#[cfg(feature = "verifier")]
mod imported_set_encoding;
#[cfg(feature = "verifier")]
mod pending_set;
mod pepper;

#[cfg(feature = "tokio")]
pub(crate) use argon2::HashMemory;
#[cfg(feature = "verifier")]
pub(crate) use code_set::CodeMatch;
#[cfg(feature = "verifier")]
pub(crate) use digester::Digester;
#[cfg(feature = "verifier")]
pub(crate) use imported_set::ImportedCodeSet;
#[cfg(feature = "verifier")]
pub(crate) use pending_set::{FoundIn, PendingCodeSet};

pub use argon2::{Argon2Params, Argon2ParamsError, HashError};
pub use backup_codes::{BackupCodeFile, BackupCodes};
pub use code_format::{Alphabet, CodeFormat, CodeFormatError};
pub use code_set::{BackupCodeSet, BackupCodeSetError, CodeStatus, Redemption};
pub use code_set_encoding::BackupCodeSetDecodeError;
#[cfg(feature = "verifier")]
pub use code_shape::{CodeShape, CodeShapeError};
pub use digester::CodeDigest;
#[cfg(feature = "verifier")]
pub use foreign_hash::HashStringError;
pub use hash_job::{HashJob, Hashes};
#[cfg(feature = "verifier")]
pub use imported_codes::{ImportedCodes, ImportedCodesError};
pub use pepper::{Pepper, PepperError, PepperId};
