//! Encrypts records, and authenticates receipts, with the keys of a [`Keyring`].
//!
//! An encrypted record is: version (1 byte), cipher (1), key id (4, big-endian), account tag (8),
//! nonce (12), ciphertext, tag (16). The version says which [`Form`] the content has. The cipher is
//! AES-256-GCM-SIV (RFC 8452) with random nonces. If a nonce repeats, the ciphertexts show only
//! whether two records of one account are equal.
//!
//! A sealed receipt is base64 text (RFC 4648, section 5, without padding). Its bytes are: version
//! (1 byte), key id (4, big-endian), time (8), what was accepted (1 byte and its fields), account,
//! tag (16). The tag is HMAC-SHA-256 (RFC 2104), cut to 16 bytes. The tag also covers a domain and
//! the namespace.

use super::encoding::{self, Form};
use super::keyring::RecordCipher;
use super::{History, RecordError};
use crate::block_hash::Sha256;
use crate::constant_time::reveal;
use crate::factor::{BackupCodeSetId, SecondFactor};
use crate::mac::{first_16, hmac_sha256};
use crate::stack_wipe::with_wiped_stack;
use crate::store::{Revision, StoredRecord};
use crate::{
    AcceptedBy, AccountId, AuthenticatorId, KeyId, Keyring, Receipt, Rejection, SealedReceipt,
    Timestamp,
};
use aes_gcm_siv::aead::{AeadInOut, Nonce, Tag};
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use data_encoding::BASE64URL_NOPAD;
use hmac::Mac;
use sha2::Digest;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A decrypted and decoded record.
#[derive(Debug)]
pub(crate) struct DecryptedRecord {
    pub(crate) factor: SecondFactor,
    /// The key that encrypted it.
    pub(crate) key: KeyId,
}

/// What the next record of an account takes from a decrypted one: the history, and what need not be
/// computed or allocated again.
pub(crate) struct Previous {
    history: History,
    /// The tag of the account, which was authenticated. `None` without a record.
    account_tag: Option<[u8; ACCOUNT_TAG_LENGTH]>,
    /// The memory of the associated data.
    associated_data: Vec<u8>,
    /// The memory of the record. It still has the plaintext.
    record: Zeroizing<Vec<u8>>,
}

impl Previous {
    /// For an account without a record.
    pub(crate) fn none() -> Self {
        Self {
            history: History::new(),
            account_tag: None,
            associated_data: Vec::new(),
            record: Zeroizing::default(),
        }
    }

    pub(crate) const fn history(&self) -> &History {
        &self.history
    }

    /// The revision of the record.
    pub(crate) fn revision(&self) -> Option<Revision> {
        self.history.current()
    }

    /// The memory for the next record. It is new if the next record is probably longer.
    fn into_buffer(self) -> Zeroizing<Vec<u8>> {
        /// More than a revision and two times take.
        const GROWTH: usize = 32;
        match self.history.is_full() {
            true => self.record,
            false => Zeroizing::new(Vec::with_capacity(self.record.len().saturating_add(GROWTH))),
        }
    }
}

/// Encodes a record, and encrypts it with the primary key.
pub(crate) fn seal(
    factor: &SecondFactor,
    mut previous: Previous,
    revision: Revision,
    nonce: [u8; NONCE_LENGTH],
    account: &AccountId,
    namespace: &str,
    keyring: &Keyring,
) -> Result<Zeroizing<Vec<u8>>, RecordError> {
    let keys = keyring.primary_keys();
    let account_tag = previous.account_tag;
    let account_tag = account_tag.unwrap_or_else(|| self::account_tag(account, namespace));
    let header = header(version(Form::of(factor)), keys.id, account_tag);
    let mut associated_data = mem::take(&mut previous.associated_data);
    write_associated_data(&header, account, namespace, &mut associated_data);
    let history = previous.history.followed_by(revision);
    // The encoding is a plaintext until it is encrypted in place. If it is shorter than the last
    // one, a part of the last one stays behind it until the memory is wiped.
    let mut record = previous.into_buffer();
    let prefix = [&header[..], &nonce];
    encoding::encode_after(&prefix, factor, &history, TAG_LENGTH, &mut record)?;
    let plain = record
        .get_mut(HEADER_LENGTH.saturating_add(NONCE_LENGTH)..)
        .unwrap_or_default();
    let tag = keys
        .cipher
        .encrypt_inout_detached(
            &Nonce::<RecordCipher>::from(nonce),
            &associated_data,
            plain.into(),
        )
        .map_err(|_| RecordError::Malformed)?;
    record.extend_from_slice(&tag);
    Ok(record)
}

