//! What several clients of one database see of each other.

use core::array;
use std::collections::BTreeSet;
use std::format;
use std::string::ToString;
use std::vec::Vec;

use super::run::{Run, store_of};
use super::{Failure, Harness};
use crate::AccountId;
use crate::store::{Revision, WriteResult};

/// What one handle wrote, another that was open before sees at once, in both directions.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn two_handles_see_each_other_at_once<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("two_handles_see_each_other_at_once", harness);
    let (here, there, account) = (run.open(), run.open(), run.account()?);
    run.holds_nothing(&here, &account, "before its creation")?;
    run.holds_nothing(&there, &account, "before its creation")?;
    let mut revision = run.write(&here, &account, None, b"created here")?;
    let when = "right after another handle wrote it";
    run.holds(&there, &account, b"created here", revision, when)?;
    for _ in 0..10 {
        let old = revision;
        revision = run.write(&there, &account, Some(old), b"written there")?;
        run.holds(&here, &account, b"written there", revision, when)?;
        let why = "another handle swapped since";
        run.write_stale(&here, &account, Some(old), b"late", why)?;
        revision = run.write(&here, &account, Some(revision), b"written here")?;
        run.holds(&there, &account, b"written here", revision, when)?;
    }
    if run.erase(&there, &account, revision)? == WriteResult::Stale {
        return Err(run.failure("Done for an erasure on another handle", "Stale"));
    }
    run.holds_nothing(&here, &account, "right after another handle erased it")
}

/// A write that was answered with `Done` is there for others, and stays there when its handle is dropped at once: it was
/// committed, not left to a transaction that somebody else ends.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_done_write_outlives_its_handle<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_done_write_outlives_its_handle", harness);
    let (account, erased) = (run.account()?, run.account()?);
    let when = "after the handle that wrote it was dropped";
    let created = {
        let request = run.open();
        run.write(&request, &account, None, b"1 failure")?
    };
    run.holds(&run.open(), &account, b"1 failure", created, when)?;
    let swapped = {
        let request = run.open();
        run.write(&request, &account, Some(created), b"2 failures")?
    };
    run.holds(&run.open(), &account, b"2 failures", swapped, when)?;
    let doomed = {
        let request = run.open();
        run.write(&request, &erased, None, b"to be erased")?
    };
    {
        let request = run.open();
        if run.erase(&request, &erased, doomed)? == WriteResult::Stale {
            return Err(run.failure("Done for an erasure", "Stale"));
        }
    }
    run.holds_nothing(
        &run.open(),
        &erased,
        "after the handle that erased it was dropped",
    )
}

/// Of 16 that create one account at the same time, exactly one is done, and its record is there.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn one_of_16_racers_creates<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("one_of_16_racers_creates", harness);
    let stores: [H::Store; 2] = array::from_fn(|_| run.open());
    for _ in 0..ROUNDS {
        one_writes(&run, &stores, &run.account()?, None)?;
    }
    Ok(())
}

/// Of 16 that swap one revision at the same time, exactly one is done, and its record is there.
///
/// Catches a store that compares and writes in two steps, and one that now and then does a swap that
/// is stale. [`Effort`](super::Effort) says how rare that may be.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn one_of_16_racers_swaps<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("one_of_16_racers_swaps", harness);
    let stores: [H::Store; 2] = array::from_fn(|_| run.open());
    let account = run.account()?;
    let [store, _] = &stores;
    let mut revision = run.write(store, &account, None, b"before the race")?;
    for _ in 0..run.repetitions_for_each_of(RACERS - 1) {
        revision = one_writes(&run, &stores, &account, Some(revision))?;
    }
    Ok(())
}

