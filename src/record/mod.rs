//! The encrypted record: everything about one account's second factor, as the store keeps it.
//!
//! Use this module to handle errors of records and keys. The verifier encrypts each record with
//! AES-256-GCM-SIV under the primary key of the [`Keyring`](crate::Keyring), and binds it to the
//! account, the namespace and the revision.
//!
//! ```
//! # use countersign::record::KeyringError;
//! use countersign::{KeyId, Keyring, SealingKey};
//!
//! let old = SealingKey::from_bytes(&[7; 32]);
//! let new = SealingKey::from_bytes(&[8; 32]);
//!
//! // Records are written with key 2. Records of key 1 still open.
//! let keyring = Keyring::new(KeyId::new(2), new).with_retired(KeyId::new(1), old.clone())?;
//!
//! // One id cannot name two keys.
//! let error = keyring.with_retired(KeyId::new(2), old).err();
//! assert_eq!(error.map(|error| error.id), Some(KeyId::new(2)));
//! # Ok::<(), KeyringError>(())
//! ```
//!
//! # Needs
//!
//! The feature `verifier`.

mod encoding;
mod history;
pub(crate) mod keyring;
mod receipt;
mod seal;

pub(crate) use encoding::MAX_TEXT;
pub(crate) use history::{Fate, History};
pub(crate) use receipt::{open_receipt, seal_receipt};
pub(crate) use seal::{Opened, is_of_another, open, seal};

pub use keyring::KeyringError;

use crate::KeyId;

/// A record that cannot be opened. It never lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A version of this crate that is newer than this one wrote it.
    #[error(
        "the record has version {0}, which this version of countersign does not know; upgrade it"
    )]
    UnknownVersion(u8),
    /// A version of this crate that is newer than this one wrote a field of the record.
    #[error(
        "the record has field {0}, which this version of countersign does not know; upgrade it"
    )]
    UnknownField(u32),
    /// The cipher is not known.
    #[error(
        "the record is sealed with algorithm {0}, which this version of countersign does not know; upgrade it"
    )]
    UnknownAlgorithm(u8),
    /// The key was dropped from the keyring, or never was in it.
    #[error(
        "the record is sealed with key {0}, which is not in the keyring; add it as a retired key"
    )]
    UnknownKey(KeyId),
    /// The record is of another account or another namespace.
    #[error("the record belongs to another account or namespace")]
    OtherAccount,
    /// The record was altered or cut short, or the key under this id is another one.
    #[error("the record is damaged, or sealed with another key of the same id")]
    Damaged,
    /// The record opens, but its content is not what this crate writes; or a content was to be written that
    /// could not be read again.
    #[error("the content of the record is malformed")]
    Malformed,
    /// The record is not the one that was written under the store's revision.
    #[error("the record does not belong to the revision in the store")]
    RevisionMismatch,
}
