//! HMAC (RFC 2104) of counters, and its dynamic truncation (RFC 4226, section 5.3).

use super::block_hash::BlockHash;
use super::hmac::Hmac;
use crate::Algorithm;
use crate::bleach::bleached;
use core::ops::RangeInclusive;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConditionallySelectable};

/// An HMAC whose key is set up.
///
/// Its states wipe themselves on drop. What was on the stack on the way is for [`leaving_nothing`] to wipe.
#[derive(Clone)]
pub(crate) enum KeyedMac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl KeyedMac {
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(Hmac::new(key)),
            Algorithm::Sha256 => Self::Sha256(Hmac::new(key)),
            Algorithm::Sha512 => Self::Sha512(Hmac::new(key)),
        }
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The truncated HMACs of counters: 31 bits each.
    pub(crate) fn truncated<const N: usize>(&self, counters: [u64; N]) -> [u32; N] {
        match self {
            Self::Sha1(mac) => truncated::<Sha1, N>(mac, counters),
            Self::Sha256(mac) => truncated::<Sha256, N>(mac, counters),
            Self::Sha512(mac) => truncated::<Sha512, N>(mac, counters),
        }
    }

    /// Looks at the truncated HMAC of each counter in order. They are computed three at a time, as many as a window
    /// usually has.
    #[inline]
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "what is added is at most what is left up to the last counter"
    )]
    pub(crate) fn for_each(&self, counters: RangeInclusive<u64>, mut look: impl FnMut(u64, u32)) {
        let (mut counter, last) = counters.into_inner();
        while last.saturating_sub(counter) >= 2 {
            let three = [counter, counter + 1, counter + 2];
            for (counter, truncated) in three.into_iter().zip(self.truncated(three)) {
                look(counter, truncated);
            }
            if last - counter == 2 {
                return;
            }
            counter += 3;
        }
        for counter in counter..=last {
            let [truncated] = self.truncated([counter]);
            look(counter, truncated);
        }
    }
}

/// Does work with a [`KeyedMac`], its making included, and leaves nothing of the key on the stack below.
#[inline]
pub(super) fn leaving_nothing<T>(algorithm: Algorithm, work: impl FnOnce() -> T) -> T {
    match algorithm {
        Algorithm::Sha1 | Algorithm::Sha256 => bleached::<2048, _>(work),
        Algorithm::Sha512 => bleached::<4096, _>(work),
    }
}

#[inline]
fn truncated<H: BlockHash, const N: usize>(mac: &Hmac<H>, counters: [u64; N]) -> [u32; N] {
    let mut truncated = [0; N];
    for (place, hash) in truncated.iter_mut().zip(mac.of(counters)) {
        *place = dynamic_truncation::<H>(hash);
    }
    truncated
}

/// The four bytes at the offset that the last four bits name, less the sign bit.
///
/// Each bit of the offset moves the bytes by its own worth, or leaves them: an index that depends on a secret would show
/// in the cache, and a shift by a secret number in the time of some processors.
fn dynamic_truncation<H: BlockHash>(hash: H::State) -> u32 {
    let ([a, b, c, d, e], last) = H::ends_of(hash);
    let two = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
    let by_eight = Choice::from((last >> 3) & 1);
    let here = u64::conditional_select(&two(a, b), &two(c, d), by_eight);
    let next = u32::conditional_select(&c, &e, by_eight);
    let by_four = Choice::from((last >> 2) & 1);
    let here = u64::conditional_select(&here, &two(here as u32, next), by_four);
    let by_two = Choice::from((last >> 1) & 1);
    let here = u64::conditional_select(&here, &(here << 16), by_two);
    let by_one = Choice::from(last & 1);
    let here = u64::conditional_select(&here, &(here << 8), by_one);
    (here >> 32) as u32 & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::dynamic_truncation;
    use crate::otp::block_hash::BlockHash;
    use sha1::Sha1;
    use sha2::{Sha256, Sha512};
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
            every_length_at::<Sha1>(offset, |bytes| words(bytes, u32::from_be_bytes));
            every_length_at::<Sha256>(offset, |bytes| words(bytes, u32::from_be_bytes));
            every_length_at::<Sha512>(offset, |bytes| words(bytes, u64::from_be_bytes));
        }
    }

    /// Against RFC 4226, section 5.3, word for word.
    fn every_length_at<H: BlockHash>(offset: u8, state: impl Fn(&[u8]) -> H::State) {
        let mut mac: Vec<u8> = (0x81..).take(<H as sha1::Digest>::output_size()).collect();
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
}
