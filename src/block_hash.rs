//! SHA-1, SHA-256 and SHA-512 (FIPS 180-4), with compression functions that are never inlined.
//!
//! A compression function uses the SHA instructions of a processor, which exist only in the old
//! encoding of SSE. In a function that also uses AVX registers, each of them takes a hundred times
//! as long on some processors (`docs/performance.md`). So all hashes of this crate go through the
//! compression functions here, and a test looks for SHA instructions elsewhere
//! (`proofs/constant-time/tests/constant_time/sha_instructions.rs`).

use core::hint::black_box;
use sha2::digest::block_api::{
    Block, BlockSizeUser, Buffer, BufferKindUser, Eager, FixedOutputCore, OutputSizeUser, Reset,
    UpdateCore,
};
use sha2::digest::typenum::{U20, U32, U64, U128};
use sha2::digest::{Digest, HashMarker, Output, buffer_fixed};
use zeroize::{DefaultIsZeroes, Zeroize};

/// A hash function, called through its compression function.
pub(crate) trait BlockHash: Digest {
    /// A word of the intermediate hash value.
    type Word: DefaultIsZeroes;
    /// The intermediate hash value, in words.
    type State: AsMut<[Self::Word]> + Copy;
    /// The input of one call of the compression function.
    type Block: AsMut<[u8]> + Copy;

    /// The initial hash value (FIPS 180-4, section 5.3).
    const INITIAL: Self::State;
    /// A block of zeros.
    const ZEROS: Self::Block;

    /// Updates a state with one block.
    ///
    /// Implementations are never inlined.
    fn compress(state: &mut Self::State, block: &Self::Block);

    /// Returns the last block of a message that consists of one block and a number.
    fn end_with_number(number: u64) -> Self::Block;

    /// Returns the last block of a message that consists of one block and a hash value.
    fn end_with_hash(hash: Self::State) -> Self::Block;

    /// Returns the first twenty bytes of a hash value, as words, and its last byte.
    fn ends_of(hash: Self::State) -> ([u32; 5], u8);
}

impl BlockHash for Sha1 {
    type Word = u32;
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
        static REST: [u64; 8] = [0, END, 0, 0, 0, 0, 0, bits(64 + 8)];
        let mut block = [0; 64];
        write_end(&mut block, number, &REST);
        block
    }

    #[inline]
    fn end_with_hash([a, b, c, d, e]: [u32; 5]) -> [u8; 64] {
        // The last word of the hash value comes before the end bit.
        static REST: [u64; 6] = [END_AFTER_WORD, 0, 0, 0, 0, bits(64 + 20)];
        let mut block = [0; 64];
        let (start, end) = block.split_at_mut(16);
        write_words_of_32(start, [a, b, c, d]);
        write_end(end, u64::from(e) << 32, &REST);
        block
    }

    #[inline]
    fn ends_of(hash: [u32; 5]) -> ([u32; 5], u8) {
        let [.., last] = hash;
        (hash, last as u8)
    }
}

impl BlockHash for Sha256 {
    type Word = u32;
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
    fn end_with_hash(hash: [u32; 8]) -> [u8; 64] {
        static REST: [u64; 4] = [END, 0, 0, bits(64 + 32)];
        let mut block = [0; 64];
        let (start, end) = block.split_at_mut(32);
        write_words_of_32(start, hash);
        write_end(end, 0, &REST);
        block
    }

    #[inline]
    fn ends_of([a, b, c, d, e, .., last]: [u32; 8]) -> ([u32; 5], u8) {
        ([a, b, c, d, e], last as u8)
    }
}

impl BlockHash for Sha512 {
    type Word = u64;
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
        static REST: [u64; 16] = [0, END, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, bits(128 + 8)];
        let mut block = [0; 128];
        write_end(&mut block, number, &REST);
        block
    }

    #[inline]
    fn end_with_hash(hash: [u64; 8]) -> [u8; 128] {
        static REST: [u64; 8] = [END, 0, 0, 0, 0, 0, 0, bits(128 + 64)];
        let mut block = [0; 128];
        let (start, end) = block.split_at_mut(64);
        for (place, word) in start.as_chunks_mut().0.iter_mut().zip(hash) {
            *place = word.to_be_bytes();
        }
        write_end(end, 0, &REST);
        block
    }

    #[inline]
    fn ends_of([a, b, c, .., last]: [u64; 8]) -> ([u32; 5], u8) {
        let ([a, b], [c, d], [e, _]) = (halves(a), halves(b), halves(c));
        ([a, b, c, d, e], last as u8)
    }
}

/// The bit after the end of every message (FIPS 180-4, section 5.1), as it is in memory.
const END: u64 = (1_u64 << 63).to_be();

