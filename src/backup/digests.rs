use alloc::boxed::Box;
use core::fmt;
use zeroize::Zeroize;

/// The digest of one code: 128 bits, so that a chance hit is out of the question.
pub(super) type Digest = [u8; 16];

/// What a [`DigestJob`](crate::DigestJob) computed: one digest a code. Wiped on drop, because short codes
/// can be searched for by their digests.
pub struct Digests(Box<[Digest]>);

impl Digests {
    pub(super) const fn new(digests: Box<[Digest]>) -> Self {
        Self(digests)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Digest> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Digest> {
        self.0.iter_mut()
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digests")
            .field("count", &self.0.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Digests {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}
