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
mod kinds;
mod neighbours;
mod rates;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::conformance::{Case, Effort, Harness, cases, run_cases};
use countersign::store::{
    BoxStore, ConditionalWrite, MemoryStore, Revision, Summary, WriteKind, WriteResult,
};
use countersign::{AccountId, KeyId, blocking};

use crate::broken::{Broken, Failing};
use crate::dropped::{Leaking, Tearing};
use crate::handles::{Cached, Lagging, RolledBack, TwoSteps};
use crate::neighbours::{Forgetful, MixedUp, OneFile};

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
    assert!(cases.len() >= 30);
    for case in cases {
        assert!(case.attacker_gains().len() > 20, "{case:?}");
    }
}

#[test]
fn the_guide_names_every_case() {
    let guide = include_str!("../../docs/guide/writing-a-store.md");
    for case in cases::<Sound>() {
        let named = guide.contains(&format!("`{}`", case.name()));
        assert!(named, "{case:?} is not in docs/guide/writing-a-store.md");
    }
}

#[test]
fn a_failure_says_what_was_expected_and_what_was_seen() {
    let harness = Broken::new(|rows, account, _, swap| rows.put(account, swap));
    let case = case("a_stale_write_changes_nothing");
    let failure = case.run(&harness).unwrap_err();
    assert_eq!(failure.case(), "a_stale_write_changes_nothing");
    assert_eq!(
        format!("{failure:?}"),
        "a_stale_write_changes_nothing\n  \
         expected: Stale: it expects the revision before\n  \
         seen: Done\n  \
         an attacker gains: a passcode accepted twice: a slower login overwrites the faster one's record of it"
    );
}

#[test]
fn a_store_that_ignores_the_expected_revision_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match found {
        Some(_) if swap.expected().is_none() => WriteResult::Stale,
        None if swap.expected().is_some() => WriteResult::Stale,
        _ => rows.put(account, swap),
    });
    let caught = failed_cases(&harness);
    for case in [
        "a_stale_write_changes_nothing",
        "a_stale_erase_changes_nothing",
        "one_of_16_racers_writes",
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
        _ => WriteResult::Stale,
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
        _ => WriteResult::Stale,
    });
    let caught = failed_cases(&harness);
    for case in [
        "replacing_an_absent_record_is_stale",
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
        WriteResult::Done
    });
    let caught = failed_cases(&harness);
    assert!(
        caught.contains(&"a_stale_write_changes_nothing"),
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
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["an_old_revision_never_comes_back"]);
}

