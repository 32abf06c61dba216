//! Compares the log of a race with the stored rows.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use countersign::store::{BoxStore, Revision, Store, WriteResult};
use tokio::time::sleep;

use crate::race::{LoggedWrite, RaceLog};

/// The result of the check.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Writes that were answered with `Done`.
    pub done: usize,
    /// Writes that were answered with `Stale`.
    pub stale: usize,
    /// Writes that ended with an error.
    pub unknown: usize,
    /// Those of them that were applied.
    pub unknown_applied: usize,
    /// Revisions that more than one `Done` replaced.
    pub twice: usize,
    /// `Done` writes that the stored row does not descend from.
    pub lost: usize,
    /// The accounts with a lost write.
    pub accounts_with_loss: usize,
    /// `Stale` writes that were applied, and rows that do not descend from the first revision.
    pub wrong: usize,
    /// Loads that began after a `Done` and returned an earlier revision.
    pub old: usize,
    /// Loads that returned a record.
    pub loads: usize,
    /// Loads of an existing account that returned nothing.
    pub absent: usize,
    /// The longest time without a `Done`.
    pub longest_pause: Duration,
    /// The errors, and how many times each occurred.
    pub errors: BTreeMap<String, usize>,
}

impl CheckReport {
    /// Whether every `Done` was kept, and no revision was replaced twice.
    #[must_use]
    pub fn keeps_writes(&self) -> bool {
        self.twice == 0 && self.lost == 0 && self.wrong == 0 && self.absent == 0
    }
}

/// Loads every account from each of these nodes, and compares the log with the rows.
///
/// # Panics
/// If a node does not answer within a minute, or if the nodes differ.
pub async fn check(log: RaceLog, nodes: &[BoxStore]) -> CheckReport {
    let mut rows = Vec::new();
    for node in nodes {
        let mut revisions = Vec::new();
        for (account, _) in &log.accounts {
            revisions.push(load_patiently(node, account).await);
        }
        rows.push(revisions);
    }
    let (first, others) = rows.split_first().unwrap();
    assert!(others.iter().all(|rows| rows == first), "the nodes differ");
    compare(&log, first)
}

