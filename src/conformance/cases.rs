//! The list of all cases, with what an attacker gains, and the failure of a case.

use core::error::Error;
use core::fmt;
use std::string::String;

/// A case that the store failed: what the case expected, what the store did, and what an attacker
/// gains.
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

    /// Returns what the contract requires.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Returns what the store did.
    #[must_use]
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// Returns what an attacker gains from a store that fails this case.
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
    /// Writes the same text as `Display`, because a test that returns a `Failure` prints `Debug`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failure {}

/// Returns what an attacker gains from a store that fails the case of this name.
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

/// Makes a `#[test]` of every case. Each test has the name of its case.
///
/// The expression makes the [`Harness`](crate::conformance::Harness). The expression runs again for
/// each test.
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr) => {
        $crate::conformance_cases! { [$crate::conformance_tests] $harness; }
    };
    ($harness:expr; $($name:ident: $attacker_gains:literal,)+) => { $(
        #[test]
        fn $name() -> Result<(), $crate::conformance::Failure> {
            $crate::conformance::$name(&$harness)
        }
    )+ };
}

/// Passes every case, with what an attacker gains when it fails, to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ([$($then:tt)+] $($with:tt)*) => { $($then)+! { $($with)*
        // One client.
        an_absent_account_loads_as_none:
            "accounts that cannot be enrolled, so the password alone opens them",
        a_created_record_loads_as_written:
            "owners who are locked out until their second factor is switched off",
        creating_over_a_record_is_stale:
            "a second enrollment over the owner's: the attacker's app becomes the factor",
        replacing_an_absent_record_is_stale:
            "an erased account that comes back with its old codes",
        a_stale_write_changes_nothing:
            "a passcode accepted twice: a slower login overwrites the faster one's record of it",
        an_equal_record_still_changes_the_revision:
            "two logins at the same time, each accepted as the first",
        an_erased_record_is_gone:
            "a second factor that still works after its account was deleted",
        a_stale_erase_changes_nothing:
            "an account without a second factor, because of an erasure that came too late",
        an_old_revision_never_comes_back:
            "a login checked against an erased account that overwrites the new one",
        records_come_back_whole:
            "owners of large records who are locked out until their second factor is switched off",
        odd_account_ids_are_distinct:
            "an account with a similar id, which overwrites another account's second factor",
        revisions_at_both_ends_are_kept:
            "a stale write that is stored, because its expected revision was rounded",
        other_accounts_are_left_alone:
            "one login that ends the second factor of all accounts",
        every_kind_is_written:
            "a removed phone or a disabled factor that still works; codes accepted twice",
        every_kind_is_compared:
            "used passcodes that work again: an unlock or a new key overwrites a login",
        a_dropped_call_leaves_the_store_usable:
            "a second factor that fails for all users after cancelled requests; or half a record",
        // Several clients.
        two_handles_see_each_other_at_once:
            "a passcode that was used on one server and works on another one",
        a_done_write_outlives_its_handle:
            "unlimited guesses: a failure is rolled back together with its request",
        one_of_16_racers_creates:
            "an enrollment that replaces another one, which was reported as done",
        one_of_16_racers_writes:
            "16 logins with one passcode",
        one_of_16_racers_erases:
            "an account that is erased during a login, which was reported as done",
        no_increment_is_lost:
            "parallel guesses that count as one, so the rate limit has no effect",
        no_write_is_lost_among_16_accounts:
            "a used passcode that works again if another user logs in at the right moment",
        every_load_is_of_its_account:
            "accounts that look as if they had never enrolled, or are locked like another one",
        rows_stay:
            "accounts without a second factor once their row is gone; passcodes accepted twice",
        loads_and_writes_are_linearizable:
            "a server that does not see a lock, a removed phone or a used code",
        // A whole verifier.
        a_passcode_is_spent_once:
            "many sessions with one passcode that was read over the user's shoulder",
        a_backup_code_is_spent_once:
            "many sessions with one backup code",
        guesses_at_once_are_all_counted:
            "a million parallel guesses at the cost of one",
        a_failure_outlives_its_request:
            "unlimited guesses, because each counted failure is undone",
    } };
}
