use alloc::string::String;
use core::{fmt, mem};
use zeroize::optimization_barrier;

/// Text that holds a secret: a key URI, a key to type, a backup code. Wiped on drop.
///
/// It has no `Display`, so that it cannot slip into a log: [`expose`](Self::expose) is the one way out.
/// What is copied out of it (a page, a response body) is the host's to wipe.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    /// Takes text over. Its buffer must have been allocated with room for all of it: a buffer that grew
    /// has left copies behind.
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretText").finish_non_exhaustive()
    }
}

impl Drop for SecretText {
    /// In one go; `String::zeroize` goes byte by byte.
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.0).into_bytes();
        bytes.clear();
        bytes.resize(bytes.capacity(), 0);
        optimization_barrier(bytes.as_slice());
    }
}
