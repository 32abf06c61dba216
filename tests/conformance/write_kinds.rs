//! Stores that are correct only for some kinds of writes, or only for some summaries.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use countersign::store::{WriteKind, WriteResult};

use crate::rule_store::RuleStore;
use crate::{case, failed_cases};

/// Every kind of write that the conformance tests send.
fn kinds() -> HashSet<WriteKind> {
    let kinds = Arc::new(Mutex::new(HashSet::new()));
    let seen = Arc::clone(&kinds);
    let harness = RuleStore::new(move |rows, account, found, write| {
        seen.lock().unwrap().insert(write.kind());
        if found == write.expected() {
            rows.put(account, write)
        } else {
            WriteResult::Stale
        }
    });
    case("every_kind_is_written").run(&harness).unwrap();
    let kinds = kinds.lock().unwrap();
    kinds.clone()
}

#[test]
fn all_write_kinds_are_sent() {
    assert_eq!(kinds().len(), 21);
}

#[test]
fn a_store_dropping_one_write_kind_is_caught() {
    for kind in kinds() {
        let harness = RuleStore::new(move |rows, account, found, write| {
            if found != write.expected() {
                WriteResult::Stale
            } else if write.kind() == kind {
                WriteResult::Done
            } else {
                rows.put(account, write)
            }
        });
        let failure = case("every_kind_is_written").run(&harness).unwrap_err();
        let named = failure.expected().contains(&format!("{kind:?}"));
        // The case writes the earlier records with these two kinds.
        let before = matches!(kind, WriteKind::Enrolling | WriteKind::Rejected);
        assert!(named || before, "{kind:?}: {failure}");
    }
}

#[test]
fn a_store_dropping_rare_write_kinds_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| match write.kind() {
        _ if found != write.expected() => WriteResult::Stale,
        WriteKind::Enrolling
        | WriteKind::Enrolled
        | WriteKind::Reserved
        | WriteKind::Accepted
        | WriteKind::Rejected
        | WriteKind::Issuing
        | WriteKind::Issued
        | WriteKind::Erased => rows.put(account, write),
        _ => WriteResult::Done,
    });
    assert_eq!(
        failed_cases(&harness),
        ["every_kind_is_written", "every_kind_is_compared"]
    );
}

#[test]
fn a_store_not_comparing_one_kind_is_caught() {
    for kind in kinds() {
        let harness = RuleStore::new(move |rows, account, found, write| {
            if found == write.expected() || (found.is_some() && write.kind() == kind) {
                rows.put(account, write)
            } else {
                WriteResult::Stale
            }
        });
        let failure = case("every_kind_is_compared").run(&harness).unwrap_err();
        assert_eq!(failure.seen(), "Done", "{kind:?}: {failure}");
    }
}

#[test]
fn a_store_importing_over_a_record_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| {
        let import = write.kind() == WriteKind::Enrolled && write.expected().is_none();
        if found == write.expected() || import {
            rows.put(account, write)
        } else {
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["every_kind_is_compared"]);
}

#[test]
fn a_store_repeating_an_unlock_is_caught() {
    let done = Mutex::new(HashSet::new());
    let harness = RuleStore::new(move |rows, account, found, write| {
        let is_unlock = write.kind() == WriteKind::Unlocked && found.is_some();
        let again = is_unlock && done.lock().unwrap().contains(&write.revision());
        if found == write.expected() || again {
            done.lock().unwrap().insert(write.revision());
            rows.put(account, write)
        } else {
            WriteResult::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["every_kind_is_compared"]);
}

#[test]
fn a_store_limiting_key_ids_is_caught() {
    let harness = RuleStore::new(|rows, account, found, write| {
        if found != write.expected() {
            WriteResult::Stale
        } else if i32::try_from(write.summary().key.get()).is_err() {
            WriteResult::Done
        } else {
            rows.put(account, write)
        }
    });
    assert_eq!(failed_cases(&harness), ["every_kind_is_written"]);
}
