//! Whether concurrent calls are linearizable: whether they fit one order (Herlihy and Wing, 1990).

use super::harness::{Run, conditional_write};
use super::{Failure, Harness};
use crate::AccountId;
use crate::store::{Revision, WriteResult};
use core::array;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Concurrent loads and writes of one account by 8 clients fit one order.
///
/// In this order, each call takes effect at a moment between its start and its answer, and sees the
/// previous write.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn loads_and_writes_are_linearizable<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("loads_and_writes_are_linearizable", harness);
    let stores: [H::Store; CLIENTS] = array::from_fn(|_| run.open());
    let account = run.account()?;
    let [store, ..] = &stores;
    let created = run.revision()?;
    let record = record_of(created);
    let write = conditional_write(None, created, &record);
    if run.compare_and_swap(store, &account, write)? == WriteResult::Stale {
        return Err(run.failure("Done for a creation", "Stale"));
    }
    let moments = Moments::new();
    let calls = run.race(CLIENTS, |client| match stores.get(client) {
        Some(store) => client_calls(&run, store, &account, &moments),
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

/// The calls of one client: loads, and writes over the revision that it loaded.
fn client_calls<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
    moments: &Moments,
) -> Result<Vec<Call>, Failure> {
    let mut calls = Vec::new();
    for round in 0..ROUNDS {
        let called = moments.next();
        let Some(stored) = run.load(store, account)? else {
            return Err(run.failure("the record", "no record"));
        };
        let loaded = Call {
            called,
            answered: moments.next(),
            effect: Effect::Load(stored.revision),
        };
        calls.push(loaded);
        if stored.record != record_of(stored.revision) {
            let expected = "the record and the revision of one write";
            return Err(run.failure(expected, "the record of another write"));
        }
        if round % 3 == 2 {
            continue;
        }
        let (expected, revision) = (stored.revision, run.revision()?);
        let record = record_of(revision);
        let called = moments.next();
        let write = conditional_write(Some(expected), revision, &record);
        let result = run.compare_and_swap(store, account, write)?;
        calls.push(Call {
            called,
            answered: moments.next(),
            effect: match result {
                WriteResult::Done => Effect::Write { expected, revision },
                WriteResult::Stale => Effect::Stale { expected },
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

/// Numbers moments. Each number is distinct, and higher than the number of the creation.
struct Moments(AtomicU64);

impl Moments {
    const fn new() -> Self {
        Self(AtomicU64::new(CREATED.before))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// One call, from the moment before it to the moment after its answer.
#[derive(Clone, Copy, Debug)]
struct Call {
    called: u64,
    answered: u64,
    effect: Effect,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Load(Revision),
    Write {
        expected: Revision,
        revision: Revision,
    },
    /// A stale write. Its client had loaded the expected revision before.
    Stale {
        expected: Revision,
    },
}

/// The creation ends before the history begins.
const CREATED: WriteTime = WriteTime {
    after: 0,
    before: 1,
};

/// All calls on one account, after its creation.
struct History {
    created: Revision,
    calls: Vec<Call>,
}

/// The moments between which a revision was written.
#[derive(Clone, Copy)]
struct WriteTime {
    after: u64,
    before: u64,
}

impl History {
    /// Looks for an order.
    ///
    /// Revisions are unique, and each write names the revision before it. So the order of the
    /// writes is known, and only their moments are unknown:
    ///
    /// - A load of a revision shows that the revision was written before the load's answer. The
    ///   next revision was written after the load's call.
    /// - A stale write shows that the next revision was written before the answer. Its client had
    ///   loaded the expected revision before.
    ///
    /// Take the earliest possible moment for each write in turn. If no write comes too late, there
    /// is an order; otherwise there is none.
    fn check(&self) -> Result<(), String> {
        let chain = self.chain()?;
        let mut times = self.write_times(&chain)?;
        self.narrow(&chain, &mut times)?;
        let mut earliest = 0;
        for (place, time) in times.iter().enumerate() {
            earliest = earliest.max(time.after);
            if earliest >= time.before {
                return Err(format!(
                    "write {place} of {} must come after moment {earliest} and before moment {}",
                    times.len(),
                    time.before
                ));
            }
        }
        Ok(())
    }

    /// The place of every revision in the order of the writes.
    fn chain(&self) -> Result<BTreeMap<i64, usize>, String> {
        let mut next = BTreeMap::new();
        for call in &self.calls {
            if let Effect::Write { expected, revision } = call.effect
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
            Some((expected, _)) => Err(format!("{expected} was replaced, and was never written")),
        }
    }

    /// A time for each place: between the call and the answer of its write.
    fn write_times(&self, chain: &BTreeMap<i64, usize>) -> Result<Vec<WriteTime>, String> {
        let writes = self.calls.iter().filter_map(|call| match call.effect {
            Effect::Write { revision, .. } => Some((chain.get(&revision.as_i64())?, call)),
            Effect::Load(_) | Effect::Stale { .. } => None,
        });
        let times: BTreeMap<_, _> = writes
            .map(|(place, call)| {
                let (after, before) = (call.called, call.answered);
                (*place, WriteTime { after, before })
            })
            .collect();
        if times.len().saturating_add(1) != chain.len() {
            return Err("two writes had one revision".to_string());
        }
        Ok(core::iter::once(CREATED)
            .chain(times.into_values())
            .collect())
    }

    /// Narrows the times by the loads and the stale writes.
    fn narrow(&self, chain: &BTreeMap<i64, usize>, times: &mut [WriteTime]) -> Result<(), String> {
        for call in &self.calls {
            let place = |revision: Revision| {
                let place = chain.get(&revision.as_i64()).copied();
                place.ok_or_else(|| format!("{revision:?} was loaded, and never written"))
            };
            match call.effect {
                Effect::Write { .. } => {}
                Effect::Load(revision) => {
                    let place = place(revision)?;
                    if let Some(time) = times.get_mut(place) {
                        time.before = time.before.min(call.answered);
                    }
                    if let Some(next) = times.get_mut(place.saturating_add(1)) {
                        next.after = next.after.max(call.called);
                    }
                }
                Effect::Stale { expected } => {
                    let place = place(expected)?;
                    let Some(next) = times.get_mut(place.saturating_add(1)) else {
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

    /// Checks calls, given as (called, answered, effect), after the creation of revision 1.
    fn check(calls: &[(u64, u64, Effect)]) -> Result<(), String> {
        let call = |(called, answered, effect): &(u64, u64, Effect)| Call {
            called: called.saturating_add(1),
            answered: answered.saturating_add(1),
            effect: *effect,
        };
        let history = History {
            created: revision(1),
            calls: calls.iter().map(call).collect(),
        };
        history.check()
    }

    fn load(number: i64) -> Effect {
        Effect::Load(revision(number))
    }

    fn write(expected: i64, new: i64) -> Effect {
        let (expected, revision) = (revision(expected), revision(new));
        Effect::Write { expected, revision }
    }

    fn stale(expected: i64) -> Effect {
        let expected = revision(expected);
        Effect::Stale { expected }
    }

    #[test]
    fn a_load_during_a_write_may_see_either() {
        for seen in [1, 2] {
            check(&[(0, 5, write(1, 2)), (1, 4, load(seen))]).unwrap();
        }
    }

    #[test]
    fn a_load_after_a_write_sees_the_write() {
        check(&[(0, 1, write(1, 2)), (2, 3, load(2))]).unwrap();
        assert!(check(&[(0, 1, write(1, 2)), (2, 3, load(1))]).is_err());
        assert!(check(&[(0, 1, load(2)), (2, 3, write(1, 2))]).is_err());
    }

    #[test]
    fn loads_do_not_go_back() {
        let writing = (0, 9, write(1, 2));
        check(&[writing, (1, 2, load(1)), (3, 4, load(2))]).unwrap();
        assert!(check(&[writing, (1, 2, load(2)), (3, 4, load(1))]).is_err());
    }

    #[test]
    fn consecutive_writes_keep_their_order() {
        // Both writes last for the whole history. After a load of the second write, no load may see
        // an older one.
        let writes = [(0, 9, write(1, 2)), (1, 8, write(2, 3))];
        check(&[writes[0], writes[1], (2, 3, load(3))]).unwrap();
        let calls = [writes[0], writes[1], (2, 3, load(3)), (4, 5, load(2))];
        assert!(check(&calls).is_err());
        let calls = [writes[0], writes[1], (2, 3, load(3)), (4, 5, load(1))];
        assert!(check(&calls).is_err());
    }

    #[test]
    fn a_stale_write_comes_after_another_write() {
        check(&[(0, 1, load(1)), (2, 9, write(1, 2)), (3, 4, stale(1))]).unwrap();
        assert!(check(&[(0, 1, load(1)), (2, 3, stale(1))]).is_err());
        let late = [(0, 1, load(1)), (2, 3, stale(1)), (4, 5, write(1, 2))];
        assert!(check(&late).is_err());
    }

    #[test]
    fn a_revision_is_written_once_and_replaced_once() {
        assert!(check(&[(0, 1, write(1, 2)), (2, 3, write(1, 3))]).is_err());
        assert!(check(&[(0, 1, load(7))]).is_err());
        assert!(check(&[(0, 1, write(7, 8))]).is_err());
    }
}
