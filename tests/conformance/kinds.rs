//! Stores that do as they should for some kinds of swaps, or some summaries, only.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use countersign::store::{WriteKind, WriteResult};

use crate::broken::Broken;
use crate::{case, failed_cases};

/// Every kind that the suite sends.
fn kinds() -> HashSet<WriteKind> {
    let kinds = Arc::new(Mutex::new(HashSet::new()));
    let seen = Arc::clone(&kinds);
    let harness = Broken::new(move |rows, account, found, swap| {
        seen.lock().unwrap().insert(swap.kind());
        if found == swap.expected() {
            rows.put(account, swap)
        } else {
            WriteResult::Stale
        }
    });
    case("every_kind_is_written").run(&harness).unwrap();
    let kinds = kinds.lock().unwrap();
    kinds.clone()
}

#[test]
fn all_twelve_kinds_are_sent() {
    assert_eq!(kinds().len(), 12);
}

#[test]
fn a_store_that_says_done_without_writing_one_kind_is_caught() {
    for kind in kinds() {
        let harness = Broken::new(move |rows, account, found, swap| {
            if found != swap.expected() {
                WriteResult::Stale
            } else if swap.kind() == kind {
                WriteResult::Done
            } else {
                rows.put(account, swap)
            }
        });
        let failure = case("every_kind_is_written").run(&harness).unwrap_err();
        let named = failure.expected().contains(&format!("{kind:?}"));
        // The suite writes what was there before by these two.
        let before = matches!(kind, WriteKind::Enrolling | WriteKind::Rejected);
        assert!(named || before, "{kind:?}: {failure}");
    }
}

#[test]
fn a_store_that_says_done_without_writing_rare_kinds_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match swap.kind() {
        _ if found != swap.expected() => WriteResult::Stale,
        WriteKind::Enrolling
        | WriteKind::Enrolled
        | WriteKind::Reserved
        | WriteKind::Accepted
        | WriteKind::Rejected
        | WriteKind::Issuing
        | WriteKind::Issued
        | WriteKind::Erased => rows.put(account, swap),
        _ => WriteResult::Done,
    });
    assert_eq!(
        failed_cases(&harness),
        ["every_kind_is_written", "every_kind_is_compared"]
    );
}

#[test]
fn a_store_that_does_not_compare_one_kind_is_caught() {
    for kind in kinds() {
        let harness = Broken::new(move |rows, account, found, swap| {
            if found == swap.expected() || (found.is_some() && swap.kind() == kind) {
                rows.put(account, swap)
            } else {
                WriteResult::Stale
            }
        });
        let failure = case("every_kind_is_compared").run(&harness).unwrap_err();
        assert_eq!(failure.seen(), "Done", "{kind:?}: {failure}");
    }
}

#[test]
fn a_store_that_replaces_a_record_by_an_import_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        let import = swap.kind() == WriteKind::Enrolled && swap.expected().is_none();
        if found == swap.expected() || import {
            rows.put(account, swap)
        } else {
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["every_kind_is_compared"]);
}

#[test]
fn a_store_that_does_an_unlock_again_over_another_write_is_caught() {
    let done = Mutex::new(HashSet::new());
    let harness = Broken::new(move |rows, account, found, swap| {
        let unlock = swap.kind() == WriteKind::Unlocked && found.is_some();
        let again = unlock && done.lock().unwrap().contains(&swap.revision());
        if found == swap.expected() || again {
            done.lock().unwrap().insert(swap.revision());
            rows.put(account, swap)
        } else {
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["every_kind_is_compared"]);
}

#[test]
fn a_store_that_cannot_hold_the_highest_key_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found != swap.expected() {
            WriteResult::Stale
        } else if i32::try_from(swap.summary().key.get()).is_err() {
            WriteResult::Done
        } else {
            rows.put(account, swap)
        }
    });
    assert_eq!(failed_cases(&harness), ["every_kind_is_written"]);
}