/// Lets 16 write over the same revision, and gives that of the one that did.
fn one_writes<H: Harness>(
    run: &Run<'_, H>,
    stores: &[H::Store; 2],
    account: &AccountId,
    expected: Option<Revision>,
) -> Result<Revision, Failure> {
    let results = run.race(RACERS, |racer| {
        let record = format!("racer {racer}");
        let revision = run.try_write(
            store_of(stores, racer),
            account,
            expected,
            record.as_bytes(),
        )?;
        Ok(revision.map(|revision| (record, revision)))
    })?;
    let mut winners = results.into_iter().flatten();
    let (Some((record, revision)), others) = (winners.next(), winners.count()) else {
        return Err(run.failure("one Done", "16 times Stale"));
    };
    if others > 0 {
        let count = others.saturating_add(1);
        return Err(run.failure(
            "one Done, and 15 times Stale",
            format!("{count} times Done"),
        ));
    }
    for store in stores {
        run.holds(
            store,
            account,
            record.as_bytes(),
            revision,
            "after the race that it won",
        )?;
    }
    Ok(revision)
}

/// Of 16 that erase or swap one revision at the same time, exactly one is done.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn one_of_16_racers_erases<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("one_of_16_racers_erases", harness);
    let stores: [H::Store; 2] = array::from_fn(|_| run.open());
    let [store, _] = &stores;
    for _ in 0..ROUNDS {
        let account = run.account()?;
        let expected = run.write(store, &account, None, b"before the race")?;
        let results = run.race(RACERS, |racer| {
            let store = store_of(&stores, racer);
            // Half of each handle's racers erase, half write.
            if racer & 2 == 0 {
                Ok((run.erase(store, &account, expected)? == WriteResult::Done).then_some(None))
            } else {
                let written = run.try_write(store, &account, Some(expected), b"not erased")?;
                Ok(written.map(Some))
            }
        })?;
        let winners: Vec<_> = results.into_iter().flatten().collect();
        match winners[..] {
            [None] => run.holds_nothing(store, &account, "after the race that an erasure won")?,
            [Some(revision)] => {
                let when = "after the race that a swap won";
                run.holds(store, &account, b"not erased", revision, when)?;
            }
            _ => {
                let seen = format!("{} times Done", winners.len());
                return Err(run.failure("one Done, and 15 times Stale", seen));
            }
        }
    }
    Ok(())
}

/// When 16 clients each add one 50 times, by load and swap, the sum is 800, and no revision is replaced twice.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn no_increment_is_lost<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("no_increment_is_lost", harness);
    let stores: [H::Store; 2] = array::from_fn(|_| run.open());
    let account = run.account()?;
    let [store, _] = &stores;
    run.write(store, &account, None, b"0")?;
    let replaced: Vec<Vec<Revision>> = run.race(RACERS, |racer| {
        (0..INCREMENTS)
            .map(|_| increment(&run, store_of(&stores, racer), &account))
            .collect()
    })?;
    let replaced: Vec<i64> = replaced
        .into_iter()
        .flatten()
        .map(Revision::as_i64)
        .collect();
    let distinct: BTreeSet<i64> = replaced.iter().copied().collect();
    if distinct.len() != replaced.len() {
        let seen = format!("{} swaps of {} revisions", replaced.len(), distinct.len());
        return Err(run.failure("every revision replaced once", seen));
    }
    let (sum, _) = counter(&run, store, &account)?;
    if sum != TOTAL {
        return Err(run.failure(format!("a sum of {TOTAL}"), format!("{sum}")));
    }
    Ok(())
}

/// Adds one, and gives the revision that was replaced.
fn increment<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
) -> Result<Revision, Failure> {
    for _ in 0..ATTEMPTS {
        let (count, revision) = counter(run, store, account)?;
        let next = count.saturating_add(1).to_string();
        if run
            .try_write(store, account, Some(revision), next.as_bytes())?
            .is_some()
        {
            return Ok(revision);
        }
    }
    Err(run.failure(
        "a swap that is done now and then",
        format!("{ATTEMPTS} times Stale, each right after a load"),
    ))
}

fn counter<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
) -> Result<(u32, Revision), Failure> {
    let Some(stored) = run.load(store, account)? else {
        return Err(run.failure("the counter", "no record"));
    };
    match str::from_utf8(&stored.record).map(str::parse) {
        Ok(Ok(count)) => Ok((count, stored.revision)),
        _ => Err(run.failure("the counter as decimal text", format!("{stored:?}"))),
    }
}

const RACERS: usize = 16;
const ROUNDS: usize = 8;
const INCREMENTS: usize = 50;
const TOTAL: u32 = 800;
/// More than all others can be in the way of one increment.
const ATTEMPTS: usize = 800;
