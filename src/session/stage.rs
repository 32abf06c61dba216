use super::freshness::{Freshness, StepUp};
use super::passed::{Passed, SignInFactors};
use crate::factor::rate_limit::is_recent;
use crate::{AccountId, FirstFactor, Timestamp};

/// The stage of a session.
///
/// Renew the id of the session at each step to a higher stage. A sign-out leads to `Anonymous`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Nobody is known.
    #[default]
    Anonymous,
    /// The first factor was right, and the second factor is missing.
    FirstFactor(HalfSession),
    /// Signed in, with these factors. Take them from your own row for the sign-in, not from the
    /// session: the session only names the row.
    Full(SignInFactors),
}

/// What a page needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Nothing: everybody may see it.
    Public,
    /// The first factor: for the code page only.
    FirstFactor,
    /// A full session.
    Full,
    /// A full session with factors that are fresh.
    Fresh(Freshness),
}

/// Why a page is closed, and what to do first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Sign in.
    #[error("nobody is signed in; ask for the first factor")]
    SignIn,
    /// Enter the code that is missing.
    #[error("the second factor is missing; ask for a code")]
    EnterCode,
    /// The session is a full one already, so there is no code to enter.
    #[error("the sign-in is complete already; go on to the first page")]
    AlreadySignedIn,
    /// The factors are too old for this page.
    #[error(transparent)]
    StepUp(StepUp),
}

impl Stage {
    /// Whether a session at this stage may have the page.
    ///
    /// # Errors
    /// [`Refused`], with what to do first.
    pub fn admit(&self, access: Access, now: Timestamp) -> Result<(), Refused> {
        match (access, self) {
            (Access::Public, _) | (Access::Full, Self::Full(_)) => Ok(()),
            (_, Self::Anonymous) => Err(Refused::SignIn),
            (_, Self::FirstFactor(half)) if half.is_over(now) => Err(Refused::SignIn),
            (Access::FirstFactor, Self::FirstFactor(_)) => Ok(()),
            (Access::FirstFactor, Self::Full(_)) => Err(Refused::AlreadySignedIn),
            (_, Self::FirstFactor(_)) => Err(Refused::EnterCode),
            (Access::Fresh(freshness), Self::Full(factors)) => {
                freshness.check(factors, now).map_err(Refused::StepUp)
            }
        }
    }
}

impl From<&FullSession> for Stage {
    fn from(session: &FullSession) -> Self {
        Self::Full(session.factors())
    }
}

/// A session whose first factor was right and whose second factor is missing.
///
/// Keep it on your server, or in a signed cookie. It ends ten minutes after the first factor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HalfSession {
    account: AccountId,
    first: FirstFactor,
}

impl HalfSession {
    /// How long a user has for the second factor, in seconds.
    pub const LIFETIME: u64 = 600;

    /// Makes the half session of an account whose first factor you have just checked.
    #[must_use]
    pub const fn new(account: AccountId, first: FirstFactor) -> Self {
        Self { account, first }
    }

    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns the first factor.
    #[must_use]
    pub const fn first_factor(&self) -> FirstFactor {
        self.first
    }

    /// Whether the time for the second factor is over.
    #[must_use]
    pub const fn is_over(&self, now: Timestamp) -> bool {
        !is_recent(self.first.at, now, Self::LIFETIME)
    }

    /// Makes a full session. Insert a row for the sign-in, renew the id of the session, and let the
    /// session name the row.
    ///
    /// # Errors
    /// [`PassError`], if the time is over, or if the second factor is another account's.
    pub fn pass(&self, passed: Passed, now: Timestamp) -> Result<FullSession, PassError> {
        if passed.account() != &self.account {
            return Err(PassError::OtherAccount);
        }
        if self.is_over(now) {
            return Err(PassError::Over);
        }
        Ok(FullSession {
            first: self.first,
            passed,
        })
    }
}

/// A session that passed the second factor, or needs none. Only [`HalfSession::pass`] makes one.
#[derive(Debug)]
#[must_use = "insert a row for the sign-in"]
pub struct FullSession {
    first: FirstFactor,
    passed: Passed,
}

