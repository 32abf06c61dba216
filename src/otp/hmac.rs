//! HMAC (RFC 2104) of counters, with dynamic truncation (RFC 4226, section 5.3).

use crate::block_hash::{BlockHash, Sha1, Sha256, Sha512};
use crate::otp::Algorithm;
use crate::stack_wipe::with_wiped_stack;
use core::hint::black_box;
use core::ops::RangeInclusive;
use zeroize::Zeroize;

/// An HMAC with a prepared key.
///
/// It wipes its states on drop. [`with_wiped_mac_stack`] wipes the copies on the stack.
#[derive(Clone)]
pub(crate) enum KeyedMac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl KeyedMac {
    /// Returns an HMAC whose key is not set.
    ///
    /// The key is set in place, in the result of the caller: a set key is never moved.
    #[inline]
    pub(crate) const fn without_key(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(Hmac::WITHOUT_KEY),
            Algorithm::Sha256 => Self::Sha256(Hmac::WITHOUT_KEY),
            Algorithm::Sha512 => Self::Sha512(Hmac::WITHOUT_KEY),
        }
    }

    #[inline]
    pub(crate) fn set_key(&mut self, key: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.set_key(key),
            Self::Sha256(mac) => mac.set_key(key),
            Self::Sha512(mac) => mac.set_key(key),
        }
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Computes the truncated HMACs of counters: 31 bits each.
    pub(crate) fn truncated<const N: usize>(&self, counters: [u64; N]) -> [u32; N] {
        match self {
            Self::Sha1(mac) => truncated::<Sha1, N>(mac, counters),
            Self::Sha256(mac) => truncated::<Sha256, N>(mac, counters),
            Self::Sha512(mac) => truncated::<Sha512, N>(mac, counters),
        }
    }

    /// Calls `visit` with each counter and its truncated HMAC, in order.
    ///
    /// Computes three HMACs at a time, because the default window has three steps.
    #[inline]
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "no sum is greater than the last counter"
    )]
    pub(crate) fn for_each(&self, counters: RangeInclusive<u64>, mut visit: impl FnMut(u64, u32)) {
        let (mut counter, last) = counters.into_inner();
        while last.saturating_sub(counter) >= 2 {
            let three = [counter, counter + 1, counter + 2];
            for (counter, truncated) in three.into_iter().zip(self.truncated(three)) {
                visit(counter, truncated);
            }
            if last - counter == 2 {
                return;
            }
            counter += 3;
        }
        for counter in counter..=last {
            let [truncated] = self.truncated([counter]);
            visit(counter, truncated);
        }
    }
}

/// The stack to wipe after setting a key of SHA-1, in bytes.
pub(super) const SET_KEY: usize = 768;
/// The stack to wipe after one HMAC-SHA-1, in bytes.
pub(super) const ONE_HMAC: usize = 512;
/// The stack to wipe after a comparison with several HMAC-SHA-1, in bytes.
pub(super) const SEARCH: usize = 1024;

/// Runs work that makes or uses a [`KeyedMac`], and wipes the stack below afterwards: `SHA1` bytes
/// if the work is with SHA-1.
#[inline]
pub(super) fn with_wiped_mac_stack<const SHA1: usize, T>(
    algorithm: Algorithm,
    work: impl FnOnce() -> T,
) -> T {
    match algorithm {
        Algorithm::Sha1 => with_wiped_stack::<SHA1, _>(work),
        Algorithm::Sha256 => with_wiped_stack::<2048, _>(work),
        Algorithm::Sha512 => with_wiped_stack::<4096, _>(work),
    }
}

/// Not inlined, for the same reason as [`Hmac::new`].
#[inline(never)]
fn truncated<H: BlockHash, const N: usize>(mac: &Hmac<H>, counters: [u64; N]) -> [u32; N] {
    let mut truncated = [0; N];
    for (place, hash) in truncated.iter_mut().zip(mac.compute(counters)) {
        *place = dynamic_truncation::<H>(hash);
    }
    truncated
}

