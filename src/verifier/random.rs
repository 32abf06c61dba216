use crate::RandomError;
use rand_core::{TryCryptoRng, TryRng};

/// Where secrets, backup codes, ids, revisions and nonces come from.
///
/// An implementation must be cryptographically secure, and must give different bytes on every call, on every
/// machine and after every restart: a revision that comes twice lets two logins pass with one passcode.
pub trait RandomSource: Send + Sync {
    /// Fills a buffer.
    ///
    /// # Errors
    /// [`RandomError`] if it cannot. The operation that asked is given up, and nothing is written.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The operating system's random source.
#[cfg(feature = "getrandom")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

#[cfg(feature = "getrandom")]
impl RandomSource for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(buffer).map_err(|_| RandomError::new())
    }
}

/// A random source as the generator that the other layers take.
pub(super) struct Generator<'a>(pub(super) &'a dyn RandomSource);

impl Generator<'_> {
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl TryRng for Generator<'_> {
    type Error = RandomError;

    fn try_next_u32(&mut self) -> Result<u32, RandomError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomError> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill(buffer)
    }
}

impl TryCryptoRng for Generator<'_> {}
