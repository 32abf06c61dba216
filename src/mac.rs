//! HMAC-SHA-256, whole or cut to 16 bytes.

use crate::block_hash::Sha256;
use hmac::{Hmac, KeyInit, Mac};
use zeroize::Zeroizing;

/// HMAC-SHA-256 (RFC 2104) under a key of at most 64 bytes.
pub(crate) fn hmac_sha256<const KEY: usize>(key: &[u8; KEY]) -> Hmac<Sha256> {
    const { assert!(KEY <= 64, "a longer key would be cut") };
    // RFC 2104 pads the key with zeros to a block.
    let mut block = Zeroizing::new([0; 64]);
    for (padded, byte) in block.iter_mut().zip(key) {
        *padded = *byte;
    }
    <Hmac<Sha256> as KeyInit>::new((&*block).into())
}

/// The first 16 bytes of a MAC.
pub(crate) fn first_16(mac: Hmac<Sha256>) -> [u8; 16] {
    let whole = mac.finalize().into_bytes();
    let mut first = [0; 16];
    for (cut, byte) in first.iter_mut().zip(whole) {
        *cut = byte;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_test_case_of_rfc_4231() {
        let mac = hmac_sha256(b"Jefe").chain_update("what do ya want for nothing?");
        let expected = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95,
            0x75, 0xc7,
        ];
        assert_eq!(first_16(mac), expected);
    }
}
