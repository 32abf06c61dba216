use crate::TimeStep;
use core::ops::RangeInclusive;

/// How many time steps before and after the current one are accepted (RFC 6238, section 5.2).
///
/// The default, one step on either side, forgives a phone whose clock is off by up to 30 s and a person
/// who types while the passcode changes. Each step more is one more passcode that a guess can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Window {
    /// Steps before the current one: the phone's clock is behind, or the person was slow.
    pub before: u8,
    /// Steps after the current one: the phone's clock is ahead.
    pub after: u8,
}

impl Window {
    /// Only the current step.
    pub const EXACT: Self = Self::around(0);

    /// The same number of steps on either side.
    #[must_use]
    pub const fn around(steps: u8) -> Self {
        Self {
            before: steps,
            after: steps,
        }
    }

    /// The numbers of the steps around one.
    pub(super) const fn steps(self, current: TimeStep) -> RangeInclusive<u64> {
        let first = current.get().saturating_sub(self.before as u64);
        let last = current.get().saturating_add(self.after as u64);
        first..=last
    }

    /// How many passcodes are accepted at one time: `before + 1 + after`.
    #[must_use]
    pub const fn width(self) -> u16 {
        (self.before as u16)
            .saturating_add(self.after as u16)
            .saturating_add(1)
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::around(1)
    }
}
