//! Tests of the conformance tests. A correct store passes every case. For each way to violate the
//! contract, the case with the matching name fails.
#![cfg(feature = "conformance")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod dropped_calls;
mod handles;
mod nodes;
mod other_accounts;
mod rare_faults;
mod rule_store;
mod write_kinds;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::conformance::{Case, Effort, Harness, Rotation, cases, run_cases};
use countersign::store::{
    BoxStore, ConditionalWrite, MemoryStore, Revision, Summary, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{AccountId, KeyId, blocking};

use crate::dropped_calls::{Leaking, Tearing};
use crate::handles::{Cached, Lagging, RolledBack, TwoSteps};
use crate::nodes::{AllNodes, OneNode};
use crate::other_accounts::{Forgetful, MixedUp, OneFile};
use crate::rule_store::{Failing, RuleStore};

#[derive(Default)]
struct Correct(MemoryStore);

impl Harness for Correct {
    type Store = MemoryStore;

    fn open(&self) -> MemoryStore {
        self.0.clone()
    }
}

countersign::conformance_tests!(Correct::default());

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
    let cases = cases::<Correct>();
    assert!(cases.len() >= 30);
    for case in cases {
        assert!(case.attacker_gains().len() > 20, "{case:?}");
    }
}

#[test]
fn the_guide_names_every_case() {
    let guide = include_str!("../../docs/guide/writing-a-store.md");
    for case in cases::<Correct>() {
        let named = guide.contains(&format!("`{}`", case.name()));
        assert!(named, "{case:?} is not in docs/guide/writing-a-store.md");
    }
}

