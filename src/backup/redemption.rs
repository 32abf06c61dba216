use crate::{DigestError, PepperId, Timestamp};

/// A code was accepted, and is marked as used in the ledger: which must now be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "store the ledger before you let anybody in, or the code can be used again"]
pub struct Redemption {
    index: usize,
    remaining: usize,
}

impl Redemption {
    pub(super) const fn new(index: usize, remaining: usize) -> Self {
        Self { index, remaining }
    }

    /// The number of the code, from 1, as in the file.
    #[must_use]
    pub const fn number(self) -> usize {
        self.index.saturating_add(1)
    }

    /// How many codes are left.
    #[must_use]
    pub const fn remaining(self) -> usize {
        self.remaining
    }
}

/// A code was not accepted, and nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// It does not have the length and the symbols of a code of this set. No digest was computed.
    #[error("the code does not have the form of a backup code")]
    Shape,
    /// It is not a code of this set. Count it as a failure.
    #[error("the backup code is wrong")]
    Wrong,
    /// It is a code of this set that was used before. Count it as a failure: without the count, somebody
    /// who found a used code has guesses for free.
    #[error("the backup code was used before")]
    Used {
        /// The number of the code, from 1, as in the file.
        number: usize,
        /// When it was used.
        at: Timestamp,
    },
    /// The set was issued with a pepper, and none is given.
    #[error("the backup codes need pepper {needed}")]
    PepperMissing {
        /// The pepper that the set was issued with.
        needed: PepperId,
    },
    /// The set was issued with another pepper than the one given.
    #[error("the backup codes need pepper {needed}, not {given}")]
    PepperOther {
        /// The pepper that the set was issued with.
        needed: PepperId,
        /// The pepper that was given.
        given: PepperId,
    },
    /// The digest could not be computed.
    #[error(transparent)]
    Digest(#[from] DigestError),
}
