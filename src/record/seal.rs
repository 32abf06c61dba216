//! Sealing by AES-256-GCM-SIV (RFC 8452) with random nonces: a nonce that comes twice tells no more than
//! whether two records of one account are equal.
//!
//! A sealed record is: version (1 byte), algorithm (1), key id (4, big-endian), account tag (8), nonce (12),
//! ciphertext, tag (16). The version is that of the content: see [`encoding`].

use super::encoding::{self, Form};
use super::{History, RecordError};
use crate::Keyring;
use crate::factor::SecondFactor;
use crate::store::Revision;
use crate::{AccountId, KeyId};
use aes_gcm_siv::Aes256GcmSiv;
use aes_gcm_siv::aead::{AeadInOut, Nonce, Tag};
use alloc::vec::Vec;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const AES_256_GCM_SIV: u8 = 1;
const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;
const ACCOUNT_TAG_LENGTH: usize = 8;
const HEADER_LENGTH: usize = 1 + 1 + 4 + ACCOUNT_TAG_LENGTH;
const DOMAIN: &[u8] = b"countersign record";

/// An opened record.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) factor: SecondFactor,
    pub(crate) history: History,
    /// The key that sealed it.
    pub(crate) key: KeyId,
}

/// Seals a record with the primary key.
pub(crate) fn seal(
    factor: &SecondFactor,
    history: &History,
    account: &AccountId,
    namespace: &str,
    keyring: &Keyring,
    nonce: [u8; NONCE_LENGTH],
) -> Result<Vec<u8>, RecordError> {
    let keys = keyring.primary_keys();
    let header = header(version(Form::of(factor)), keys.id, account, namespace);
    let prefix = [&header[..], &nonce];
    // A plaintext until it is encrypted in its place.
    let mut record = encoding::encode_after(&prefix, factor, history, TAG_LENGTH)?;
    let plain = record
        .get_mut(HEADER_LENGTH.saturating_add(NONCE_LENGTH)..)
        .unwrap_or_default();
    let tag = keys
        .cipher
        .encrypt_inout_detached(
            &Nonce::<Aes256GcmSiv>::from(nonce),
            &associated_data(&header, account, namespace),
            plain.into(),
        )
        .map_err(|_| RecordError::Malformed)?;
    record.extend_from_slice(&tag);
    Ok(core::mem::take(&mut record))
}

/// Opens a record and checks that it is the one written under the store's revision.
pub(crate) fn open(
    sealed: &[u8],
    revision: Revision,
    account: &AccountId,
    namespace: &str,
    keyring: &Keyring,
) -> Result<Opened, RecordError> {
    let (&version, _) = sealed.split_first().ok_or(RecordError::Damaged)?;
    let form = form(version)?;
    let (header_read, rest) = sealed
        .split_first_chunk::<HEADER_LENGTH>()
        .ok_or(RecordError::Damaged)?;
    let [_, algorithm, k0, k1, k2, k3, ..] = *header_read;
    if algorithm != AES_256_GCM_SIV {
        return Err(RecordError::UnknownAlgorithm(algorithm));
    }
    let key = KeyId::new(u32::from_be_bytes([k0, k1, k2, k3]));
    let keys = keyring.keys(key).ok_or(RecordError::UnknownKey(key))?;
    let (nonce, rest) = rest
        .split_first_chunk::<NONCE_LENGTH>()
        .ok_or(RecordError::Damaged)?;
    let (ciphertext, tag) = rest
        .split_last_chunk::<TAG_LENGTH>()
        .ok_or(RecordError::Damaged)?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    keys.cipher
        .decrypt_inout_detached(
            &Nonce::<Aes256GcmSiv>::from(*nonce),
            &associated_data(header_read, account, namespace),
            plain.as_mut_slice().into(),
            &Tag::<Aes256GcmSiv>::from(*tag),
        )
        .map_err(|_| {
            let ours = *header_read == header(version, key, account, namespace);
            if ours {
                RecordError::Damaged
            } else {
                RecordError::OtherAccount
            }
        })?;
    let (factor, history) = encoding::decode(&plain, form)?;
    if history.current() != Some(revision) {
        return Err(RecordError::RevisionMismatch);
    }
    Ok(Opened {
        factor,
        history,
        key,
    })
}

/// Whether the header names another account or namespace. It does so also where no key opens the record.
pub(crate) fn is_of_another(sealed: &[u8], account: &AccountId, namespace: &str) -> bool {
    let Some((header, _)) = sealed.split_first_chunk::<HEADER_LENGTH>() else {
        return false;
    };
    let [version, AES_256_GCM_SIV, _, _, _, _, tag @ ..] = header else {
        return false;
    };
    form(*version).is_ok() && *tag != account_tag(account, namespace)
}

const fn version(form: Form) -> u8 {
    match form {
        Form::First => 1,
        Form::WithFields => 2,
    }
}

const fn form(version: u8) -> Result<Form, RecordError> {
    match version {
        1 => Ok(Form::First),
        2 => Ok(Form::WithFields),
        _ => Err(RecordError::UnknownVersion(version)),
    }
}

fn header(version: u8, key: KeyId, account: &AccountId, namespace: &str) -> [u8; HEADER_LENGTH] {
    let [k0, k1, k2, k3] = key.get().to_be_bytes();
    let [t0, t1, t2, t3, t4, t5, t6, t7] = account_tag(account, namespace);
    [
        version,
        AES_256_GCM_SIV,
        k0,
        k1,
        k2,
        k3,
        t0,
        t1,
        t2,
        t3,
        t4,
        t5,
        t6,
        t7,
    ]
}

/// Distinguishes a record of another account from a damaged one. It protects nothing: the associated data
/// does.
fn account_tag(account: &AccountId, namespace: &str) -> [u8; ACCOUNT_TAG_LENGTH] {
    let mut hash = Sha256::new();
    for part in [DOMAIN, namespace.as_bytes(), account.as_str().as_bytes()] {
        hash.update(length(part));
        hash.update(part);
    }
    let [t0, t1, t2, t3, t4, t5, t6, t7, ..] = <[u8; 32]>::from(hash.finalize());
    [t0, t1, t2, t3, t4, t5, t6, t7]
}

fn associated_data(header: &[u8; HEADER_LENGTH], account: &AccountId, namespace: &str) -> Vec<u8> {
    let (namespace, account) = (namespace.as_bytes(), account.as_str().as_bytes());
    [
        DOMAIN,
        header,
        &length(namespace),
        namespace,
        &length(account),
        account,
    ]
    .concat()
}

fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, SealingKey, Timestamp};

    #[test]
    fn a_record_is_sealed_where_it_was_encoded() {
        let factor = SecondFactor::new(Timestamp::UNIX_EPOCH, &Policy::default());
        let revision = Revision::from_i64(1).unwrap();
        let history = History::new().followed_by(revision);
        let account = AccountId::new("alice").unwrap();
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let sealed = seal(&factor, &history, &account, "", &keyring, [0; 12]).unwrap();
        assert_eq!(
            sealed.capacity(),
            sealed.len(),
            "a buffer that grows leaves a plaintext behind"
        );
        let opened = open(&sealed, revision, &account, "", &keyring).unwrap();
        assert_eq!(opened.history.current(), Some(revision));
    }
}
