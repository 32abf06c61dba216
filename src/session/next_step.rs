use super::passed::Passed;
use super::requirement::{FactorFlag, Requirement};
use crate::factor::EnabledStatus;
use crate::{AccountId, Status, Timestamp};

/// What comes after the first factor: see
/// [`Verifier::after_first_factor`](crate::Verifier::after_first_factor).
#[derive(Debug)]
#[must_use = "a session becomes a full one only if this is `Passed`"]
#[non_exhaustive]
pub enum NextStep {
    /// Ask for a code.
    EnterCode(EnabledStatus),
    /// The account has no second factor and needs none now.
    Passed(Passed),
    /// The account has no second factor now, and must have one from this time on. Ask the user to
    /// enroll.
    PassedUntil(Passed, Timestamp),
    /// The account must enroll before it can do anything else. The half session may begin and
    /// confirm an enrollment; the receipt of the confirmation makes it a full one.
    Enroll,
    /// Your flag says that the account has a second factor, but there is no record of it: the row
    /// was lost or restored. Let nobody in, and look for the cause.
    RecordLost,
}

/// Compares the status with the flag, and applies the requirement.
pub(crate) fn next_step(
    account: &AccountId,
    status: Status,
    flag: FactorFlag,
    requirement: &Requirement,
    now: Timestamp,
) -> NextStep {
    match (status, flag) {
        (Status::Enabled(enabled), _) => NextStep::EnterCode(enabled),
        (_, FactorFlag::On) | (Status::Absent, FactorFlag::Ending) => NextStep::RecordLost,
        (Status::Disabled | Status::Absent, FactorFlag::Off)
        | (Status::Disabled, FactorFlag::Ending) => {
            let passed = Passed::without_factor(account.clone(), now);
            match requirement.enroll_from() {
                None => NextStep::Passed(passed),
                Some(from) if now < from => NextStep::PassedUntil(passed, from),
                Some(_) => NextStep::Enroll,
            }
        }
    }
}

impl NextStep {
    /// Returns the flag that your application should store now, instead of the one that you passed.
    /// It differs only if a process died between two writes.
    #[must_use]
    pub const fn flag(&self, stored: FactorFlag) -> FactorFlag {
        match (self, stored) {
            (Self::EnterCode(_), FactorFlag::Off) => FactorFlag::On,
            (Self::EnterCode(_) | Self::RecordLost, stored) => stored,
            (Self::Passed(_) | Self::PassedUntil(..) | Self::Enroll, _) => FactorFlag::Off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::RateLimitState;
    use crate::session::Exemption;
    use alloc::vec::Vec;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn statuses() -> [Status; 3] {
        let enabled = EnabledStatus {
            authenticators: Vec::new(),
            backup_codes: None,
            rate_limit: RateLimitState::Free,
            devices: Vec::new(),
            ended: Vec::new(),
        };
        [Status::Absent, Status::Disabled, Status::Enabled(enabled)]
    }

    fn step(status: Status, flag: FactorFlag, requirement: &Requirement) -> &'static str {
        let account = AccountId::from(1_u32);
        match next_step(&account, status, flag, requirement, NOW) {
            NextStep::EnterCode(_) => "code",
            NextStep::Passed(passed) => {
                assert_eq!(passed.account(), &account);
                "passed"
            }
            NextStep::PassedUntil(..) => "passed until",
            NextStep::Enroll => "enroll",
            NextStep::RecordLost => "lost",
        }
    }

    #[test]
    fn a_lost_row_is_never_none() {
        use FactorFlag::{Ending, Off, On};
        let expected = [
            (Off, ["passed", "passed", "code"]),
            (On, ["lost", "lost", "code"]),
            (Ending, ["lost", "passed", "code"]),
        ];
        for (flag, steps) in expected {
            let found = statuses().map(|status| step(status, flag, &Requirement::Optional));
            assert_eq!(found, steps, "{flag:?}");
        }
    }

    #[test]
    fn an_interrupted_change_of_the_flag_is_finished() {
        use FactorFlag::{Ending, Off, On};
        let expected = [
            (Off, [Off, Off, On]),
            (On, [On, On, On]),
            (Ending, [Ending, Off, Ending]),
        ];
        let account = AccountId::from(1_u32);
        for (flag, flags) in expected {
            let found = statuses().map(|status| {
                next_step(&account, status, flag, &Requirement::Optional, NOW).flag(flag)
            });
            assert_eq!(found, flags, "{flag:?}");
        }
    }

    #[test]
    fn requirements_hold_from_their_time_on() {
        let exempt = |until| {
            Requirement::Exempt(Exemption {
                by: "staff".into(),
                reason: "a test account".into(),
                until,
            })
        };
        let later = NOW.saturating_add(1);
        let expected = [
            (Requirement::Optional, "passed"),
            (Requirement::SatisfiedByOther, "passed"),
            (Requirement::Required, "enroll"),
            (Requirement::RequiredFrom(later), "passed until"),
            (Requirement::RequiredFrom(NOW), "enroll"),
            (exempt(later), "passed until"),
            (exempt(NOW), "enroll"),
        ];
        for (requirement, expected) in expected {
            for status in [Status::Absent, Status::Disabled] {
                assert_eq!(step(status, FactorFlag::Off, &requirement), expected);
            }
            let [.., enabled] = statuses();
            assert_eq!(step(enabled, FactorFlag::Off, &requirement), "code");
        }
    }
}