/// Decrypts and decodes a record, and checks that it was written under the store's revision.
pub(crate) fn open(
    stored: StoredRecord,
    account: &AccountId,
    namespace: &str,
    keyring: &Keyring,
) -> Result<(Previous, DecryptedRecord), RecordError> {
    let mut record = Zeroizing::new(stored.record);
    let (&version, _) = record.split_first().ok_or(RecordError::Damaged)?;
    let form = form(version)?;
    let (header, rest) = record
        .split_first_chunk_mut::<HEADER_LENGTH>()
        .ok_or(RecordError::Damaged)?;
    let [_, algorithm, k0, k1, k2, k3, account_tag @ ..] = *header;
    if algorithm != AES_256_GCM_SIV {
        return Err(RecordError::UnknownAlgorithm(algorithm));
    }
    let key = KeyId::new(u32::from_be_bytes([k0, k1, k2, k3]));
    let keys = keyring.keys(key).ok_or(RecordError::UnknownKey(key))?;
    let (nonce, rest) = rest
        .split_first_chunk_mut::<NONCE_LENGTH>()
        .ok_or(RecordError::Damaged)?;
    let (content, tag) = rest
        .split_last_chunk_mut::<TAG_LENGTH>()
        .ok_or(RecordError::Damaged)?;
    let mut associated_data = Vec::new();
    write_associated_data(header, account, namespace, &mut associated_data);
    keys.cipher
        .decrypt_inout_detached(
            &Nonce::<RecordCipher>::from(*nonce),
            &associated_data,
            (&mut *content).into(),
            &Tag::<RecordCipher>::from(*tag),
        )
        .map_err(|_| {
            if account_tag == self::account_tag(account, namespace) {
                RecordError::Damaged
            } else {
                RecordError::OtherAccount
            }
        })?;
    let (factor, history) = encoding::decode(content, form)?;
    if history.current() != Some(stored.revision) {
        return Err(RecordError::RevisionMismatch);
    }
    let previous = Previous {
        history,
        account_tag: Some(account_tag),
        associated_data,
        record,
    };
    Ok((previous, DecryptedRecord { factor, key }))
}

/// Whether the header names another account or namespace. This needs no key.
pub(crate) fn names_another_account(sealed: &[u8], account: &AccountId, namespace: &str) -> bool {
    let Some((header, _)) = sealed.split_first_chunk::<HEADER_LENGTH>() else {
        return false;
    };
    let [version, AES_256_GCM_SIV, _, _, _, _, tag @ ..] = header else {
        return false;
    };
    form(*version).is_ok() && *tag != account_tag(account, namespace)
}

const RECORD_DOMAIN: &[u8] = b"countersign record";
const AES_256_GCM_SIV: u8 = 1;
const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;
const ACCOUNT_TAG_LENGTH: usize = 8;
const HEADER_LENGTH: usize = 1 + 1 + 4 + ACCOUNT_TAG_LENGTH;

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