/// Returns the four bytes at the offset in the last four bits, without the sign bit.
///
/// The offset is secret. An index that depends on the offset would show in the cache. A shift by
/// the offset would show in the timing of some processors. So each bit of the offset selects
/// between a fixed shift and no shift.
fn dynamic_truncation<H: BlockHash>(hash: H::State) -> u32 {
    let ([a, b, c, d, e], last) = H::ends_of(hash);
    let two = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
    // Behind the black box, the compiler does not know that a mask has only two values. So it makes
    // neither a branch nor a shift by the offset of a mask.
    let mask = |bit: u32| black_box(u64::from((last >> bit) & 1).wrapping_neg());
    let select = |zero: u64, one: u64, mask: u64| zero ^ (mask & (zero ^ one));
    let here = select(two(a, b), two(c, d), mask(3));
    let next = select(c.into(), e.into(), mask(3));
    let here = select(here, (here << 32) | next, mask(2));
    let here = select(here, here << 16, mask(1));
    let here = select(here, here << 8, mask(0));
    (here >> 32) as u32 & 0x7fff_ffff
}

/// HMAC (RFC 2104) of eight-byte numbers, with a prepared key. Wiped on drop.
///
/// It stores the states of the inner and the outer hash after their first block. So each message
/// costs one more block of each hash.
pub(super) struct Hmac<H: BlockHash> {
    inner: H::State,
    outer: H::State,
}

impl<H: BlockHash> Hmac<H> {
    const WITHOUT_KEY: Self = Self {
        inner: H::INITIAL,
        outer: H::INITIAL,
    };

    /// Sets the key, of any length. Hashes a key longer than a block first (RFC 2104, section 2).
    ///
    /// Not inlined: one frame for the blocks of all hashes would need a larger wipe of the stack.
    #[inline(never)]
    fn set_key(&mut self, key: &[u8]) {
        let mut block = H::ZEROS;
        match block.as_mut().get_mut(..key.len()) {
            Some(start) => start.copy_from_slice(key),
            None => hash_key::<H>(key, &mut block),
        }
        let padded = |pad| {
            let mut padded = block;
            padded.as_mut().iter_mut().for_each(|byte| *byte ^= pad);
            padded
        };
        let (inner, outer) = (padded(INNER_PAD), padded(OUTER_PAD));
        (self.inner, self.outer) = (H::INITIAL, H::INITIAL);
        H::compress(&mut self.inner, &inner);
        H::compress(&mut self.outer, &outer);
    }

    /// Computes the HMACs of numbers.
    ///
    /// The inner hashes are independent of each other, and so are the outer ones. So the processor
    /// computes several hashes at the same time.
    #[inline]
    pub(super) fn compute<const N: usize>(&self, numbers: [u64; N]) -> [H::State; N] {
        let mut inner = [self.inner; N];
        for (state, number) in inner.iter_mut().zip(numbers) {
            H::compress(state, &H::end_with_number(number));
        }
        let mut outer = [self.outer; N];
        for (state, hash) in outer.iter_mut().zip(inner) {
            H::compress(state, &H::end_with_hash(hash));
        }
        outer
    }
}

impl<H: BlockHash> Clone for Hmac<H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner,
            outer: self.outer,
        }
    }
}

impl<H: BlockHash> Drop for Hmac<H> {
    fn drop(&mut self) {
        self.inner.as_mut().zeroize();
        self.outer.as_mut().zeroize();
    }
}

/// Writes the hash of a key to the start of a block, and wipes its own stack.
#[cold]
fn hash_key<H: BlockHash>(key: &[u8], block: &mut H::Block) {
    with_wiped_stack::<2048, _>(|| {
        let hashed = H::digest(key);
        for (place, byte) in block.as_mut().iter_mut().zip(hashed) {
            *place = byte;
        }
    });
}

const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

#[cfg(test)]
mod tests {
    use super::{Hmac, dynamic_truncation};
    use crate::block_hash::{BlockHash, Sha1, Sha256, Sha512};
    use hmac::digest::OutputSizeUser;
    use hmac::{EagerHash, KeyInit, Mac};
    use proptest::prelude::*;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    #[test]
    fn the_example_of_rfc_4226_section_5_4() {
        let mac = [
            0x1f86_9869,
            0x0e02_ca16,
            0x6185_50ef,
            0x7f19_da8e,
            0x945b_555a,
        ];
        assert_eq!(dynamic_truncation::<Sha1>(mac), 0x50ef_7f19);
    }

