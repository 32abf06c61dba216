//! Whether what clients saw at the same time can be put in one order: linearizability (Herlihy and Wing, 1990).

use core::array;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::run::{Run, write};
use super::{Failure, Harness};
use crate::AccountId;
use crate::store::{Revision, WriteResult};

/// Loads and swaps of one account by 8 clients at once can be put in one order, each at a moment between its call and its
/// answer, in which each sees what the swap before it wrote.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn loads_and_swaps_are_linearizable<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("loads_and_swaps_are_linearizable", harness);
    let stores: [H::Store; CLIENTS] = array::from_fn(|_| run.open());
    let account = run.account()?;
    let [store, ..] = &stores;
    let created = run.revision()?;
    let record = record_of(created);
    if run.swap(store, &account, write(None, created, &record))? == WriteResult::Stale {
        return Err(run.failure("Done for a creation", "Stale"));
    }
    let clock = Clock::new();
    let calls = run.race(CLIENTS, |client| match stores.get(client) {
        Some(store) => client_calls(&run, store, &account, &clock),
        None => Ok(Vec::new()),
    })?;
    let history = History {
        created,
        calls: calls.into_iter().flatten().collect(),
    };
    history
        .check()
        .map_err(|seen| run.failure("calls that can be put in one order", seen))
}

/// One client: loads, and swaps over what it has seen.
fn client_calls<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
    clock: &Clock,
) -> Result<Vec<Call>, Failure> {
    let mut calls = Vec::new();
    for round in 0..ROUNDS {
        let begun = clock.tick();
        let Some(stored) = run.load(store, account)? else {
            return Err(run.failure("the record", "no record"));
        };
        let loaded = Call {
            begun,
            answered: clock.tick(),
            did: Did::Load(stored.revision),
        };
        calls.push(loaded);
        if stored.record != record_of(stored.revision) {
            let expected = "the record and the revision of one write";
            return Err(run.failure(expected, "those of two"));
        }
        if round % 3 == 2 {
            continue;
        }
        let (expected, revision) = (stored.revision, run.revision()?);
        let record = record_of(revision);
        let begun = clock.tick();
        let swapped = run.swap(store, account, write(Some(expected), revision, &record))?;
        calls.push(Call {
            begun,
            answered: clock.tick(),
            did: match swapped {
                WriteResult::Done => Did::Swap { expected, revision },
                WriteResult::Stale => Did::Refused { expected },
            },
        });
    }
    Ok(calls)
}

fn record_of(revision: Revision) -> Vec<u8> {
    format!("written under {}", revision.as_i64()).into_bytes()
}

const CLIENTS: usize = 8;
const ROUNDS: usize = 60;

/// Numbers moments: no two are the same, and all are later than the creation.
struct Clock(AtomicU64);

impl Clock {
    const fn new() -> Self {
        Self(AtomicU64::new(CREATED.before))
    }

    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// One call, from the moment before it to the moment after its answer.
#[derive(Clone, Copy, Debug)]
struct Call {
    begun: u64,
    answered: u64,
    did: Did,
}

#[derive(Clone, Copy, Debug)]
enum Did {
    Load(Revision),
    Swap {
        expected: Revision,
        revision: Revision,
    },
    /// It was stale. The client had loaded what it expects before.
    Refused {
        expected: Revision,
    },
}

/// The creation is over before the history begins.
const CREATED: Birth = Birth {
    after: 0,
    before: 1,
};

/// All calls on one account, after its creation.
struct History {
    created: Revision,
    calls: Vec<Call>,
}

/// When a revision can have come into being.
#[derive(Clone, Copy)]
struct Birth {
    after: u64,
    before: u64,
}

impl History {
    /// Looks for an order.
    ///
    /// Revisions are never used twice and each swap names the one before it, so the order of the swaps is given: only the
    /// moments are to be found. A load of a revision puts its birth before the load's answer, and the birth of the next one
    /// after the load's call. A refusal puts the birth of the next one before its answer: its client had loaded the revision
    /// before it called. There are such moments exactly if taking the earliest for each swap in turn never comes too late.
    fn check(&self) -> Result<(), String> {
        let chain = self.chain()?;
        let mut births = self.births(&chain)?;
        self.narrow(&chain, &mut births)?;
        let mut earliest = 0;
        for (place, birth) in births.iter().enumerate() {
            earliest = earliest.max(birth.after);
            if earliest >= birth.before {
                return Err(format!(
                    "write {place} of {} must come after moment {earliest} and before moment {}",
                    births.len(),
                    birth.before
                ));
            }
        }
        Ok(())
    }

    /// The place of every revision in the order of the swaps.
    fn chain(&self) -> Result<BTreeMap<i64, usize>, String> {
        let mut next = BTreeMap::new();
        for call in &self.calls {
            if let Did::Swap { expected, revision } = call.did
                && next.insert(expected.as_i64(), revision.as_i64()).is_some()
            {
                return Err(format!("{expected:?} was replaced twice"));
            }
        }
        let mut chain = BTreeMap::from([(self.created.as_i64(), 0)]);
        let mut last = self.created.as_i64();
        while let Some(revision) = next.remove(&last) {
            chain.insert(revision, chain.len());
            last = revision;
        }
        match next.into_iter().next() {
            None => Ok(chain),
            Some((expected, _)) => Err(format!("{expected} was replaced, and never was there")),
        }
    }

