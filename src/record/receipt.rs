//! Receipts as text, under a message authentication code: HMAC-SHA-256 (RFC 2104), cut to 16 bytes.
//!
//! The text is base64 (RFC 4648, section 5, without padding) of: version (1 byte), key id (4, big-endian), time
//! (8), what was accepted (1 byte and its fields), account, code (16). The code also covers a domain and the
//! namespace.

use super::keyring::hmac;
use crate::Keyring;
use crate::constant_time::reveal;
use crate::factor::BackupCodeSetId;
use crate::stack_wipe::with_wiped_stack;
use crate::{
    AcceptedBy, AccountId, AuthenticatorId, KeyId, Receipt, Rejection, SealedReceipt, Timestamp,
};
use alloc::string::String;
use alloc::vec::Vec;
use data_encoding::BASE64URL_NOPAD;
use hmac::Mac;
use subtle::ConstantTimeEq;

const VERSION: u8 = 1;
const CODE_LENGTH: usize = 16;
const DOMAIN: &[u8] = b"countersign receipt";
/// No receipt is longer: the longest account, accepted by a backup code.
const MAX_SEALED: usize = 512;

const AUTHENTICATOR: u8 = 1;
const BACKUP_CODE: u8 = 2;
const ENROLLMENT: u8 = 3;

/// Seals a receipt with the primary key.
pub(crate) fn seal_receipt(receipt: &Receipt, namespace: &str, keyring: &Keyring) -> SealedReceipt {
    let keys = keyring.primary_keys();
    let mut bytes = Vec::from([VERSION]);
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
    let code = code(&keys.receipts, namespace, &bytes);
    bytes.extend(code);
    SealedReceipt::from(BASE64URL_NOPAD.encode(&bytes))
}

/// Reads a receipt, if a key of the keyring sealed it for this namespace.
pub(crate) fn open_receipt(
    sealed: &SealedReceipt,
    namespace: &str,
    keyring: &Keyring,
) -> Result<Receipt, Rejection> {
    let text = sealed.as_str();
    if text.len() > MAX_SEALED {
        return Err(Rejection::ForeignReceipt);
    }
    let bytes = BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|_| Rejection::ForeignReceipt)?;
    let (content, given) = bytes
        .split_last_chunk::<CODE_LENGTH>()
        .ok_or(Rejection::ForeignReceipt)?;
    let (&version, rest) = content.split_first().ok_or(Rejection::ForeignReceipt)?;
    if version != VERSION {
        return Err(Rejection::ProofExpired);
    }
    let (key, rest) = rest.split_first_chunk().ok_or(Rejection::ForeignReceipt)?;
    let key = KeyId::new(u32::from_be_bytes(*key));
    let keys = keyring.keys(key).ok_or(Rejection::ProofExpired)?;
    if !reveal(code(&keys.receipts, namespace, content).ct_eq(given)) {
        return Err(Rejection::ForeignReceipt);
    }
    read(rest).ok_or(Rejection::ForeignReceipt)
}

fn read(content: &[u8]) -> Option<Receipt> {
    let (at, rest) = content.split_first_chunk()?;
    let at = Timestamp::from_unix(u64::from_be_bytes(*at));
    let (&kind, rest) = rest.split_first()?;
    let (by, account) = match kind {
        AUTHENTICATOR => {
            let (id, account) = rest.split_first_chunk()?;
            let id = AuthenticatorId::from_bytes(*id);
            (AcceptedBy::Authenticator { id }, account)
        }
        BACKUP_CODE => {
            let (set, rest) = rest.split_first_chunk()?;
            let (&[number, remaining], account) = rest.split_first_chunk()?;
            let by = AcceptedBy::BackupCode {
                set: BackupCodeSetId::from_bytes(*set),
                number,
                remaining,
            };
            (by, account)
        }
        ENROLLMENT => {
            let (id, account) = rest.split_first_chunk()?;
            let id = AuthenticatorId::from_bytes(*id);
            (AcceptedBy::Enrollment { id }, account)
        }
        _ => return None,
    };
    let account = String::from_utf8(account.to_vec()).ok()?;
    Some(Receipt::new(AccountId::new(account).ok()?, at, by))
}

fn code(key: &[u8; 32], namespace: &str, content: &[u8]) -> [u8; CODE_LENGTH] {
    let namespace_length = (namespace.len() as u64).to_be_bytes();
    with_wiped_stack::<4096, _>(|| {
        let whole = hmac(key)
            .chain_update(DOMAIN)
            .chain_update(namespace_length)
            .chain_update(namespace)
            .chain_update(content)
            .finalize()
            .into_bytes();
        let mut code = [0; CODE_LENGTH];
        for (cut, byte) in code.iter_mut().zip(whole) {
            *cut = byte;
        }
        code
    })
}
