//! SHA-1, SHA-256 and SHA-512, one block at a time (FIPS 180-4).

use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};
use zeroize::Zeroize;

/// A hash function, called through its compression function.
pub(super) trait BlockHash: Digest {
    /// The intermediate hash value, in words.
    type State: Copy + Zeroize;
    /// The input of one call of the compression function.
    type Block: AsMut<[u8]>;

    /// The initial hash value (FIPS 180-4, section 5.3).
    const INITIAL: Self::State;
    /// A block of zeros.
    const ZEROS: Self::Block;

    /// Updates a state with one block.
    ///
    /// Implementations are never inlined. In a function that also uses AVX registers, each SHA
    /// instruction takes a hundred times as long (`docs/performance.md`).
    fn compress(state: &mut Self::State, block: &Self::Block);

    /// Returns the last block of a message that consists of one block and a number.
    fn end_with_number(number: u64) -> Self::Block;

    /// Returns the last block of a message that consists of one block and a hash value.
    fn end_with_hash(hash: Self::State) -> Self::Block;

    /// Returns the first twenty bytes of a hash value, as words, and its last byte.
    fn ends_of(hash: Self::State) -> ([u32; 5], u8);
}

impl BlockHash for Sha1 {
    type State = [u32; 5];
    type Block = [u8; 64];

    const INITIAL: [u32; 5] = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    const ZEROS: [u8; 64] = [0; 64];

    #[inline(never)]
    fn compress(state: &mut [u32; 5], block: &[u8; 64]) {
        sha1::block_api::compress(state, core::slice::from_ref(block));
    }

    #[inline]
    fn end_with_number(number: u64) -> [u8; 64] {
        let [high, low] = halves(number);
        let length = 8 * (64 + 8);
        block_of_32([
            high, low, END_32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, length,
        ])
    }

    #[inline]
    fn end_with_hash([a, b, c, d, e]: [u32; 5]) -> [u8; 64] {
        let length = 8 * (64 + 20);
        block_of_32([a, b, c, d, e, END_32, 0, 0, 0, 0, 0, 0, 0, 0, 0, length])
    }

    #[inline]
    fn ends_of(hash: [u32; 5]) -> ([u32; 5], u8) {
        let [.., last] = hash;
        (hash, last as u8)
    }
}

impl BlockHash for Sha256 {
    type State = [u32; 8];
    type Block = [u8; 64];

    const INITIAL: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    const ZEROS: [u8; 64] = [0; 64];

    #[inline(never)]
    fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
        sha2::block_api::compress256(state, core::slice::from_ref(block));
    }

    #[inline]
    fn end_with_number(number: u64) -> [u8; 64] {
        Sha1::end_with_number(number)
    }

    #[inline]
    fn end_with_hash([a, b, c, d, e, f, g, h]: [u32; 8]) -> [u8; 64] {
        let length = 8 * (64 + 32);
        block_of_32([a, b, c, d, e, f, g, h, END_32, 0, 0, 0, 0, 0, 0, length])
    }

    #[inline]
    fn ends_of([a, b, c, d, e, .., last]: [u32; 8]) -> ([u32; 5], u8) {
        ([a, b, c, d, e], last as u8)
    }
}

impl BlockHash for Sha512 {
    type State = [u64; 8];
    type Block = [u8; 128];

    const INITIAL: [u64; 8] = [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ];
    const ZEROS: [u8; 128] = [0; 128];

    #[inline(never)]
    fn compress(state: &mut [u64; 8], block: &[u8; 128]) {
        sha2::block_api::compress512(state, core::slice::from_ref(block));
    }

    #[inline]
    fn end_with_number(number: u64) -> [u8; 128] {
        let length = 8 * (128 + 8);
        block_of_64([
            number, END_64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, length,
        ])
    }

    #[inline]
    fn end_with_hash([a, b, c, d, e, f, g, h]: [u64; 8]) -> [u8; 128] {
        let length = 8 * (128 + 64);
        block_of_64([a, b, c, d, e, f, g, h, END_64, 0, 0, 0, 0, 0, 0, length])
    }

    #[inline]
    fn ends_of([a, b, c, .., last]: [u64; 8]) -> ([u32; 5], u8) {
        let ([a, b], [c, d], [e, _]) = (halves(a), halves(b), halves(c));
        ([a, b, c, d, e], last as u8)
    }
}

/// The bit after the end of every message (FIPS 180-4, section 5.1). The last word of the last
/// block is the length of the message in bits.
const END_32: u32 = 1 << 31;
const END_64: u64 = 1 << 63;

#[inline]
fn block_of_32(words: [u32; 16]) -> [u8; 64] {
    let mut block = [0; 64];
    for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    block
}

#[inline]
fn block_of_64(words: [u64; 16]) -> [u8; 128] {
    let mut block = [0; 128];
    for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    block
}

const fn halves(word: u64) -> [u32; 2] {
    [(word >> 32) as u32, word as u32]
}
