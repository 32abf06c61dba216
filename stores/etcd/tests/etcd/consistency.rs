//! Checks the writes of a race: which answers they got, and which of them the stored records
//! descend from.

use std::collections::{HashMap, HashSet};
use std::ops::AddAssign;

/// A conditional write of a race. The revisions of a race are all different.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write {
    pub(crate) account: u32,
    pub(crate) expected: i64,
    pub(crate) new: i64,
    pub(crate) answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Stale,
    /// An error, after which the effect is unknown.
    Unknown,
}

/// The number of writes of each kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) done: usize,
    pub(crate) stale: usize,
    pub(crate) unknown: usize,
    /// Writes of unknown effect that were applied.
    pub(crate) unknown_applied: usize,
    /// Revisions that two writes replaced, by their answers.
    pub(crate) double: usize,
    /// `Done` writes that the stored record does not descend from.
    pub(crate) lost: usize,
    /// `Stale` writes that were applied, and accounts that do not descend from their first record.
    pub(crate) wrong: usize,
}

/// Checks the writes of one account, which began and ended with these revisions.
pub(crate) fn check(writes: &[Write], first: i64, last: i64) -> Report {
    let mut report = Report::default();
    let mut replaced = HashSet::new();
    let mut by_new = HashMap::new();
    for write in writes {
        by_new.insert(write.new, write);
        match write.answer {
            Answer::Done => {
                report.done += 1;
                report.double += usize::from(!replaced.insert(write.expected));
            }
            Answer::Stale => report.stale += 1,
            Answer::Unknown => report.unknown += 1,
        }
    }
    let mut applied = HashSet::new();
    let mut revision = last;
    while let Some(write) = by_new.get(&revision) {
        applied.insert(write.new);
        match write.answer {
            Answer::Done => {}
            Answer::Stale => report.wrong += 1,
            Answer::Unknown => report.unknown_applied += 1,
        }
        revision = write.expected;
    }
    report.wrong += usize::from(revision != first);
    let is_lost = |write: &&Write| write.answer == Answer::Done && !applied.contains(&write.new);
    report.lost = writes.iter().filter(is_lost).count();
    report
}

impl Report {
    pub(crate) fn is_consistent(&self) -> bool {
        (self.double, self.lost, self.wrong) == (0, 0, 0)
    }
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.done += other.done;
        self.stale += other.stale;
        self.unknown += other.unknown;
        self.unknown_applied += other.unknown_applied;
        self.double += other.double;
        self.lost += other.lost;
        self.wrong += other.wrong;
    }
}

fn writes<const N: usize>(writes: [(i64, i64, Answer); N]) -> Vec<Write> {
    let write = |(expected, new, answer)| Write {
        account: 1,
        expected,
        new,
        answer,
    };
    writes.map(write).to_vec()
}

#[test]
fn the_check_accepts_a_chain_of_writes() {
    let log = writes([
        (2, 3, Answer::Unknown),
        (1, 2, Answer::Done),
        (1, 9, Answer::Stale),
        (3, 4, Answer::Done),
        (3, 8, Answer::Unknown),
    ]);
    let report = check(&log, 1, 4);
    assert!(report.is_consistent(), "{report:?}");
    assert_eq!((report.done, report.stale, report.unknown), (2, 1, 2));
    assert_eq!(report.unknown_applied, 1);
}

#[test]
fn the_check_detects_a_double_write() {
    let report = check(&writes([(1, 2, Answer::Done), (1, 3, Answer::Done)]), 1, 2);
    assert_eq!((report.double, report.lost), (1, 1));
    assert!(!report.is_consistent());
}

#[test]
fn the_check_detects_a_lost_write() {
    let report = check(&writes([(1, 2, Answer::Done), (2, 3, Answer::Done)]), 1, 2);
    assert_eq!((report.double, report.lost), (0, 1));
    assert!(!report.is_consistent());
}

#[test]
fn the_check_detects_an_applied_stale_write() {
    let report = check(&writes([(1, 2, Answer::Stale)]), 1, 2);
    assert_eq!(report.wrong, 1);
    let report = check(&writes([(1, 2, Answer::Done)]), 5, 2);
    assert_eq!(report.wrong, 1, "the first record was another one");
}
