//! The suite itself: a store that keeps the contract passes, and each way of breaking it is caught by the case that is
//! named after it.
#![cfg(feature = "conformance")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod broken;
mod dropped;
mod handles;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use countersign::conformance::{Harness, cases, run_cases};
use countersign::{
    AccountId, BoxStore, KeyId, MemoryStore, Revision, Summary, Swap, SwapKind, Swapped, blocking,
};

use crate::broken::{Broken, Failing};
use crate::dropped::{Leaking, Tearing};
use crate::handles::{Cached, Lagging, RolledBack, TwoSteps};

#[derive(Default)]
struct Sound(MemoryStore);

impl Harness for Sound {
    type Store = MemoryStore;

    fn open(&self) -> MemoryStore {
        self.0.clone()
    }
}

countersign::conformance_tests!(Sound::default());

mod through_the_wrappers {
    use super::*;

    struct Wrapped(Arc<blocking::Adapter<MemoryStore>>);

    impl Harness for Wrapped {
        type Store = BoxStore;

        fn open(&self) -> BoxStore {
            BoxStore::new(Arc::clone(&self.0))
        }
    }

    countersign::conformance_tests!(Wrapped(Arc::new(
        blocking::Adapter::new(MemoryStore::new())
    )));
}

#[test]
fn every_case_says_what_an_attacker_gains() {
    let cases = cases::<Sound>();
    assert!(cases.len() >= 25);
    for case in cases {
        assert!(case.attacker_gains().len() > 20, "{case:?}");
    }
}

#[test]
fn a_failure_says_what_was_expected_and_what_was_seen() {
    let harness = Broken::new(|rows, account, _, swap| rows.put(account, swap));
    let case = cases()
        .into_iter()
        .find(|case| case.name() == "a_stale_swap_changes_nothing");
    let failure = case.unwrap().run(&harness).unwrap_err();
    assert_eq!(failure.case(), "a_stale_swap_changes_nothing");
    assert_eq!(
        format!("{failure:?}"),
        "a_stale_swap_changes_nothing\n  \
         expected: Stale: it expects the revision before\n  \
         seen: Done\n  \
         an attacker gains: a passcode accepted twice: the slower login writes over the faster one's record of it"
    );
}

#[test]
fn a_store_that_ignores_the_expected_revision_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match found {
        Some(_) if swap.expected().is_none() => Swapped::Stale,
        None if swap.expected().is_some() => Swapped::Stale,
        _ => rows.put(account, swap),
    });
    let caught = failed_cases(&harness);
    for case in [
        "a_stale_swap_changes_nothing",
        "a_stale_erase_changes_nothing",
        "one_of_16_racers_swaps",
        "one_of_16_racers_erases",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
    assert!(!caught.contains(&"one_of_16_racers_creates"), "{caught:?}");
}

#[test]
fn a_store_that_creates_over_a_record_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match swap.expected() {
        None => rows.put(account, swap),
        expected if expected == found => rows.put(account, swap),
        _ => Swapped::Stale,
    });
    let caught = failed_cases(&harness);
    for case in [
        "creating_over_a_record_is_stale",
        "one_of_16_racers_creates",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
}

#[test]
fn a_store_that_creates_when_it_should_replace_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match found {
        None => rows.put(account, swap),
        found if found == swap.expected() => rows.put(account, swap),
        _ => Swapped::Stale,
    });
    let caught = failed_cases(&harness);
    for case in [
        "a_swap_of_an_absent_account_is_stale",
        "an_erased_record_is_gone",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
}