fn header(version: u8, key: KeyId, account_tag: [u8; ACCOUNT_TAG_LENGTH]) -> [u8; HEADER_LENGTH] {
    let [k0, k1, k2, k3] = key.get().to_be_bytes();
    let [t0, t1, t2, t3, t4, t5, t6, t7] = account_tag;
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

/// Distinguishes a record of another account from a damaged one.
///
/// The tag protects nothing. The associated data protects the record.
fn account_tag(account: &AccountId, namespace: &str) -> [u8; ACCOUNT_TAG_LENGTH] {
    let mut hash = Sha256::new();
    for part in [
        RECORD_DOMAIN,
        namespace.as_bytes(),
        account.as_str().as_bytes(),
    ] {
        hash.update(length(part));
        hash.update(part);
    }
    let [t0, t1, t2, t3, t4, t5, t6, t7, ..] = <[u8; 32]>::from(hash.finalize());
    [t0, t1, t2, t3, t4, t5, t6, t7]
}

fn write_associated_data(
    header: &[u8; HEADER_LENGTH],
    account: &AccountId,
    namespace: &str,
    into: &mut Vec<u8>,
) {
    let (namespace, account) = (namespace.as_bytes(), account.as_str().as_bytes());
    let parts = [
        RECORD_DOMAIN,
        header,
        &length(namespace),
        namespace,
        &length(account),
        account,
    ];
    into.clear();
    into.reserve_exact(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        into.extend_from_slice(part);
    }
}

/// Authenticates a receipt with the primary key.
pub(crate) fn seal_receipt(receipt: &Receipt, namespace: &str, keyring: &Keyring) -> SealedReceipt {
    let keys = keyring.primary_keys();
    let mut bytes = Vec::from([RECEIPT_VERSION]);
    bytes.extend(keys.id.get().to_be_bytes());
    bytes.extend(receipt.at().as_unix().to_be_bytes());
    match receipt.accepted_by() {
        AcceptedBy::Authenticator { id } => {
            bytes.push(AUTHENTICATOR);
            bytes.extend(id.as_bytes());
        }
        AcceptedBy::BackupCode {
            set,
            number,
            remaining,
        } => {
            bytes.push(BACKUP_CODE);
            bytes.extend(set.as_bytes());
            bytes.extend([number, remaining]);
        }
        AcceptedBy::Enrollment { id } => {
            bytes.push(ENROLLMENT);
            bytes.extend(id.as_bytes());
        }
    }
    bytes.extend(receipt.account().as_str().as_bytes());
    let tag = receipt_tag(&keys.receipts, namespace, &bytes);
    bytes.extend(tag);
    SealedReceipt::from(BASE64URL_NOPAD.encode(&bytes))
}

/// Reads a receipt, if a key of the keyring authenticates it for this namespace.
pub(crate) fn open_receipt(
    sealed: &SealedReceipt,
    namespace: &str,
    keyring: &Keyring,
) -> Result<Receipt, Rejection> {
    let text = sealed.as_str();
    if text.len() > MAX_SEALED_RECEIPT {
        return Err(Rejection::ForeignReceipt);
    }
    let bytes = BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|_| Rejection::ForeignReceipt)?;
    let (content, tag) = bytes
        .split_last_chunk::<TAG_LENGTH>()
        .ok_or(Rejection::ForeignReceipt)?;
    let (&version, rest) = content.split_first().ok_or(Rejection::ForeignReceipt)?;
    if version != RECEIPT_VERSION {
        return Err(Rejection::ProofExpired);
    }
    let (key, rest) = rest.split_first_chunk().ok_or(Rejection::ForeignReceipt)?;
    let key = KeyId::new(u32::from_be_bytes(*key));
    let keys = keyring.keys(key).ok_or(Rejection::ProofExpired)?;
    if !reveal(receipt_tag(&keys.receipts, namespace, content).ct_eq(tag)) {
        return Err(Rejection::ForeignReceipt);
    }
    read_receipt(rest).ok_or(Rejection::ForeignReceipt)
}