/// The same, after a word of 32 bits.
const END_AFTER_WORD: u64 = (1_u64 << 31).to_be();

/// Returns the end of the last block, as it is in memory: the length of the message in bits.
const fn bits(bytes: u64) -> u64 {
    bytes.wrapping_mul(8).to_be()
}

/// Writes a number to the first eight bytes, combined with the first element of `rest`, and the
/// other elements behind them.
///
/// The compression function reads sixteen bytes at once. If they were just written in parts, the
/// processor waits until they are in the cache. The compiler would write constants in parts. So the
/// black box hides that the elements are constant, and the compiler writes sixteen bytes at once.
#[inline]
fn write_end<const N: usize>(end: &mut [u8], number: u64, rest: &'static [u64; N]) {
    static FIRST: [u64; 16] = [u64::MAX, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let (first, rest) = (black_box(&FIRST), black_box(rest));
    let number = number.to_be();
    for ((place, first), rest) in end.as_chunks_mut().0.iter_mut().zip(first).zip(rest) {
        *place = ((number & first) | rest).to_ne_bytes();
    }
}

#[inline]
fn write_words_of_32<const N: usize>(bytes: &mut [u8], words: [u32; N]) {
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_be_bytes();
    }
}

/// Defines a hash of whole messages.
macro_rules! message_hash {
    ($(#[$doc:meta])* $name:ident, $core:ident, $block:ty, $output:ty, $pad:ident, $bits:ty) => {
        buffer_fixed!(
            $(#[$doc])*
            pub(crate) struct $name($core);
            impl: BaseFixedTraits Default Clone HashMarker;
        );

        /// The state between blocks. Wiped on drop.
        #[derive(Clone)]
        pub(crate) struct $core {
            state: <$name as BlockHash>::State,
            blocks: u64,
        }

        impl HashMarker for $core {}

        impl BlockSizeUser for $core {
            type BlockSize = $block;
        }

        impl BufferKindUser for $core {
            type BufferKind = Eager;
        }

        impl OutputSizeUser for $core {
            type OutputSize = $output;
        }

        impl Default for $core {
            fn default() -> Self {
                Self {
                    state: $name::INITIAL,
                    blocks: 0,
                }
            }
        }

        impl Reset for $core {
            fn reset(&mut self) {
                *self = Self::default();
            }
        }

        impl UpdateCore for $core {
            fn update_blocks(&mut self, blocks: &[Block<Self>]) {
                for block in blocks {
                    $name::compress(&mut self.state, &block.0);
                }
                self.blocks = self.blocks.wrapping_add(blocks.len() as u64);
            }
        }

        impl FixedOutputCore for $core {
            fn finalize_fixed_core(&mut self, buffer: &mut Buffer<Self>, out: &mut Output<Self>) {
                let bytes = <$bits>::from(self.blocks)
                    .wrapping_mul(Self::block_size() as $bits)
                    .wrapping_add(buffer.get_pos() as $bits);
                buffer.$pad(bytes.wrapping_mul(8), |block| {
                    $name::compress(&mut self.state, &block.0);
                });
                for (place, word) in out.as_chunks_mut().0.iter_mut().zip(self.state) {
                    *place = word.to_be_bytes();
                }
            }
        }

        impl Drop for $core {
            fn drop(&mut self) {
                self.state.as_mut_slice().zeroize();
                self.blocks.zeroize();
            }
        }
    };
}

message_hash!(
    /// SHA-1 of a message in parts.
    Sha1, Sha1Core, U64, U20, len64_padding_be, u64
);
message_hash!(
    /// SHA-256 of a message in parts.
    Sha256, Sha256Core, U64, U32, len64_padding_be, u64
);
message_hash!(
    /// SHA-512 of a message in parts.
    Sha512, Sha512Core, U128, U64, len128_padding_be, u128
);

const fn halves(word: u64) -> [u32; 2] {
    [(word >> 32) as u32, word as u32]
}

#[cfg(test)]
mod tests {
    use super::{Sha1, Sha256, Sha512};
    use sha2::Digest;
    use std::vec::Vec;

    fn check<Ours: Digest, Theirs: Digest>(message: &[u8], first: usize) {
        let (one, two) = message.split_at(first);
        let ours = Ours::new().chain_update(one).chain_update(two).finalize();
        assert_eq!(ours[..], Theirs::digest(message)[..], "{}", message.len());
    }

    #[test]
    fn hashes_equal_those_of_the_hash_crates() {
        for length in 0..600 {
            let message: Vec<u8> = (1..=255).cycle().take(length).collect();
            for first in [0, length / 3, length] {
                check::<Sha1, sha1::Sha1>(&message, first);
                check::<Sha256, sha2::Sha256>(&message, first);
                check::<Sha512, sha2::Sha512>(&message, first);
            }
        }
    }
}
