//! The pepper: a secret key for the hashes of backup codes.

use alloc::boxed::Box;
use core::fmt;
use zeroize::Zeroize;

/// A secret key for the hashes of backup codes: the secret value K of Argon2 (RFC 9106, section
/// 3.1). Wiped on drop.
///
/// Use a pepper for a [`BackupCodeSet`](crate::backup::BackupCodeSet) that you store without
/// `Verifier`, and keep the pepper outside the database. An attacker who reads only the database
/// then cannot try codes. A pepper does not protect against an attacker who writes to the database
/// and can store another set. The records of `Verifier` are encrypted and need no pepper.
///
/// The hashes cannot be computed again without the codes. So keep a pepper as long as any set names
/// it. To change the pepper, issue new sets with a new pepper that has another id.
#[derive(Clone)]
pub struct Pepper {
    id: PepperId,
    key: Box<[u8]>,
}

impl Pepper {
    /// Copies a key of 16 to 64 bytes. Generate it with a cryptographically secure generator.
    ///
    /// # Errors
    /// [`PepperError`] if the key is shorter or longer.
    pub fn new(id: PepperId, key: &[u8]) -> Result<Self, PepperError> {
        match key.len() {
            16..=64 => Ok(Self {
                id,
                key: key.into(),
            }),
            bytes => Err(PepperError { bytes }),
        }
    }

    /// Returns the id, which the sets store.
    #[must_use]
    pub const fn id(&self) -> PepperId {
        self.id
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pepper")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Drop for Pepper {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// The id of a [`Pepper`]. Choose one for each key, and never give it to another key. The id is not
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PepperId(u32);

impl PepperId {
    /// Makes the id with this number.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for PepperId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The error for a pepper that is not 16 to 64 bytes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pepper has {bytes} bytes; use 16 to 64")]
#[non_exhaustive]
pub struct PepperError {
    /// The length of the key in bytes.
    pub bytes: usize,
}
