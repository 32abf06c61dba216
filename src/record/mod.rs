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
//! // Key 2 encrypts new records. Records under key 1 still decrypt.
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

mod devices;
mod encoding;
mod ended;
mod extensions;
mod fields;
mod history;
pub(crate) mod keyring;
mod last_request;
mod parts;
mod pending_codes;
mod seal;

pub(crate) use history::{History, WriteOutcome};
pub(crate) use parts::MAX_TEXT;
pub(crate) use seal::{
    DecryptedRecord, Previous, names_another_account, open, open_receipt, seal, seal_receipt,
};

pub use keyring::KeyringError;

use crate::KeyId;

/// A record that cannot be decrypted or decoded. The verifier never accepts a code for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A newer version of this crate wrote the record.
    #[error(
        "the record has version {0}, which this version of countersign does not know; upgrade it"
    )]
    UnknownVersion(u8),
    /// A newer version of this crate wrote a field of the record.
    #[error(
        "the record has field {0}, which this version of countersign does not know; upgrade it"
    )]
    UnknownField(u32),
    /// This version of the crate does not know the cipher.
    #[error(
        "the record has cipher {0}, which this version of countersign does not know; upgrade it"
    )]
    UnknownAlgorithm(u8),
    /// The keyring does not have the key of the record.
    #[error(
        "the record is encrypted with key {0}, which is not in the keyring; add it as a retired key"
    )]
    UnknownKey(KeyId),
    /// The record belongs to another account or another namespace.
    #[error("the record belongs to another account or namespace; look for a mix-up or an attack")]
    OtherAccount,
    /// The record was altered or cut, or the keyring has another key with the id of the record's
    /// key.
    #[error(
        "the record is damaged, or encrypted with another key of the same id; look for a mix-up or \
         an attack"
    )]
    Damaged,
    /// The record decrypts, but this crate does not write such content. Or the verifier was about
    /// to write content that it could not read again.
    #[error("the content of the record is malformed; report this error to countersign")]
    Malformed,
    /// The record is not the one that was written under the store's revision.
    #[error(
        "the record does not belong to the revision in the store; look for a mix-up or an attack"
    )]
    RevisionMismatch,
}