#[test]
fn a_store_that_says_done_to_a_stale_swap_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found == swap.expected() {
            return rows.put(account, swap);
        }
        Swapped::Done
    });
    let caught = failed_cases(&harness);
    assert!(
        caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_takes_any_revision_the_account_ever_had_is_caught() {
    let seen = Mutex::new(HashMap::<AccountId, Vec<Revision>>::new());
    let harness = Broken::new(move |rows, account, found, swap| {
        let mut seen = seen.lock().unwrap();
        let seen = seen.entry(account.clone()).or_default();
        // While a record lives its revision is compared; when it was created anew, only that the expected one is known.
        let created_again = rows.writes(account) == 1 && seen.len() > 1;
        let known = created_again && swap.expected().is_some_and(|it| seen.contains(&it));
        if found == swap.expected() || (found.is_some() && known) {
            seen.push(swap.revision());
            rows.put(account, swap)
        } else {
            Swapped::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["an_old_revision_never_comes_back"]);
}

#[test]
fn a_store_that_skips_a_write_of_equal_bytes_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found != swap.expected() {
            Swapped::Stale
        } else if swap
            .record()
            .is_some_and(|record| rows.record(account) == Some(record))
        {
            Swapped::Done
        } else {
            rows.put(account, swap)
        }
    });
    let caught = failed_cases(&harness);
    assert!(
        caught.contains(&"an_equal_record_still_changes_the_revision"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_erases_whatever_is_expected_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found == swap.expected() || (swap.record().is_none() && found.is_some()) {
            rows.put(account, swap)
        } else {
            Swapped::Stale
        }
    });
    let caught = failed_cases(&harness);
    for case in [
        "a_stale_erase_changes_nothing",
        "an_old_revision_never_comes_back",
        "one_of_16_racers_erases",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
    assert!(
        !caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_writes_every_account_of_that_revision_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found != swap.expected() {
            return Swapped::Stale;
        }
        if let Some(revision) = found {
            for other in rows.accounts_at(revision) {
                assert_eq!(rows.put(&other, swap), Swapped::Done);
            }
        }
        rows.put(account, swap)
    });
    assert_eq!(failed_cases(&harness), ["other_accounts_are_left_alone"]);
}