#[test]
fn a_store_that_skips_a_write_of_equal_bytes_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found != swap.expected() {
            WriteResult::Stale
        } else if swap
            .record()
            .is_some_and(|record| rows.record(account) == Some(record))
        {
            WriteResult::Done
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
            WriteResult::Stale
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
        !caught.contains(&"a_stale_write_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_writes_every_account_of_that_revision_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found != swap.expected() {
            return WriteResult::Stale;
        }
        if let Some(revision) = found {
            for other in rows.accounts_at(revision) {
                assert_eq!(rows.put(&other, swap), WriteResult::Done);
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
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["revisions_at_both_ends_are_kept"]);
}

#[test]
fn a_store_that_rounds_revisions_in_erasures_is_caught() {
    let round = |revision: Revision| (revision.as_i64() as f64) as i64;
    let harness = Broken::new(move |rows, account, found, swap| {
        let equal = found.map(round) == swap.expected().map(round);
        if found == swap.expected() || (equal && swap.record().is_none()) {
            rows.put(account, swap)
        } else {
            WriteResult::Stale
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

/// Replaces each of these by the other, wherever it stands in an id.
fn replaced(id: &str, pairs: &[(&str, &str)]) -> String {
    let replace = |id: String, (from, to): &(&str, &str)| id.replace(from, to);
    pairs.iter().fold(id.to_owned(), replace)
}

/// A name, and what it makes of an id.
type Fold = (&'static str, fn(&str) -> String);

#[test]
fn a_store_that_folds_ids_is_caught() {
    let folds: [Fold; 15] = [
        ("width", |id| {
            let narrow = |c| match c {
                '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap(),
                '\u{3000}' => ' ',
                _ => c,
            };
            id.chars().map(narrow).collect()
        }),
        ("half width", |id| replaced(id, &[("\u{FF76}", "\u{30AB}")])),
        ("ligatures", |id| {
            replaced(id, &[("\u{FB01}", "fi"), ("\u{E6}", "ae")])
        }),
        ("sharp s", |id| replaced(id, &[("\u{1E9E}", "\u{DF}")])),
        ("sigma", |id| replaced(id, &[("\u{3C2}", "\u{3C3}")])),
        ("dotted i", |id| replaced(id, &[("\u{130}", "I")])),
        ("accents", |id| {
            replaced(id, &[("\u{D6}", "O"), ("\u{F6}", "o")])
        }),
        ("Hangul", |id| {
            replaced(id, &[("\u{1100}\u{1161}", "\u{AC00}")])
        }),
        ("other digits", |id| {
            replaced(id, &[("\u{667}", "7"), ("\u{B9}", "1")])
        }),
        ("invisible", |id| {
            replaced(id, &[("\u{200D}", ""), ("\u{AD}", "")])
        }),
        ("punctuation", |id| replaced(id, &[("-", ""), (".", "")])),
        ("wide blanks", |id| id.trim_end().into()),
        ("percent", |id| replaced(id, &[("%62", "b")])),
        ("paths", |id| replaced(id, &[("//", "/")])),
        ("numbers", |id| {
            let number = id.parse::<f64>();
            number.map_or(id.into(), |number| format!("{number}"))
        }),
    ];
    for (what, fold) in folds {
        let harness = Broken::sound().with_ids(fold);
        let case = case("odd_account_ids_are_distinct");
        assert!(case.run(&harness).is_err(), "{what}");
    }
}

#[test]
fn a_store_that_keeps_ids_as_uuids_is_caught() {
    let caught = failed_cases(&Broken::sound().with_ids(|id| {
        let digits = id.replace(['-', '{', '}'], "").to_lowercase();
        let is_uuid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_uuid { digits } else { id.into() }
    }));
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
        !caught.contains(&"a_stale_write_changes_nothing"),
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
        !caught.contains(&"a_stale_write_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_loses_writes_while_others_write_is_caught() {
    let caught = failed_cases(&OneFile::default());
    assert!(
        caught.contains(&"no_write_is_lost_among_16_accounts"),
        "{caught:?}"
    );
    for case in ["one_of_16_racers_writes", "a_passcode_is_spent_once"] {
        assert!(!caught.contains(&case), "{caught:?}");
    }
}

#[test]
fn a_store_that_hands_out_the_row_of_another_account_is_caught() {
    let caught = failed_cases(&MixedUp::default());
    assert!(
        caught.contains(&"every_load_is_of_its_account"),
        "{caught:?}"
    );
    assert!(
        !caught.contains(&"other_accounts_are_left_alone"),
        "{caught:?}"
    );
}

#[test]
fn a_store_whose_rows_expire_is_caught() {
    let expiring = Forgetful::new(|_, age| age > Duration::from_millis(900));
    case("rows_stay").run(&expiring).unwrap_err();
}

#[test]
fn a_store_that_drops_the_oldest_rows_is_caught() {
    let evicting = Forgetful::new(|newer, _| newer > 1000);
    case("rows_stay").run(&evicting).unwrap_err();
}

#[test]
fn a_host_can_wait_longer_for_rows_that_expire() {
    struct Waiting(Forgetful, Duration);

    impl Harness for Waiting {
        type Store = <Forgetful as Harness>::Store;

        fn open(&self) -> Self::Store {
            self.0.open()
        }

        fn effort(&self) -> Effort {
            Effort::default().row_age(self.1)
        }
    }

    let forgetful = || Forgetful::new(|_, age| age > Duration::from_millis(1500));
    case("rows_stay")
        .run(&Waiting(forgetful(), Duration::from_secs(2)))
        .unwrap_err();
}

#[test]
fn a_store_that_lags_while_others_write_is_caught() {
    let caught = failed_cases(&Lagging::default());
    assert_eq!(caught, ["loads_and_writes_are_linearizable"]);
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
        text.ends_with("\n3 passed, 0 failed, 27 left out"),
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
        text.contains("a_stale_write_changes_nothing ... FAILED\n"),
        "{text}"
    );
    assert!(text.contains("an attacker gains: "), "{text}");
}

#[test]
fn a_store_that_panics_or_fails_is_caught_and_not_passed_on() {
    let failing = Failing(|| Err("the disk is full"));
    assert_eq!(failed_cases(&failing).len(), cases::<Failing>().len());
    let panicking = Failing(|| panic!("on purpose"));
    let case = case("one_of_16_racers_creates");
    let failure = case.run(&panicking).unwrap_err();
    assert_eq!(failure.seen(), "a panic in the store");
}

/// The case of this name.
fn case<H: Harness>(name: &str) -> Case<H> {
    let mut cases = cases().into_iter();
    cases.find(|case| case.name() == name).unwrap()
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
    use countersign::store::Store as _;

    let store = blocking::Adapter::new(MemoryStore::new());
    let account = AccountId::from(1_u32);
    let summary = Summary::new(false, 0, KeyId::new(1));
    let revision = Revision::from_i64(1).unwrap();
    let swap = ConditionalWrite::put(None, revision, b"record", WriteKind::Enrolling, summary);
    drop(store.compare_and_swap(&account, swap));
    assert_eq!(blocking::Store::load(store.get_ref(), &account), Ok(None));
}