impl FullSession {
    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        self.passed.account()
    }

    /// Returns the factors, for the row of the sign-in.
    #[must_use]
    pub const fn factors(&self) -> SignInFactors {
        SignInFactors {
            first: self.first,
            second: self.passed.second_factor(),
            second_at: self.passed.at(),
        }
    }
}

/// Why a half session cannot become a full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassError {
    /// The second factor belongs to another account than the first.
    #[error("the second factor belongs to another account; ask the user to sign in again")]
    OtherAccount,
    /// The first factor was checked more than ten minutes ago, or its time lies in the future.
    #[error("the time for the second factor is over; ask the user to sign in again")]
    Over,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FirstFactorKind;
    use crate::session::SecondFactorUse;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    const fn ago(seconds: u64) -> Timestamp {
        Timestamp::from_unix(NOW.saturating_since(Timestamp::from_unix(seconds)))
    }

    fn half(at: Timestamp) -> Stage {
        Stage::FirstFactor(HalfSession::new(1_u32.into(), FirstFactor::password(at)))
    }

    fn full(first: FirstFactor, second: SecondFactorUse, second_at: Timestamp) -> Stage {
        Stage::Full(SignInFactors {
            first,
            second,
            second_at,
        })
    }

    #[test]
    fn each_stage_reaches_its_pages_only() {
        let fresh = Access::Fresh(Freshness::minutes(10));
        let pages = [Access::Public, Access::FirstFactor, Access::Full, fresh];
        let reach = |stage: Stage| pages.map(|page| stage.admit(page, NOW));
        let (sign_in, code) = (Err(Refused::SignIn), Err(Refused::EnterCode));
        assert_eq!(reach(Stage::Anonymous), [Ok(()), sign_in, sign_in, sign_in]);
        assert_eq!(reach(half(NOW)), [Ok(()), Ok(()), code, code]);
        assert_eq!(reach(half(ago(600))), [Ok(()), Ok(()), code, code]);
        assert_eq!(reach(half(ago(601))), [Ok(()), sign_in, sign_in, sign_in]);
        let future = half(NOW.saturating_add(11));
        assert_eq!(reach(future), [Ok(()), sign_in, sign_in, sign_in]);
        let passcode = SecondFactorUse::Passcode;
        let done = full(FirstFactor::password(NOW), passcode, NOW);
        let already = Err(Refused::AlreadySignedIn);
        assert_eq!(reach(done), [Ok(()), already, Ok(()), Ok(())]);
    }

    #[test]
    fn old_factors_need_a_step_up() {
        let (none, passcode) = (SecondFactorUse::None, SecondFactorUse::Passcode);
        let password = FirstFactor::password;
        let token = FirstFactor::new(FirstFactorKind::ApiToken, NOW);
        let ten = Freshness::minutes(10);
        let strict = ten.with_second_factor();
        let cases = [
            (ten, full(password(ago(600)), none, ago(900)), None),
            (
                ten,
                full(password(ago(601)), none, NOW),
                Some(StepUp::FirstFactor),
            ),
            (ten, full(password(ago(600)), passcode, ago(600)), None),
            (
                ten,
                full(password(NOW), passcode, ago(601)),
                Some(StepUp::EnterCode),
            ),
            (
                ten,
                full(password(ago(601)), passcode, NOW),
                Some(StepUp::FirstFactor),
            ),
            (ten, full(token, passcode, NOW), Some(StepUp::FirstFactor)),
            (strict, full(password(NOW), none, NOW), Some(StepUp::Enroll)),
            (strict, full(password(NOW), passcode, NOW), None),
        ];
        for (freshness, stage, expected) in cases {
            let found = stage.admit(Access::Fresh(freshness), NOW).err();
            assert_eq!(found, expected.map(Refused::StepUp), "{stage:?}");
        }
    }

    #[test]
    fn only_the_same_account_passes_in_time() {
        let half = HalfSession::new(1_u32.into(), FirstFactor::password(NOW));
        let passed = |account: u32| Passed::without_factor(account.into(), NOW);
        assert!(half.pass(passed(1), NOW.saturating_add(600)).is_ok());
        let other = half.pass(passed(2), NOW).err();
        assert_eq!(other, Some(PassError::OtherAccount));
        let over = half.pass(passed(1), NOW.saturating_add(601)).err();
        assert_eq!(over, Some(PassError::Over));
    }
}
