use core::error::Error;
use core::fmt;
use std::string::String;

use super::case::attacker_gains;

/// A case that the store failed: what was expected of it, what it did, and what that is worth to an attacker.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    case: &'static str,
    expected: String,
    seen: String,
}

impl Failure {
    pub(super) fn new(
        case: &'static str,
        expected: impl Into<String>,
        seen: impl Into<String>,
    ) -> Self {
        let (expected, seen) = (expected.into(), seen.into());
        Self {
            case,
            expected,
            seen,
        }
    }

    /// The name of the case.
    #[must_use]
    pub fn case(&self) -> &'static str {
        self.case
    }

    /// What the contract asks for.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What the store did.
    #[must_use]
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// What an attacker gains from a store that fails this case.
    #[must_use]
    pub fn attacker_gains(&self) -> &'static str {
        attacker_gains(self.case)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n  expected: {}\n  seen: {}\n  an attacker gains: {}",
            self.case,
            self.expected,
            self.seen,
            self.attacker_gains()
        )
    }
}

impl fmt::Debug for Failure {
    /// The same as `Display`, because this is what a test prints that returns a `Failure`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failure {}