/// The stored revision. A node may need time after a fault.
async fn load_patiently(node: &BoxStore, account: &countersign::AccountId) -> Option<Revision> {
    let start = Instant::now();
    loop {
        match node.load(account).await {
            Ok(stored) => return stored.map(|stored| stored.revision),
            Err(error) if start.elapsed() > TIME_LIMIT => panic!("{error}"),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Compares the log with the stored revision of each account.
fn compare(log: &RaceLog, rows: &[Option<Revision>]) -> CheckReport {
    let mut report = CheckReport {
        loads: log.loads.len(),
        absent: log.absent,
        longest_pause: longest_pause(log),
        errors: log.errors.clone(),
        ..CheckReport::default()
    };
    for (number, (_, first)) in log.accounts.iter().enumerate() {
        let writes = log.writes.iter().filter(|write| write.account == number);
        let writes: Vec<_> = writes.collect();
        let descent = descent(*first, rows[number], &writes);
        report.wrong += usize::from(descent.is_none());
        let place: HashMap<Revision, usize> = descent.into_iter().flatten().zip(0..).collect();
        let lost = report.count_writes(&writes, &place);
        report.lost += lost;
        report.accounts_with_loss += usize::from(lost > 0);
        let loads = log.loads.iter().filter(|load| load.account == number);
        let loads = loads.map(|load| (load.begun, load.revision));
        report.old += old_loads(loads, &writes, &place);
    }
    report
}

impl CheckReport {
    /// Counts the writes of one account. Returns how many are lost.
    fn count_writes(&mut self, writes: &[&LoggedWrite], place: &HashMap<Revision, usize>) -> usize {
        let mut replaced = HashMap::<Revision, usize>::new();
        let mut lost = 0;
        for write in writes {
            let was_applied = place.contains_key(&write.new);
            match write.result {
                Some(WriteResult::Done) => {
                    self.done += 1;
                    lost += usize::from(!was_applied);
                    *replaced.entry(write.expected).or_default() += 1;
                }
                Some(WriteResult::Stale) => {
                    self.stale += 1;
                    self.wrong += usize::from(was_applied);
                }
                None => {
                    self.unknown += 1;
                    self.unknown_applied += usize::from(was_applied);
                }
            }
        }
        self.twice += replaced.values().filter(|done| **done > 1).count();
        lost
    }
}

/// The revisions of an account from the first to the stored one, or `None` if the stored row does
/// not descend from the first.
fn descent(
    first: Revision,
    stored: Option<Revision>,
    writes: &[&LoggedWrite],
) -> Option<Vec<Revision>> {
    let by_new: HashMap<_, _> = writes
        .iter()
        .map(|write| (write.new, write.expected))
        .collect();
    let mut descent = vec![stored?];
    while let Some(last) = descent.last()
        && *last != first
    {
        descent.push(*by_new.get(last)?);
    }
    descent.reverse();
    Some(descent)
}

/// The number of loads that returned an earlier revision than a `Done` from before the load.
fn old_loads(
    loads: impl Iterator<Item = (Instant, Revision)>,
    writes: &[&LoggedWrite],
    place: &HashMap<Revision, usize>,
) -> usize {
    let done = writes
        .iter()
        .filter(|write| write.result == Some(WriteResult::Done));
    let done = done.filter_map(|write| Some((write.answered, *place.get(&write.new)?)));
    let mut done: Vec<_> = done.collect();
    done.sort_unstable();
    let mut loads: Vec<_> = loads.collect();
    loads.sort_unstable_by_key(|(begun, _)| *begun);
    let (mut done, mut newest, mut old) = (done.into_iter().peekable(), 0, 0);
    for (begun, revision) in loads {
        while let Some((_, place)) = done.next_if(|(answered, _)| *answered < begun) {
            newest = newest.max(place);
        }
        old += usize::from(place.get(&revision).is_some_and(|place| *place < newest));
    }
    old
}

fn longest_pause(log: &RaceLog) -> Duration {
    let done = log
        .writes
        .iter()
        .filter(|write| write.result == Some(WriteResult::Done));
    let answers = done.map(|write| write.answered);
    let moments: Vec<_> = [log.begun].into_iter().chain(answers).collect();
    let next = moments.iter().skip(1).chain([&log.ended]);
    let pauses = moments.iter().zip(next);
    let pauses = pauses.map(|(before, after)| after.saturating_duration_since(*before));
    pauses.max().unwrap_or_default()
}

const TIME_LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use countersign::AccountId;

    fn revision(number: i64) -> Revision {
        Revision::from_i64(number).unwrap()
    }

    /// A log of one account with the first revision 1. A write is its expected revision, its new
    /// revision and its result; the answers come a second apart.
    fn log(writes: &[(i64, i64, Option<WriteResult>)]) -> RaceLog {
        let begun = Instant::now();
        let account = AccountId::from(1_u32);
        let mut log = RaceLog::new(vec![(account, revision(1))], begun, begun);
        for (expected, new, result) in writes {
            log.ended += Duration::from_secs(1);
            log.writes.push(LoggedWrite {
                account: 0,
                expected: revision(*expected),
                new: revision(*new),
                result: *result,
                answered: log.ended,
            });
        }
        log
    }

    fn checked(log: &RaceLog, stored: i64) -> CheckReport {
        compare(log, &[Some(revision(stored))])
    }

    const DONE: Option<WriteResult> = Some(WriteResult::Done);
    const STALE: Option<WriteResult> = Some(WriteResult::Stale);

    #[test]
    fn a_sound_race_holds() {
        let log = log(&[
            (1, 2, DONE),
            (1, 3, STALE),
            (2, 4, None),
            (4, 5, DONE),
            (5, 6, None),
        ]);
        let report = checked(&log, 5);
        assert!(report.keeps_writes(), "{report:?}");
        assert_eq!(report.old, 0);
        assert_eq!((report.done, report.stale), (2, 1));
        assert_eq!((report.unknown, report.unknown_applied), (2, 1));
        assert_eq!(report.longest_pause, Duration::from_secs(3));
    }

    #[test]
    fn two_writes_over_one_revision_are_found() {
        let report = checked(&log(&[(1, 2, DONE), (1, 3, DONE)]), 3);
        assert_eq!((report.twice, report.lost), (1, 1));
        assert!(!report.keeps_writes());
    }

    #[test]
    fn a_write_that_came_undone_is_found() {
        let report = checked(&log(&[(1, 2, DONE), (2, 3, DONE)]), 2);
        assert_eq!((report.twice, report.lost), (0, 1));
        assert_eq!(report.accounts_with_loss, 1);
        assert!(!report.keeps_writes());
    }

    #[test]
    fn an_applied_stale_write_is_found() {
        let report = checked(&log(&[(1, 2, STALE)]), 2);
        assert_eq!(report.wrong, 1);
        assert!(!report.keeps_writes());
    }

    #[test]
    fn a_row_of_unknown_origin_is_found() {
        assert_eq!(checked(&log(&[(1, 2, DONE)]), 9).wrong, 1);
        let report = compare(&log(&[]), &[None]);
        assert!(!report.keeps_writes(), "{report:?}");
    }

    #[test]
    fn a_load_of_an_old_revision_is_found() {
        let mut log = log(&[(1, 2, DONE), (2, 3, DONE)]);
        let loads = [(0, 1), (1, 2), (1, 1), (2, 3), (2, 2)];
        log.loads = loads
            .map(|(second, loaded)| crate::race::LoggedLoad {
                account: 0,
                revision: revision(loaded),
                begun: log.begun + Duration::from_millis(second * 1000 + 500),
            })
            .to_vec();
        let report = checked(&log, 3);
        assert_eq!((report.old, report.loads), (2, 5));
        assert!(report.keeps_writes());
    }
}