    #[test]
    fn every_offset_reads_its_own_four_bytes() {
        for offset in 0..16 {
            check_offset::<Sha1>(offset, |bytes| words(bytes, u32::from_be_bytes));
            check_offset::<Sha256>(offset, |bytes| words(bytes, u32::from_be_bytes));
            check_offset::<Sha512>(offset, |bytes| words(bytes, u64::from_be_bytes));
        }
    }

    /// Compares with the text of RFC 4226, section 5.3.
    fn check_offset<H: BlockHash>(offset: u8, state: impl Fn(&[u8]) -> H::State) {
        let mut mac: Vec<u8> = (0x81..).take(<H as sha2::Digest>::output_size()).collect();
        *mac.last_mut().unwrap() = 0x70 | offset;
        let at = usize::from(offset);
        let expected = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        assert_eq!(
            dynamic_truncation::<H>(state(&mac)),
            expected,
            "offset {offset}"
        );
    }

    fn words<const SIZE: usize, const N: usize, W>(
        bytes: &[u8],
        from: impl Fn([u8; SIZE]) -> W,
    ) -> [W; N] {
        let words: Vec<W> = bytes.as_chunks().0.iter().map(|word| from(*word)).collect();
        words.try_into().ok().unwrap()
    }

    /// Returns the bytes of a hash value: a block that ends with the hash value begins with them.
    fn bytes<H: BlockHash>(hash: H::State) -> Vec<u8> {
        let mut block = H::end_with_hash(hash);
        block.as_mut()[..<H as OutputSizeUser>::output_size()].to_vec()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Test case 1 of RFC 2202, section 3, and of RFC 4231, section 4.2: its message has eight
    /// bytes.
    #[test]
    fn macs_match_rfc_2202_and_rfc_4231() {
        let message = [u64::from_be_bytes(*b"Hi There")];
        let [sha1] = keyed::<Sha1>(&[0x0b; 20]).compute(message);
        let [sha256] = keyed::<Sha256>(&[0x0b; 20]).compute(message);
        let [sha512] = keyed::<Sha512>(&[0x0b; 20]).compute(message);
        assert_eq!(
            hex(&bytes::<Sha1>(sha1)),
            "b617318655057264e28bc0b6fb378c8ef146be00"
        );
        assert_eq!(
            hex(&bytes::<Sha256>(sha256)),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&bytes::<Sha512>(sha512)),
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
             daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        );
    }

    fn keyed<H: BlockHash>(key: &[u8]) -> Hmac<H> {
        let mut mac = Hmac::WITHOUT_KEY;
        mac.set_key(key);
        mac
    }

    fn check_against_hmac_crate<H: BlockHash + EagerHash>(key: &[u8], numbers: [u64; 3]) {
        let mac = keyed::<H>(key);
        let expected = numbers.map(|number| {
            let mut mac = hmac::Hmac::<H>::new_from_slice(key).unwrap();
            mac.update(&number.to_be_bytes());
            mac.finalize().into_bytes().to_vec()
        });
        assert_eq!(mac.compute(numbers).map(bytes::<H>), expected, "together");
        let alone = numbers.map(|number| {
            let [hash] = mac.clone().compute([number]);
            bytes::<H>(hash)
        });
        assert_eq!(alone, expected, "one by one");
    }

    #[test]
    fn keys_may_have_any_length() {
        for length in 0..300 {
            let key: Vec<u8> = (1..=255).cycle().take(length).collect();
            let numbers = [0, 1, u64::MAX];
            check_against_hmac_crate::<Sha1>(&key, numbers);
            check_against_hmac_crate::<Sha256>(&key, numbers);
            check_against_hmac_crate::<Sha512>(&key, numbers);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 10_000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn macs_equal_those_of_the_hmac_crate(
            key in prop::collection::vec(any::<u8>(), 0..300),
            numbers in any::<[u64; 3]>(),
        ) {
            check_against_hmac_crate::<Sha1>(&key, numbers);
            check_against_hmac_crate::<Sha256>(&key, numbers);
            check_against_hmac_crate::<Sha512>(&key, numbers);
        }
    }
}
