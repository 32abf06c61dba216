use crate::KeyId;
use crate::bleach::bleached;
use aes_gcm_siv::aead::KeyInit;
use aes_gcm_siv::{Aes256GcmSiv, Key};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use rand_core::CryptoRng;
use zeroize::Zeroize;

/// A 256-bit key that records are sealed with. Wiped on drop.
#[derive(Clone)]
pub struct SealingKey(Box<[u8; 32]>);

impl SealingKey {
    /// A new key from the operating system's random source. Store it where the host keeps its secrets, not
    /// beside the records.
    ///
    /// # Errors
    /// [`RandomError`](crate::RandomError) if the system has no random source to offer.
    #[cfg(feature = "getrandom")]
    pub fn generate() -> Result<Self, crate::RandomError> {
        let mut key = Self(Box::new([0; 32]));
        getrandom::fill(key.0.as_mut()).map_err(|_| crate::RandomError::new())?;
        Ok(key)
    }

    /// A new key from a cryptographically secure generator.
    #[must_use]
    pub fn generate_with<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self(Box::new([0; 32]));
        rng.fill_bytes(key.0.as_mut());
        key
    }

    /// Copies a key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Box::new(*bytes))
    }

    /// The key, for the host to store.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").finish_non_exhaustive()
    }
}

impl Drop for SealingKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The keys of the records: the primary one seals, all of them open.
///
/// To change the key: add the new one as a retired key on every machine; then make it the primary on every
/// machine, with the old one retired; then call [`Verifier::reseal`](crate::Verifier::reseal) for every
/// account until a pass finds nothing to do; then drop the old one.
///
/// ```
/// use countersign::{KeyId, Keyring, SealingKey};
///
/// let old = SealingKey::generate()?;
/// let new = SealingKey::generate()?;
/// let keyring = Keyring::new(KeyId::new(2), new).with_retired(KeyId::new(1), old)?;
/// assert_eq!(keyring.primary(), KeyId::new(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Keyring {
    primary: KeyId,
    ciphers: Vec<(KeyId, Box<Aes256GcmSiv>)>,
}

impl Keyring {
    /// A keyring with one key.
    #[must_use]
    pub fn new(id: KeyId, key: SealingKey) -> Self {
        Self {
            primary: id,
            ciphers: Vec::from([(id, cipher(&key))]),
        }
    }

    /// Adds a key that opens records and seals none.
    ///
    /// # Errors
    /// [`KeyringError`] if the keyring has a key with this id.
    pub fn with_retired(mut self, id: KeyId, key: SealingKey) -> Result<Self, KeyringError> {
        if self.cipher(id).is_some() {
            return Err(KeyringError { id });
        }
        self.ciphers.push((id, cipher(&key)));
        Ok(self)
    }

    /// The key that seals.
    #[must_use]
    pub const fn primary(&self) -> KeyId {
        self.primary
    }

    /// The ids of all keys, the primary one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.ciphers.iter().map(|(id, _)| *id)
    }

    pub(super) fn cipher(&self, id: KeyId) -> Option<&Aes256GcmSiv> {
        self.ciphers
            .iter()
            .find(|(other, _)| *other == id)
            .map(|(_, cipher)| &**cipher)
    }
}

fn cipher(key: &SealingKey) -> Box<Aes256GcmSiv> {
    bleached::<4096, _>(|| Box::new(Aes256GcmSiv::new(<&Key<Aes256GcmSiv>>::from(key.expose()))))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("primary", &self.primary)
            .field("keys", &self.ciphers.len())
            .finish_non_exhaustive()
    }
}

/// Two keys of a keyring would have the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keyring has a key {id} already; ids are never used again")]
pub struct KeyringError {
    /// The id.
    pub id: KeyId,
}
