use core::fmt;
use std::vec::Vec;

use super::{Failure, Harness};

/// One thing that a store must do, as a function over a [`Harness`].
pub struct Case<H> {
    name: &'static str,
    run: fn(&H) -> Result<(), Failure>,
}

impl<H: Harness> Case<H> {
    /// The name, a sentence about a store that passes. It is also the name of the function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What an attacker gains from a store that fails.
    #[must_use]
    pub fn attacker_gains(&self) -> &'static str {
        attacker_gains(self.name)
    }

    /// Runs the case.
    ///
    /// # Errors
    /// [`Failure`] if the store breaks the contract, or gives an error where it should not.
    pub fn run(&self, harness: &H) -> Result<(), Failure> {
        (self.run)(harness)
    }
}

impl<H> fmt::Debug for Case<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// All cases, in the order in which they are best run: the plain ones first.
#[must_use]
pub fn cases<H: Harness>() -> Vec<Case<H>> {
    macro_rules! cases {
        ($($name:ident: $attacker_gains:literal,)+) => {
            [$(Case { name: stringify!($name), run: super::$name }),+]
        };
    }
    crate::conformance_cases!([cases]).into()
}

/// What an attacker gains from a store that fails the case of this name.
pub(super) fn attacker_gains(case: &str) -> &'static str {
    macro_rules! find {
        ($($name:ident: $attacker_gains:literal,)+) => {
            match case {
                $(stringify!($name) => $attacker_gains,)+
                _ => "",
            }
        };
    }
    crate::conformance_cases!([find])
}
