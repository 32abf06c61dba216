use alloc::boxed::Box;
use core::fmt;
use zeroize::Zeroize;

/// A key that goes into every digest of a standalone [`BackupCodeSet`](crate::backup::BackupCodeSet) and is kept away from it, so
/// that a stolen database alone gives nothing to try codes against: the secret value K of Argon2 (RFC 9106,
/// section 3.1). Wiped on drop.
///
/// It protects against readers, not against writers of the database, who can put a set of their own there.
/// A record that `Verifier` keeps is sealed as a whole and needs no pepper.
///
/// Digests cannot be computed again without the codes, so a pepper must be kept for as long as any ledger
/// names it. To change it, give new sets a new one with another id.
#[derive(Clone)]
pub struct Pepper {
    id: PepperId,
    key: Box<[u8]>,
}

impl Pepper {
    /// Copies a key of 16 to 64 bytes, which must come from a cryptographically secure generator.
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

    /// The name that ledgers keep of it.
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

/// The name of a [`Pepper`]: chosen by the host, not secret, never given to another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PepperId(u32);

impl PepperId {
    /// The id with this number.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The number.
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

/// The key is not 16 to 64 bytes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pepper has {bytes} bytes; 16 to 64 are possible")]
#[non_exhaustive]
pub struct PepperError {
    /// The bytes that it has.
    pub bytes: usize,
}
