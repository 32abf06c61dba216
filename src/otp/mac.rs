//! HMAC (RFC 2104) and its dynamic truncation (RFC 4226, section 5.3).

use crate::Algorithm;
use crate::bleach::bleached;
use hmac::digest::Output;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

/// An HMAC whose key is set up: both pads are hashed once, and each message starts from there.
///
/// The states wipe themselves on drop, by the `zeroize` features of the hash crates. What was on the stack on
/// the way is for [`leaving_nothing`] to wipe.
#[derive(Clone)]
pub(crate) enum KeyedMac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl KeyedMac {
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(keyed(key)),
            Algorithm::Sha256 => Self::Sha256(keyed(key)),
            Algorithm::Sha512 => Self::Sha512(keyed(key)),
        }
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The truncated HMAC of a counter: 31 bits.
    pub(crate) fn truncated(&self, counter: u64) -> u32 {
        match self {
            Self::Sha1(mac) => truncate(mac, counter),
            Self::Sha256(mac) => truncate(mac, counter),
            Self::Sha512(mac) => truncate(mac, counter),
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

fn keyed<D: EagerHash>(key: &[u8]) -> Hmac<D> {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length (RFC 2104, section 2)"
    )]
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn truncate<D: EagerHash>(mac: &Hmac<D>, counter: u64) -> u32
where
    Hmac<D>: Mac + Clone,
{
    let mut mac = mac.clone();
    mac.update(&counter.to_be_bytes());
    let mut bytes: Output<Hmac<D>> = mac.finalize().into_bytes();
    let word = dynamic_truncation(&bytes);
    bytes.as_mut_slice().zeroize();
    word
}

/// The four bytes at the offset that the last four bits name, less the sign bit.
///
/// Every one of the 16 offsets is read, and the right one kept: an index that depends on a secret would
/// show in the cache.
fn dynamic_truncation(mac: &[u8]) -> u32 {
    let offset = mac.last().copied().unwrap_or_default() & 0x0f;
    let mut truncated = 0;
    for (candidate, word) in (0_u8..16).zip(mac.windows(4)) {
        let word = word
            .iter()
            .fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
        truncated.conditional_assign(&word, candidate.ct_eq(&offset));
    }
    truncated & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::dynamic_truncation;
    use std::vec::Vec;

    #[test]
    fn the_example_of_rfc_4226_section_5_4() {
        let mac = [
            0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19,
            0xda, 0x8e, 0x94, 0x5b, 0x55, 0x5a,
        ];
        assert_eq!(dynamic_truncation(&mac), 0x50ef_7f19);
    }

    #[test]
    fn every_offset_reads_its_own_four_bytes() {
        for length in [20, 32, 64] {
            for offset in 0..16_u8 {
                let mut mac: Vec<u8> = (0..length).collect();
                *mac.last_mut().unwrap() = 0x70 | offset;
                let at = usize::from(offset);
                let expected =
                    u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
                assert_eq!(
                    dynamic_truncation(&mac),
                    expected,
                    "length {length}, offset {offset}"
                );
            }
        }
    }
}
