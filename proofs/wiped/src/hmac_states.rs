//! The values that HMAC derives from a key (RFC 2104): the padded keys, and the hash state after
//! each of them.

use crate::known_secrets::{Kind, KnownSecrets};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

const INNER: u8 = 0x36;
const OUTER: u8 = 0x5c;

/// The state of SHA-256 before the first block.
const SHA_256: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Adds the values that are derived from each known secret. Call this on the scanner's stack, which
/// is not searched, because the secrets are in the clear here.
pub(crate) fn add_all(known: &KnownSecrets) {
    known.each(Kind::RecordKey, |key| {
        known.add(Kind::ReceiptKey, &hmac_sha256(key, b"countersign receipts"));
    });
    for kind in [
        Kind::Secret,
        Kind::RecordKey,
        Kind::ReceiptKey,
        Kind::DeviceSeed,
        Kind::DigestKey,
    ] {
        known.each(kind, |key| add_states(known, key));
    }
}

fn add_states(known: &KnownSecrets, key: &[u8]) {
    // HMAC hashes a key that is longer than a block first.
    if key.len() > 64 {
        for hash in [&Sha1::digest(key)[..], &Sha256::digest(key)[..]] {
            add_states_of_block(known, hash);
        }
    }
    if key.len() > 128 {
        add_states_of_block(known, &Sha512::digest(key));
    }
    add_states_of_block(known, key);
}

fn add_states_of_block(known: &KnownSecrets, key: &[u8]) {
    for (pad, padded, state) in [
        (INNER, Kind::InnerPad, Kind::InnerState),
        (OUTER, Kind::OuterPad, Kind::OuterState),
    ] {
        let mut block = [pad; 128];
        for (target, byte) in block.iter_mut().zip(key) {
            *target ^= byte;
        }
        known.add(padded, block.get(..key.len()).unwrap_or_default());
        let (half, _) = block.split_first_chunk().unwrap_or((&[0; 64], &[]));

        let mut words = [
            0x6745_2301,
            0xefcd_ab89,
            0x98ba_dcfe,
            0x1032_5476,
            0xc3d2_e1f0,
        ];
        sha1::block_api::compress(&mut words, &[*half]);
        add_pairs(known, state, &words);

        let mut words = SHA_256;
        sha2::block_api::compress256(&mut words, &[*half]);
        add_pairs(known, state, &words);

        let mut words = [
            0x6a09_e667_f3bc_c908,
            0xbb67_ae85_84ca_a73b,
            0x3c6e_f372_fe94_f82b,
            0xa54f_f53a_5f1d_36f1,
            0x510e_527f_ade6_82d1,
            0x9b05_688c_2b3e_6c1f,
            0x1f83_d9ab_fb41_bd6b,
            0x5be0_cd19_137e_2179,
        ];
        sha2::block_api::compress512(&mut words, &[block]);
        for word in words {
            known.add(state, &word.to_ne_bytes());
        }
    }
}

/// HMAC-SHA-256 of a key and a message that fit one block each.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let inner = hash_of_two_blocks(&padded(key, INNER), message);
    hash_of_two_blocks(&padded(key, OUTER), &inner)
}

fn padded(key: &[u8], pad: u8) -> [u8; 64] {
    let mut block = [pad; 64];
    for (target, byte) in block.iter_mut().zip(key) {
        *target ^= byte;
    }
    block
}

/// SHA-256 (FIPS 180-4) of a block and a message that is shorter than a block, with the padding.
fn hash_of_two_blocks(first: &[u8; 64], message: &[u8]) -> [u8; 32] {
    let mut second = [0; 64];
    for (target, byte) in second.iter_mut().zip(message.iter().chain(&[0x80])) {
        *target = *byte;
    }
    let bits = (first.len() as u64)
        .saturating_add(message.len() as u64)
        .saturating_mul(8);
    if let Some(length) = second.last_chunk_mut() {
        *length = bits.to_be_bytes();
    }
    let mut words = SHA_256;
    sha2::block_api::compress256(&mut words, &[*first, second]);
    let mut hash = [0; 32];
    for (target, word) in hash.chunks_mut(4).zip(words) {
        target.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// Adds every pair of words of a state. In memory the words are in order, but the SHA instructions
/// of a processor hold them in another order.
fn add_pairs(known: &KnownSecrets, kind: Kind, words: &[u32]) {
    for (at, one) in words.iter().enumerate() {
        for (_, two) in words.iter().enumerate().filter(|(other, _)| *other != at) {
            let pair = u64::from(*one) | (u64::from(*two) << 32);
            known.add(kind, &pair.to_le_bytes());
        }
    }
}
