//! Encrypts and decrypts records outside of the library, as DESIGN.md describes records. So the
//! library needs no extra entry point for fuzzing, and the description is checked as well.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use sha2::{Digest, Sha256};

pub(super) const ACCOUNT: &str = "alice";
pub(super) const KEY_ID: u32 = 1;
pub(super) const KEY: [u8; 32] = [0x4b; 32];

const DOMAIN: &[u8] = b"countersign record";
const HEADER: usize = 14;
const NONCE: usize = 12;

/// Encrypts any bytes as a content of this version for the account, with an empty namespace.
pub(super) fn seal(plain: &[u8], version: u8, nonce: [u8; NONCE]) -> Vec<u8> {
    let header = header(version);
    let payload = Payload {
        msg: plain,
        aad: &associated_data(&header),
    };
    let sealed = cipher()
        .encrypt(&Nonce::from(nonce), payload)
        .expect("short enough");
    [&header[..], &nonce, &sealed].concat()
}

/// Decrypts a record of the library.
pub(super) fn open(record: &[u8]) -> Vec<u8> {
    let (header, rest) = record.split_at(HEADER);
    assert_eq!(header, self::header(version(record)));
    let payload = Payload {
        msg: &rest[NONCE..],
        aad: &associated_data(header),
    };
    cipher()
        .decrypt(&Nonce::from(nonce(record)), payload)
        .expect("the library's own record")
}

/// The version of the content: 1, or 2 with additional fields.
pub(super) fn version(record: &[u8]) -> u8 {
    record[0]
}

/// Whether the header has a known version and algorithm, and names another account.
pub(super) fn names_another(record: &[u8]) -> bool {
    let ours = header(1);
    record.get(..HEADER).is_some_and(|header| {
        let is_known = matches!(header[..2], [1 | 2, 1]);
        is_known && header[6..] != ours[6..]
    })
}

pub(super) fn nonce(record: &[u8]) -> [u8; NONCE] {
    record[HEADER..HEADER + NONCE].try_into().expect("12 bytes")
}

fn cipher() -> Aes256GcmSiv {
    Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(KEY))
}

/// Version, algorithm, key id, account tag.
fn header(version: u8) -> Vec<u8> {
    let named = [DOMAIN, b"", ACCOUNT.as_bytes()].map(prefixed).concat();
    let tag = &Sha256::digest(named)[..8];
    [&[version, 1], &KEY_ID.to_be_bytes()[..], tag].concat()
}

fn associated_data(header: &[u8]) -> Vec<u8> {
    [
        DOMAIN,
        header,
        &prefixed(b""),
        &prefixed(ACCOUNT.as_bytes()),
    ]
    .concat()
}

fn prefixed(part: &[u8]) -> Vec<u8> {
    [&(part.len() as u64).to_be_bytes()[..], part].concat()
}
