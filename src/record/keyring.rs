use crate::KeyId;
use crate::mac::hmac_sha256;
use crate::stack_wipe::with_wiped_stack;
use aes_gcm_siv::aead::KeyInit;
use aes_gcm_siv::aes::Aes256Enc;
use aes_gcm_siv::{AesGcmSiv, Key};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use hmac::Mac;
use rand_core::CryptoRng;
use zeroize::Zeroize;

/// A 256-bit key that encrypts records. It is wiped on drop.
#[derive(Clone)]
pub struct SealingKey(Box<[u8; 32]>);

impl SealingKey {
    /// Generates a key from the operating system's random source.
    ///
    /// Store the key with your application's other secrets, not next to the records.
    ///
    /// # Errors
    /// [`RandomError`](crate::otp::RandomError) if the system's random source fails.
    #[cfg(feature = "getrandom")]
    pub fn generate() -> Result<Self, crate::otp::RandomError> {
        let mut key = Self(Box::new([0; 32]));
        getrandom::fill(key.0.as_mut()).map_err(|_| crate::otp::RandomError::new())?;
        Ok(key)
    }

    /// Generates a key from a cryptographically secure generator.
    ///
    /// The trait comes from [`rand_core`](crate::rand_core) 0.10, which `rand` 0.10 uses. A
    /// generator of another version does not fit.
    #[must_use]
    pub fn generate_with<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self(Box::new([0; 32]));
        rng.fill_bytes(key.0.as_mut());
        key
    }

    /// Copies a key that you stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Box::new(*bytes))
    }

    /// The bytes of the key, for your application to store.
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

/// The keys of records and receipts: the primary key encrypts, and all keys decrypt.
///
/// To change the key:
///
/// 1. Add the new key as a retired key on every server.
/// 2. Make it the primary key on every server, with the old key retired.
/// 3. Call [`Verifier::reseal`](crate::Verifier::reseal) for every account until a full run changes
///    nothing.
/// 4. Remove the old key.
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
    primary: Keys,
    retired: Vec<Keys>,
}

/// AES-256-GCM-SIV. It never decrypts a block, so it needs no key schedule for that.
pub(super) type RecordCipher = AesGcmSiv<Aes256Enc>;

/// The keys that are derived from one sealing key. Wiped on drop.
pub(super) struct Keys {
    pub(super) id: KeyId,
    pub(super) cipher: Box<RecordCipher>,
    /// The key that authenticates receipts.
    pub(super) receipts: Box<[u8; 32]>,
}

impl Keys {
    fn new(id: KeyId, key: &SealingKey) -> Self {
        const RECEIPTS: &[u8] = b"countersign receipts";
        with_wiped_stack::<4096, _>(|| {
            let cipher = Box::new(RecordCipher::new(<&Key<RecordCipher>>::from(key.expose())));
            let mut receipts = Box::new([0; 32]);
            let derived = hmac_sha256(key.expose()).chain_update(RECEIPTS).finalize();
            receipts.copy_from_slice(derived.as_bytes());
            Self {
                id,
                cipher,
                receipts,
            }
        })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.receipts.zeroize();
    }
}

impl Keyring {
    /// Makes a keyring with one key.
    #[must_use]
    pub fn new(id: KeyId, key: SealingKey) -> Self {
        Self {
            primary: Keys::new(id, &key),
            retired: Vec::new(),
        }
    }

    /// Adds a retired key. It decrypts records and checks receipts, but never makes new ones.
    ///
    /// # Errors
    /// [`KeyringError`] if the keyring already has a key with this id.
    pub fn with_retired(mut self, id: KeyId, key: SealingKey) -> Result<Self, KeyringError> {
        if self.keys(id).is_some() {
            return Err(KeyringError { id });
        }
        self.retired.push(Keys::new(id, &key));
        Ok(self)
    }

    /// The id of the key that encrypts.
    #[must_use]
    pub const fn primary(&self) -> KeyId {
        self.primary.id
    }

    /// The ids of all keys, the primary one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.all().map(|keys| keys.id)
    }

    pub(super) const fn primary_keys(&self) -> &Keys {
        &self.primary
    }

    pub(super) fn keys(&self, id: KeyId) -> Option<&Keys> {
        self.all().find(|keys| keys.id == id)
    }

    fn all(&self) -> impl Iterator<Item = &Keys> {
        core::iter::once(&self.primary).chain(&self.retired)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("primary", &self.primary())
            .field("keys", &self.all().count())
            .finish_non_exhaustive()
    }
}

/// The error for a keyring that already has a key with this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keyring already has a key {id}; give each key an id of its own")]
pub struct KeyringError {
    /// The id of both keys.
    pub id: KeyId,
}
