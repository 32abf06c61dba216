//! The one list of cases, and the macro that makes tests of it.

use super::Harness;
use core::error::Error;
use core::fmt;
use std::string::String;
use std::vec::Vec;

/// What became of every case of the suite: `Display` lists them.
#[derive(Clone, Debug)]
#[must_use = "it may hold failures"]
pub struct Report {
    cases: Vec<(&'static str, Verdict)>,
}

#[derive(Clone, Debug)]
enum Verdict {
    Passed,
    Failed(Failure),
    LeftOut,
}

/// Runs the cases that are selected, one after the other, to the last.
pub fn run_cases<H: Harness>(harness: &H, select: impl Fn(&Case<H>) -> bool) -> Report {
    let run = |case: Case<H>| {
        let verdict = if select(&case) {
            case.run(harness)
                .map_or_else(Verdict::Failed, |()| Verdict::Passed)
        } else {
            Verdict::LeftOut
        };
        (case.name(), verdict)
    };
    Report {
        cases: cases().into_iter().map(run).collect(),
    }
}

impl Report {
    /// Whether some case ran, and none failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none() && self.passed().next().is_some()
    }

    /// The names of the cases that passed.
    pub fn passed(&self) -> impl Iterator<Item = &'static str> {
        let passed = |(name, verdict): &(&'static str, Verdict)| {
            matches!(verdict, Verdict::Passed).then_some(*name)
        };
        self.cases.iter().filter_map(passed)
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.cases.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::Failed(failure) => Some(failure),
            Verdict::Passed | Verdict::LeftOut => None,
        })
    }

    /// The names of the cases that were not selected.
    pub fn left_out(&self) -> impl Iterator<Item = &'static str> {
        let left_out = |(name, verdict): &(&'static str, Verdict)| {
            matches!(verdict, Verdict::LeftOut).then_some(*name)
        };
        self.cases.iter().filter_map(left_out)
    }
}

impl fmt::Display for Report {
    /// A line for each case, then the failures, then the sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.cases {
            let verdict = match verdict {
                Verdict::Passed => "ok",
                Verdict::Failed(_) => "FAILED",
                Verdict::LeftOut => "left out",
            };
            writeln!(f, "{name} ... {verdict}")?;
        }
        for failure in self.failures() {
            writeln!(f, "\n{failure}")?;
        }
        write!(
            f,
            "\n{} passed, {} failed, {} left out",
            self.passed().count(),
            self.failures().count(),
            self.left_out().count()
        )
    }
}

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

/// Makes a `#[test]` of every case of the suite, named like it.
///
/// The expression gives the [`Harness`](crate::conformance::Harness), and runs anew for each test.
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

/// Hands every case, with what an attacker gains when it fails, to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ([$($then:tt)+] $($with:tt)*) => { $($then)+! { $($with)*
        // What one client sees.
        an_absent_account_loads_as_none: "accounts that cannot be enrolled, and so stay open to the password alone",
        a_created_record_loads_as_written: "accounts that lock their owner out, until somebody switches the second factor off",
        creating_over_a_record_is_stale: "a second enrollment over the owner's: the thief's app becomes the factor",
        a_swap_of_an_absent_account_is_stale: "an account that was erased comes back with what it held",
        a_stale_swap_changes_nothing: "a passcode accepted twice: the slower login writes over the faster one's record of it",
        an_equal_record_still_changes_the_revision: "two logins in step, each sure that it alone was first",
        an_erased_record_is_gone: "the factor of a deleted account still opens it",
        a_stale_erase_changes_nothing: "an account without a second factor, by an erasure that was overtaken",
        an_old_revision_never_comes_back: "a login judged against an account long gone is written over the new one",
        records_come_back_whole: "accounts with much in them cannot be opened, until somebody switches the second factor off",
        odd_account_ids_are_distinct: "an account whose id looks like another's writes over that one's second factor",
        revisions_at_both_ends_are_kept: "a swap that finds a revision which was rounded, so that a stale one passes",
        other_accounts_are_left_alone: "one login ends the second factor of everybody",
        every_kind_is_written: "a phone that was removed, or a factor that was switched off, still opens the account; codes accepted twice",
        every_kind_is_compared: "an unlock or a new key that overtakes a login: the record of before comes back, and its passcodes with it",
        // What several see.
        two_handles_see_each_other_at_once: "a passcode that was used on one machine can be used on another",
        a_done_write_outlives_its_handle: "unlimited guesses: a failure is rolled back together with the request that failed",
        one_of_16_racers_creates: "an enrollment that replaces another which was reported as done",
        one_of_16_racers_swaps: "16 logins with one passcode",
        one_of_16_racers_erases: "an account erased under a login that was reported as done",
        no_increment_is_lost: "guesses in parallel are counted as one, so the throttle holds nobody up",
        no_write_is_lost_among_16_accounts: "a passcode that was used can be used again if somebody else logs in at the right moment",
        every_load_is_of_its_account: "accounts that look as if they had never enrolled, or had another's lock; owners who cannot log in",
        rows_stay: "accounts that are open to the password alone once their row is gone; passcodes accepted twice",
        loads_and_swaps_are_linearizable: "a lock, a removed phone or a used code that other machines have already reported is not seen here",
        a_dropped_call_leaves_the_store_usable: "a second factor that is down for everybody, by requests that are broken off; or a record torn in half",
        // What a whole verifier does on it.
        a_passcode_is_spent_once: "many sessions with one passcode that was looked over a shoulder",
        a_backup_code_is_spent_once: "many sessions with one backup code",
        guesses_at_once_are_all_counted: "a million guesses in parallel for the price of one",
        a_failure_outlives_its_request: "unlimited guesses, each of them forgotten",
    } };
}

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