const RECEIPT_DOMAIN: &[u8] = b"countersign receipt";
const RECEIPT_VERSION: u8 = 1;
/// The longest receipt has the longest account id, and was accepted by a backup code.
const MAX_SEALED_RECEIPT: usize = 512;

const AUTHENTICATOR: u8 = 1;
const BACKUP_CODE: u8 = 2;
const ENROLLMENT: u8 = 3;

fn read_receipt(content: &[u8]) -> Option<Receipt> {
    let (at, rest) = content.split_first_chunk()?;
    let at = Timestamp::from_unix(u64::from_be_bytes(*at));
    let (&kind, rest) = rest.split_first()?;
    let (accepted_by, account) = match kind {
        AUTHENTICATOR => {
            let (id, account) = rest.split_first_chunk()?;
            let id = AuthenticatorId::from_bytes(*id);
            (AcceptedBy::Authenticator { id }, account)
        }
        BACKUP_CODE => {
            let (set, rest) = rest.split_first_chunk()?;
            let (&[number, remaining], account) = rest.split_first_chunk()?;
            let accepted_by = AcceptedBy::BackupCode {
                set: BackupCodeSetId::from_bytes(*set),
                number,
                remaining,
            };
            (accepted_by, account)
        }
        ENROLLMENT => {
            let (id, account) = rest.split_first_chunk()?;
            let id = AuthenticatorId::from_bytes(*id);
            (AcceptedBy::Enrollment { id }, account)
        }
        _ => return None,
    };
    let account = String::from_utf8(account.to_vec()).ok()?;
    Some(Receipt::new(AccountId::new(account).ok()?, at, accepted_by))
}

fn receipt_tag(key: &[u8; 32], namespace: &str, content: &[u8]) -> [u8; TAG_LENGTH] {
    let namespace = namespace.as_bytes();
    with_wiped_stack::<4096, _>(|| {
        let mac = hmac_sha256(key)
            .chain_update(RECEIPT_DOMAIN)
            .chain_update(length(namespace))
            .chain_update(namespace)
            .chain_update(content);
        first_16(mac)
    })
}

/// The length of a part, which is authenticated before the part.
fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, SealingKey};

    #[test]
    fn a_record_is_encrypted_in_place() {
        let factor = SecondFactor::new(Timestamp::UNIX_EPOCH, &Policy::default());
        let account = AccountId::new("alice").unwrap();
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let seal = |previous, number| {
            let revision = Revision::from_i64(number).unwrap();
            let sealed = seal(&factor, previous, revision, [0; 12], &account, "", &keyring);
            StoredRecord::new(mem::take(&mut *sealed.unwrap()), revision)
        };
        let mut stored = seal(Previous::none(), i64::MAX);
        for write in 2..20 {
            let before = (stored.record.as_ptr(), stored.record.capacity());
            let (previous, _) = open(stored, &account, "", &keyring).unwrap();
            stored = seal(previous, i64::MAX - write);
            let after = (stored.record.as_ptr(), stored.record.capacity());
            assert_eq!(before == after, write > 8, "write {write}");
        }
    }

    #[cfg(feature = "getrandom")]
    #[test]
    fn a_record_overwrites_a_buffer_that_it_fits() {
        let factor = encoding::tests::full();
        let revision = Revision::from_i64(1).unwrap();
        let history = History::new().followed_by(revision);
        let plain = encoding::tests::encode(&factor, &history).unwrap();
        let record = [b"abc".as_slice(), &plain].concat();
        for (room, fits) in [(0, false), (15, false), (16, true), (4096, true)] {
            let mut buffer = Zeroizing::new(Vec::with_capacity(record.len() + room));
            let before = buffer.as_ptr();
            encoding::encode_after(&[b"a", b"bc"], &factor, &history, 16, &mut buffer).unwrap();
            assert_eq!(*buffer, record);
            assert_eq!(buffer.as_ptr() == before, fits, "{room}");
            assert!(buffer.capacity() >= record.len() + 16, "{room}");
        }
    }
}