    /// A birth for each place: between the call and the answer of its swap.
    fn births(&self, chain: &BTreeMap<i64, usize>) -> Result<Vec<Birth>, String> {
        let swaps = self.calls.iter().filter_map(|call| match call.did {
            Did::Swap { revision, .. } => Some((chain.get(&revision.as_i64())?, call)),
            Did::Load(_) | Did::Refused { .. } => None,
        });
        let births: BTreeMap<_, _> = swaps
            .map(|(place, call)| {
                let (after, before) = (call.begun, call.answered);
                (*place, Birth { after, before })
            })
            .collect();
        if births.len().saturating_add(1) != chain.len() {
            return Err("two swaps wrote one revision".to_string());
        }
        Ok(core::iter::once(CREATED)
            .chain(births.into_values())
            .collect())
    }

    /// What loads and refusals say of the births.
    fn narrow(&self, chain: &BTreeMap<i64, usize>, births: &mut [Birth]) -> Result<(), String> {
        for call in &self.calls {
            let place = |revision: Revision| {
                let place = chain.get(&revision.as_i64()).copied();
                place.ok_or_else(|| format!("{revision:?} was seen, and nobody wrote it"))
            };
            match call.did {
                Did::Swap { .. } => {}
                Did::Load(revision) => {
                    let place = place(revision)?;
                    if let Some(birth) = births.get_mut(place) {
                        birth.before = birth.before.min(call.answered);
                    }
                    if let Some(next) = births.get_mut(place.saturating_add(1)) {
                        next.after = next.after.max(call.begun);
                    }
                }
                Did::Refused { expected } => {
                    let place = place(expected)?;
                    let Some(next) = births.get_mut(place.saturating_add(1)) else {
                        return Err(format!("Stale, though {expected:?} was never replaced"));
                    };
                    next.before = next.before.min(call.answered);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: i64) -> Revision {
        Revision::from_i64(number).unwrap()
    }

    /// The revision 1 is there; calls are given as (begun, answered, what).
    fn check(calls: &[(u64, u64, Did)]) -> Result<(), String> {
        let call = |(begun, answered, did): &(u64, u64, Did)| Call {
            begun: begun.saturating_add(1),
            answered: answered.saturating_add(1),
            did: *did,
        };
        let history = History {
            created: revision(1),
            calls: calls.iter().map(call).collect(),
        };
        history.check()
    }

    fn load(number: i64) -> Did {
        Did::Load(revision(number))
    }

    fn swap(expected: i64, new: i64) -> Did {
        let (expected, revision) = (revision(expected), revision(new));
        Did::Swap { expected, revision }
    }

    fn refused(expected: i64) -> Did {
        let expected = revision(expected);
        Did::Refused { expected }
    }

    #[test]
    fn a_load_beside_a_swap_may_see_either() {
        for seen in [1, 2] {
            check(&[(0, 5, swap(1, 2)), (1, 4, load(seen))]).unwrap();
        }
    }

    #[test]
    fn a_load_after_a_swap_sees_it() {
        check(&[(0, 1, swap(1, 2)), (2, 3, load(2))]).unwrap();
        assert!(check(&[(0, 1, swap(1, 2)), (2, 3, load(1))]).is_err());
        assert!(check(&[(0, 1, load(2)), (2, 3, swap(1, 2))]).is_err());
    }

    #[test]
    fn loads_do_not_go_back() {
        let swapping = (0, 9, swap(1, 2));
        check(&[swapping, (1, 2, load(1)), (3, 4, load(2))]).unwrap();
        assert!(check(&[swapping, (1, 2, load(2)), (3, 4, load(1))]).is_err());
    }

    #[test]
    fn swaps_in_a_row_keep_their_moments() {
        // Both run all the time, but the second was seen before the first can have been.
        let swaps = [(0, 9, swap(1, 2)), (1, 8, swap(2, 3))];
        check(&[swaps[0], swaps[1], (2, 3, load(3))]).unwrap();
        let calls = [swaps[0], swaps[1], (2, 3, load(3)), (4, 5, load(2))];
        assert!(check(&calls).is_err());
        let calls = [swaps[0], swaps[1], (2, 3, load(3)), (4, 5, load(1))];
        assert!(check(&calls).is_err());
    }

    #[test]
    fn a_swap_that_is_refused_must_have_been_overtaken_by_then() {
        check(&[(0, 1, load(1)), (2, 9, swap(1, 2)), (3, 4, refused(1))]).unwrap();
        assert!(check(&[(0, 1, load(1)), (2, 3, refused(1))]).is_err());
        let late = [(0, 1, load(1)), (2, 3, refused(1)), (4, 5, swap(1, 2))];
        assert!(check(&late).is_err());
    }

    #[test]
    fn a_revision_is_replaced_once_and_seen_only_if_it_was_written() {
        assert!(check(&[(0, 1, swap(1, 2)), (2, 3, swap(1, 3))]).is_err());
        assert!(check(&[(0, 1, load(7))]).is_err());
        assert!(check(&[(0, 1, swap(7, 8))]).is_err());
    }
}
