//! The one list of cases, and the macro that makes tests of it.

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