#[test]
fn a_store_that_rounds_revisions_is_caught() {
    // As JSON numbers do: 53 bits.
    let round = |revision: Revision| (revision.as_i64() as f64) as i64;
    let harness = Broken::new(move |rows, account, found, swap| {
        if found.map(round) == swap.expected().map(round) {
            rows.put(account, swap)
        } else {
            Swapped::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["revisions_at_both_ends_are_kept"]);
}

#[test]
fn a_store_that_equates_ids_of_another_case_is_caught() {
    let caught = failed_cases(&Broken::sound().with_ids(|id| id.to_lowercase()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_that_ignores_trailing_blanks_of_ids_is_caught() {
    let caught = failed_cases(&Broken::sound().with_ids(|id| id.trim_end_matches(' ').into()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_that_cuts_ids_short_is_caught() {
    let caught = failed_cases(&Broken::sound().with_ids(|id| id.chars().take(254).collect()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_that_cuts_records_short_is_caught() {
    let caught = failed_cases(&Broken::sound().with_records(|record| record.truncate(65_535)));
    assert_eq!(caught, ["records_come_back_whole"]);
}

#[test]
fn a_store_that_keeps_records_as_text_is_caught() {
    let harness = Broken::sound()
        .with_records(|record| *record = String::from_utf8_lossy(record).into_owned().into());
    let caught = failed_cases(&harness);
    assert_eq!(
        caught.first(),
        Some(&"records_come_back_whole"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_reads_first_and_writes_then_is_caught() {
    let caught = failed_cases(&TwoSteps::default());
    assert!(caught.contains(&"no_increment_is_lost"), "{caught:?}");
    for case in [
        "a_passcode_is_spent_once",
        "guesses_at_once_are_all_counted",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
    assert!(
        !caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_in_a_transaction_that_is_rolled_back_is_caught() {
    let caught = failed_cases(&RolledBack::default());
    assert!(
        caught.contains(&"a_done_write_outlives_its_handle"),
        "{caught:?}"
    );
    assert!(
        caught.contains(&"a_failure_outlives_its_request"),
        "{caught:?}"
    );
    assert!(
        !caught.contains(&"two_handles_see_each_other_at_once"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_caches_what_it_loaded_is_caught() {
    let caught = failed_cases(&Cached::default());
    assert!(
        caught.contains(&"two_handles_see_each_other_at_once"),
        "{caught:?}"
    );
    assert!(
        !caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_lags_while_others_write_is_caught() {
    let caught = failed_cases(&Lagging::default());
    assert_eq!(caught, ["loads_and_swaps_are_linearizable"]);
}

#[test]
fn a_store_that_loses_a_connection_with_every_dropped_call_is_caught() {
    // A pool of its own for each case: it does not recover.
    let failed = cases()
        .into_iter()
        .filter_map(|case| case.run(&Leaking::default()).err());
    let caught: Vec<_> = failed.map(|failure| failure.case()).collect();
    assert_eq!(caught, ["a_dropped_call_leaves_the_store_usable"]);
}

#[test]
fn a_store_that_tears_a_record_when_a_call_is_dropped_is_caught() {
    let caught = failed_cases(&Tearing::default());
    assert_eq!(caught, ["a_dropped_call_leaves_the_store_usable"]);
}

#[test]
fn a_report_lists_what_ran_what_failed_and_what_was_left_out() {
    let report = run_cases(&Sound::default(), |case| case.name().contains("erase"));
    assert!(report.is_ok());
    assert_eq!(report.passed().count(), 3, "{report}");
    let text = report.to_string();
    assert!(text.contains("an_erased_record_is_gone ... ok\n"), "{text}");
    assert!(
        text.contains("no_increment_is_lost ... left out\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\n3 passed, 0 failed, 22 left out"),
        "{text}"
    );

    let nothing = run_cases(&Sound::default(), |_| false);
    assert!(!nothing.is_ok(), "nothing ran, so nothing is known");

    let harness = Broken::new(|rows, account, _, swap| rows.put(account, swap));
    let report = run_cases(&harness, |case| case.name().contains("changes_nothing"));
    assert!(!report.is_ok());
    assert_eq!(report.failures().count(), 2);
    let text = report.to_string();
    assert!(
        text.contains("a_stale_swap_changes_nothing ... FAILED\n"),
        "{text}"
    );
    assert!(text.contains("an attacker gains: "), "{text}");
}

#[test]
fn a_store_that_panics_or_fails_is_caught_and_not_passed_on() {
    let failing = Failing(|| Err("the disk is full"));
    assert_eq!(failed_cases(&failing).len(), cases::<Failing>().len());
    let case = cases()
        .into_iter()
        .find(|case| case.name() == "one_of_16_racers_creates");
    let panicking = Failing(|| panic!("on purpose"));
    let failure = case.unwrap().run(&panicking).unwrap_err();
    assert_eq!(failure.seen(), "a panic in the store");
}

fn failed_cases<H: Harness>(harness: &H) -> Vec<&'static str> {
    cases::<H>()
        .iter()
        .filter_map(|case| case.run(harness).err())
        .map(|failure| failure.case())
        .collect()
}

#[test]
fn the_store_that_the_others_break_is_sound() {
    assert_eq!(failed_cases(&Broken::sound()), [""; 0]);
}

#[test]
fn futures_of_the_adapter_do_nothing_until_they_are_polled() {
    use countersign::Store as _;

    let store = blocking::Adapter::new(MemoryStore::new());
    let account = AccountId::from(1_u32);
    let summary = Summary::new(false, 0, KeyId::new(1));
    let revision = Revision::from_i64(1).unwrap();
    let swap = Swap::write(None, revision, b"record", SwapKind::Enrolling, summary);
    drop(store.compare_and_swap(&account, swap));
    assert_eq!(blocking::Store::load(store.get_ref(), &account), Ok(None));
}