#[test]
fn a_failure_shows_the_expected_and_actual_result() {
    let harness = RuleStore::new(|rows, account, _, write| rows.put(account, write));
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
fn a_store_ignoring_the_expected_revision_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| match found {
        Some(_) if write.expected().is_none() => WriteResult::Stale,
        None if write.expected().is_some() => WriteResult::Stale,
        _ => rows.put(account, write),
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
fn a_store_creating_over_a_record_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| match write.expected() {
        None => rows.put(account, write),
        expected if expected == found => rows.put(account, write),
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
fn a_store_creating_instead_of_replacing_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| match found {
        None => rows.put(account, write),
        found if found == write.expected() => rows.put(account, write),
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
fn a_store_answering_done_when_stale_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| {
        if found == write.expected() {
            return rows.put(account, write);
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
fn a_store_accepting_any_past_revision_is_caught() {
    let seen = Mutex::new(HashMap::<AccountId, Vec<Revision>>::new());
    let harness = RuleStore::new(move |rows, account, found, write| {
        let mut seen = seen.lock().unwrap();
        let seen = seen.entry(account.clone()).or_default();
        // The rule compares revisions. After an account was created again, the rule accepts every
        // revision that it has seen.
        let created_again = rows.writes(account) == 1 && seen.len() > 1;
        let known = created_again
            && write
                .expected()
                .is_some_and(|revision| seen.contains(&revision));
        if found == write.expected() || (found.is_some() && known) {
            seen.push(write.revision());
            rows.put(account, write)
        } else {
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["an_old_revision_never_comes_back"]);
}

#[test]
fn a_store_skipping_identical_writes_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| {
        if found != write.expected() {
            WriteResult::Stale
        } else if write
            .record()
            .is_some_and(|record| rows.record(account) == Some(record))
        {
            WriteResult::Done
        } else {
            rows.put(account, write)
        }
    });
    let caught = failed_cases(&harness);
    assert!(
        caught.contains(&"an_equal_record_still_changes_the_revision"),
        "{caught:?}"
    );
}

#[test]
fn a_store_erasing_unconditionally_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| {
        if found == write.expected() || (write.record().is_none() && found.is_some()) {
            rows.put(account, write)
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
fn a_store_writing_to_other_accounts_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| {
        if found != write.expected() {
            return WriteResult::Stale;
        }
        if let Some(revision) = found {
            for other in rows.accounts_at(revision) {
                assert_eq!(rows.put(&other, write), WriteResult::Done);
            }
        }
        rows.put(account, write)
    });
    assert_eq!(failed_cases(&harness), ["other_accounts_are_left_alone"]);
}

#[test]
fn a_store_rounding_revisions_is_caught() {
    // A store that keeps revisions as JSON numbers can round them to 53 bits.
    let round = |revision: Revision| (revision.as_i64() as f64) as i64;
    let harness = RuleStore::new(move |rows, account, found, write| {
        if found.map(round) == write.expected().map(round) {
            rows.put(account, write)
        } else {
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["revisions_at_both_ends_are_kept"]);
}

#[test]
fn a_store_rounding_revisions_when_erasing_is_caught() {
    let round = |revision: Revision| (revision.as_i64() as f64) as i64;
    let harness = RuleStore::new(move |rows, account, found, write| {
        let equal = found.map(round) == write.expected().map(round);
        if found == write.expected() || (equal && write.record().is_none()) {
            rows.put(account, write)
        } else {
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["revisions_at_both_ends_are_kept"]);
}

#[test]
fn a_store_with_case_insensitive_ids_is_caught() {
    let caught = failed_cases(&RuleStore::correct().with_ids(|id| id.to_lowercase()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_trimming_ids_is_caught() {
    let caught = failed_cases(&RuleStore::correct().with_ids(|id| id.trim_end_matches(' ').into()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

/// Replaces the first string of each pair by the second, everywhere in an id.
fn replaced(id: &str, pairs: &[(&str, &str)]) -> String {
    let replace = |id: String, (from, to): &(&str, &str)| id.replace(from, to);
    pairs.iter().fold(id.to_owned(), replace)
}

/// A name, and the function that normalizes an id.
type Normalization = (&'static str, fn(&str) -> String);

#[test]
fn a_store_normalizing_ids_is_caught() {
    let normalizations: [Normalization; 15] = [
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
    for (name, normalize) in normalizations {
        let harness = RuleStore::correct().with_ids(normalize);
        let case = case("odd_account_ids_are_distinct");
        assert!(case.run(&harness).is_err(), "{name}");
    }
}

#[test]
fn a_store_keeping_ids_as_uuids_is_caught() {
    let caught = failed_cases(&RuleStore::correct().with_ids(|id| {
        let digits = id.replace(['-', '{', '}'], "").to_lowercase();
        let is_uuid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_uuid { digits } else { id.into() }
    }));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_truncating_ids_is_caught() {
    let caught = failed_cases(&RuleStore::correct().with_ids(|id| id.chars().take(254).collect()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_truncating_records_is_caught() {
    let caught = failed_cases(&RuleStore::correct().with_records(|record| record.truncate(65_535)));
    assert_eq!(caught, ["records_come_back_whole"]);
}

#[test]
fn a_store_keeping_records_as_text_is_caught() {
    let harness = RuleStore::correct()
        .with_records(|record| *record = String::from_utf8_lossy(record).into_owned().into());
    let caught = failed_cases(&harness);
    assert_eq!(
        caught.first(),
        Some(&"records_come_back_whole"),
        "{caught:?}"
    );
}

#[test]
fn a_store_without_atomic_writes_is_caught() {
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
fn a_store_whose_transaction_rolls_back_is_caught() {
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
fn a_store_caching_loads_is_caught() {
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
fn a_store_losing_concurrent_writes_is_caught() {
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
fn a_store_returning_another_accounts_row_is_caught() {
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
fn a_store_evicting_old_rows_is_caught() {
    let evicting = Forgetful::new(|newer, _| newer > 1000);
    case("rows_stay").run(&evicting).unwrap_err();
}

#[test]
fn effort_extends_the_wait_for_expiring_rows() {
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
fn a_store_lagging_behind_writes_is_caught() {
    let caught = failed_cases(&Lagging::default());
    assert_eq!(caught, ["loads_and_writes_are_linearizable"]);
}

#[test]
fn nodes_that_read_late_are_caught_by_rotation() {
    assert_eq!(failed_cases(&OneNode::default()), [""; 0]);
    let caught = failed_cases(&AllNodes::default());
    for case in [
        "a_created_record_loads_as_written",
        "two_handles_see_each_other_at_once",
        "a_done_write_outlives_its_handle",
        "loads_and_writes_are_linearizable",
    ] {
        assert!(caught.contains(&case), "{caught:?}");
    }
}

#[test]
fn a_rotation_over_a_correct_store_passes() {
    struct Handles(Rotation<MemoryStore>);

    impl Harness for Handles {
        type Store = Rotation<MemoryStore>;

        fn open(&self) -> Self::Store {
            self.0.clone()
        }
    }

    let store = MemoryStore::new();
    let others = [store.clone(), store.clone()];
    let harness = Handles(Rotation::new(store, others));
    assert_eq!(failed_cases(&harness), [""; 0]);
}

#[test]
fn a_rotation_gives_each_node_its_turn() {
    use countersign::store::Store as _;

    let nodes = [1, 2, 3].map(|node| {
        let store = MemoryStore::new();
        let summary = Summary::new(false, 0, KeyId::new(1));
        let revision = Revision::from_i64(node).unwrap();
        let write = ConditionalWrite::put(None, revision, b"record", WriteKind::Enrolling, summary);
        let account = AccountId::from(7_u32);
        let written = block_on(store.compare_and_swap(&account, write)).unwrap();
        assert_eq!(written, WriteResult::Done);
        store
    });
    let [first, others @ ..] = nodes;
    let rotation = Rotation::new(first, others);
    let turns = [0, 1, 2, 3].map(|_| {
        let stored = block_on(rotation.clone().load(&AccountId::from(7_u32)));
        stored.unwrap().unwrap().revision.as_i64()
    });
    assert_eq!(turns, [1, 2, 3, 1]);
}

#[test]
fn a_store_leaking_connections_is_caught() {
    // Each case gets its own pool, because a drained pool does not recover.
    let failed = cases()
        .into_iter()
        .filter_map(|case| case.run(&Leaking::default()).err());
    let caught: Vec<_> = failed.map(|failure| failure.case()).collect();
    assert_eq!(caught, ["a_dropped_call_leaves_the_store_usable"]);
}

#[test]
fn a_store_tearing_records_is_caught() {
    let caught = failed_cases(&Tearing::default());
    assert_eq!(caught, ["a_dropped_call_leaves_the_store_usable"]);
}

#[test]
fn a_report_lists_passed_failed_and_skipped_cases() {
    let report = run_cases(&Correct::default(), |case| case.name().contains("erase"));
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

    let nothing = run_cases(&Correct::default(), |_| false);
    assert!(!nothing.is_ok(), "a run without cases must not succeed");

    let harness = RuleStore::new(|rows, account, _, write| rows.put(account, write));
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
fn panics_and_errors_of_stores_fail_cases() {
    let failing = Failing(|| Err("the disk is full"));
    assert_eq!(failed_cases(&failing).len(), cases::<Failing>().len());
    let panicking = Failing(|| panic!("on purpose"));
    let case = case("one_of_16_racers_creates");
    let failure = case.run(&panicking).unwrap_err();
    assert_eq!(failure.seen(), "a panic in the store");
}

/// The case with this name.
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
fn the_correct_store_passes_every_case() {
    assert_eq!(failed_cases(&RuleStore::correct()), [""; 0]);
}

#[test]
fn adapter_futures_do_nothing_until_polled() {
    use countersign::store::Store as _;

    let store = blocking::Adapter::new(MemoryStore::new());
    let account = AccountId::from(1_u32);
    let summary = Summary::new(false, 0, KeyId::new(1));
    let revision = Revision::from_i64(1).unwrap();
    let write = ConditionalWrite::put(None, revision, b"record", WriteKind::Enrolling, summary);
    drop(store.compare_and_swap(&account, write));
    assert_eq!(blocking::Store::load(store.get_ref(), &account), Ok(None));
}
