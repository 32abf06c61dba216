use super::block_hash::BlockHash;
use zeroize::Zeroize;

/// HMAC (RFC 2104) of a number of eight bytes, under a key that is set up: the two states that it kept are those after the first
/// block of the inner and of the outer hash, so that a message costs one block for each.
///
/// The states are wiped on drop.
pub(super) struct Hmac<H: BlockHash> {
    inner: H::State,
    outer: H::State,
}

impl<H: BlockHash> Hmac<H> {
    /// Takes a key of any length. One longer than a block is hashed first (RFC 2104, section 2).
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = H::ZEROS;
        match block.as_mut().get_mut(..key.len()) {
            Some(start) => start.copy_from_slice(key),
            None => {
                let hashed = H::digest(key);
                block
                    .as_mut()
                    .iter_mut()
                    .zip(hashed)
                    .for_each(|(place, byte)| *place = byte);
            }
        }
        let mut padded = |pad: u8| {
            block.as_mut().iter_mut().for_each(|byte| *byte ^= pad);
            let mut state = H::INITIAL;
            H::compress(&mut state, &block);
            state
        };
        Self {
            inner: padded(INNER_PAD),
            outer: padded(INNER_PAD ^ OUTER_PAD),
        }
    }

    /// The hash values of numbers. No inner hash waits for another, and no outer one, so a processor works on several
    /// at once.
    #[inline]
    pub(super) fn of<const N: usize>(&self, numbers: [u64; N]) -> [H::State; N] {
        let inner = continued::<H, N>(self.inner, &numbers.map(H::end_with_number));
        continued::<H, N>(self.outer, &inner.map(H::end_with_hash))
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
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// The states after one state and each of several blocks.
#[inline]
fn continued<H: BlockHash, const N: usize>(
    from: H::State,
    blocks: &[H::Block; N],
) -> [H::State; N] {
    let mut states = [from; N];
    for (state, block) in states.iter_mut().zip(blocks) {
        H::compress(state, block);
    }
    states
}

const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

#[cfg(test)]
mod tests {
    use super::super::block_hash::BlockHash;
    use super::Hmac;
    use hmac::digest::OutputSizeUser;
    use hmac::{EagerHash, KeyInit, Mac};
    use proptest::prelude::*;
    use sha1::Sha1;
    use sha2::{Sha256, Sha512};
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    /// The whole hash value: it is what the last block of a longer message would begin with.
    fn bytes<H: BlockHash>(hash: H::State) -> Vec<u8> {
        let mut block = H::end_with_hash(hash);
        block.as_mut()[..<H as OutputSizeUser>::output_size()].to_vec()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Test case 1 of RFC 2202, section 3, and of RFC 4231, section 4.2: its message has eight bytes.
    #[test]
    fn rfc_2202_and_rfc_4231() {
        let message = [u64::from_be_bytes(*b"Hi There")];
        let [sha1] = Hmac::<Sha1>::new(&[0x0b; 20]).of(message);
        let [sha256] = Hmac::<Sha256>::new(&[0x0b; 20]).of(message);
        let [sha512] = Hmac::<Sha512>::new(&[0x0b; 20]).of(message);
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

    fn is_that_of_the_hmac_crate<H: BlockHash + EagerHash>(key: &[u8], numbers: [u64; 3]) {
        let mac = Hmac::<H>::new(key);
        let expected = numbers.map(|number| {
            let mut mac = hmac::Hmac::<H>::new_from_slice(key).unwrap();
            mac.update(&number.to_be_bytes());
            mac.finalize().into_bytes().to_vec()
        });
        assert_eq!(mac.of(numbers).map(bytes::<H>), expected, "together");
        let alone = numbers.map(|number| {
            let [hash] = mac.clone().of([number]);
            bytes::<H>(hash)
        });
        assert_eq!(alone, expected, "one by one");
    }

    #[test]
    fn keys_of_every_length_around_a_block() {
        for length in 0..300 {
            let key: Vec<u8> = (1..=255).cycle().take(length).collect();
            let numbers = [0, 1, u64::MAX];
            is_that_of_the_hmac_crate::<Sha1>(&key, numbers);
            is_that_of_the_hmac_crate::<Sha256>(&key, numbers);
            is_that_of_the_hmac_crate::<Sha512>(&key, numbers);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 10_000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn the_hmac_crate_computes_the_same(
            key in prop::collection::vec(any::<u8>(), 0..300),
            numbers in any::<[u64; 3]>(),
        ) {
            is_that_of_the_hmac_crate::<Sha1>(&key, numbers);
            is_that_of_the_hmac_crate::<Sha256>(&key, numbers);
            is_that_of_the_hmac_crate::<Sha512>(&key, numbers);
        }
    }
}
