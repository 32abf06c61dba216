//! What is left after a removal.

use crate::factor::Changed;

/// What [`Verifier::remove_authenticator`](crate::Verifier::remove_authenticator) or
/// [`Verifier::disable`](crate::Verifier::disable) leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "clear your own `enrolled` flag if the second factor is off now"]
pub enum Removed {
    /// Another authenticator is still active.
    OthersLeft {
        /// How many authenticators are active, at least one.
        authenticators: u8,
        /// How many backup codes are unused.
        backup_codes: u8,
    },
    /// No authenticator and no backup code is left: the second factor is off. Clear your own
    /// `enrolled` flag.
    Disabled,
}

impl Changed {
    pub(super) fn left(&self) -> Removed {
        match self.authenticators {
            0 => Removed::Disabled,
            authenticators => Removed::OthersLeft {
                authenticators,
                backup_codes: self.backup_codes,
            },
        }
    }
}
