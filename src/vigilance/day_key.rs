//! The accounts of one day, as keyed hashes.

use crate::AccountId;
use crate::mac::{first_16, hmac_sha256};
use crate::otp::RandomError;
use crate::runtime::{Generator, RandomSource};
use crate::stack_wipe::with_wiped_stack;
use core::fmt;
use hmac::Mac;
use std::boxed::Box;
use zeroize::Zeroize;

/// The random key of one day. It is wiped on drop.
///
/// Whoever has the key and the tags can find out which accounts had a wrong code on that day.
/// Delete both when the day is over.
#[derive(Clone)]
pub struct DayKey(Box<[u8; 32]>);

/// One account on one day: the first 16 bytes of HMAC-SHA-256 over the account id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountTag([u8; 16]);

impl DayKey {
    /// Draws a key.
    ///
    /// # Errors
    /// [`RandomError`] if the random source fails.
    pub fn generate(random: &dyn RandomSource) -> Result<Self, RandomError> {
        Ok(Self(Box::new(Generator(random).bytes()?)))
    }

    /// Copies a key that you stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Box::new(*bytes))
    }

    /// The bytes of the key, to share it with the other servers.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the tag of an account on this day.
    #[must_use]
    pub fn tag(&self, account: &AccountId) -> AccountTag {
        with_wiped_stack::<2048, _>(|| {
            AccountTag(first_16(
                hmac_sha256(&self.0).chain_update(account.as_str()),
            ))
        })
    }
}

impl AccountTag {
    #[cfg(all(test, feature = "getrandom"))]
    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for DayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DayKey").finish_non_exhaustive()
    }
}

impl Drop for DayKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_tag_is_a_truncated_hmac() {
        // Of Python's hmac.new(bytes(range(32)), b"alice", "sha256").
        let key: [u8; 32] = core::array::from_fn(|at| u8::try_from(at).unwrap());
        let tag = DayKey::from_bytes(&key).tag(&AccountId::new("alice").unwrap());
        let expected = data_encoding::HEXLOWER.encode(tag.as_bytes());
        assert_eq!(expected, "6eefad2bed97b6d93ee663d67a44b460");
    }

    #[test]
    fn two_keys_give_two_tags() {
        let account = AccountId::from(7_u32);
        let tag = |key| DayKey::from_bytes(&[key; 32]).tag(&account);
        assert_eq!(tag(1), tag(1));
        assert_ne!(tag(1), tag(2));
        let other = DayKey::from_bytes(&[1; 32]).tag(&AccountId::from(8_u32));
        assert_ne!(tag(1), other);
    }

    #[test]
    fn debug_hides_the_key() {
        let key = DayKey::from_bytes(&[7; 32]);
        assert_eq!(format!("{key:?}"), "DayKey { .. }");
    }
}
