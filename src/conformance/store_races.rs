//! Cases with several clients of one database.

use super::harness::{Run, conditional_write, handle_of};
use super::{Failure, Harness};
use crate::AccountId;
use crate::store::{Revision, WriteResult};
use core::array;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeSet;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, thread};

/// Two open handles see each other's writes immediately.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn two_handles_see_each_other_at_once<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("two_handles_see_each_other_at_once", harness);
    let (first, second, account) = (run.open(), run.open(), run.account()?);
    run.expect_no_record(&first, &account, "before its creation")?;
    run.expect_no_record(&second, &account, "before its creation")?;
    let mut revision = run.write(&first, &account, None, b"created by the first")?;
    let when = "right after another handle wrote it";
    run.expect_record(&second, &account, b"created by the first", revision, when)?;
    for _ in 0..10 {
        let old = revision;
        revision = run.write(&second, &account, Some(old), b"written by the second")?;
        run.expect_record(&first, &account, b"written by the second", revision, when)?;
        let why = "another handle wrote since";
        run.expect_stale_write(&first, &account, Some(old), b"late", why)?;
        revision = run.write(&first, &account, Some(revision), b"written by the first")?;
        run.expect_record(&second, &account, b"written by the first", revision, when)?;
    }
    run.expect_erasure(&second, &account, revision)?;
    run.expect_no_record(&first, &account, "right after another handle erased it")
}

/// A write that was answered with `Done` stays when its handle is dropped at once.
///
/// The store commits the write, and does not leave it in a transaction that other code ends. Only a
/// store that serves `Verifier::import_in_transaction` alone may do that, and fails this check.
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
    run.expect_record(&run.open(), &account, b"1 failure", created, when)?;
    let replaced = {
        let request = run.open();
        run.write(&request, &account, Some(created), b"2 failures")?
    };
    run.expect_record(&run.open(), &account, b"2 failures", replaced, when)?;
    let last = {
        let request = run.open();
        run.write(&request, &erased, None, b"to be erased")?
    };
    {
        let request = run.open();
        run.expect_erasure(&request, &erased, last)?;
    }
    run.expect_no_record(
        &run.open(),
        &erased,
        "after the handle that erased it was dropped",
    )
}

/// If 16 clients create one account at the same time, exactly one is done, and its record is
/// stored.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn one_of_16_racers_creates<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("one_of_16_racers_creates", harness);
    let stores: [H::Store; 2] = array::from_fn(|_| run.open());
    for _ in 0..ROUNDS {
        race_for_one_write(&run, &stores, &run.account()?, None)?;
    }
    Ok(())
}

/// If 16 clients replace one revision at the same time, exactly one is done, and its record is
/// stored.
///
/// Catches a store that compares and writes in two steps, and a store that rarely stores a stale
/// write. [`Effort`](super::Effort) says how rare such a fault may be.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn one_of_16_racers_writes<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("one_of_16_racers_writes", harness);
    let stores: [H::Store; 2] = array::from_fn(|_| run.open());
    let account = run.account()?;
    let [store, _] = &stores;
    let mut revision = run.write(store, &account, None, b"before the race")?;
    for _ in 0..run.repetitions_for_each_of(CLIENTS - 1) {
        revision = race_for_one_write(&run, &stores, &account, Some(revision))?;
    }
    Ok(())
}

/// Lets 16 clients write over one revision. Returns the revision of the one that is done.
fn race_for_one_write<H: Harness>(
    run: &Run<'_, H>,
    stores: &[H::Store; 2],
    account: &AccountId,
    expected: Option<Revision>,
) -> Result<Revision, Failure> {
    let results = run.race(CLIENTS, |client| {
        let record = format!("client {client}");
        let revision = run.try_write(
            handle_of(stores, client),
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
        run.expect_record(
            store,
            account,
            record.as_bytes(),
            revision,
            "after the race that it won",
        )?;
    }
    Ok(revision)
}

/// If 16 clients erase or replace one revision at the same time, exactly one is done.
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
        let results = run.race(CLIENTS, |client| {
            let store = handle_of(&stores, client);
            // On each handle, half of the clients erase, and half write.
            if client & 2 == 0 {
                Ok((run.erase(store, &account, expected)? == WriteResult::Done).then_some(None))
            } else {
                let written = run.try_write(store, &account, Some(expected), b"not erased")?;
                Ok(written.map(Some))
            }
        })?;
        let winners: Vec<_> = results.into_iter().flatten().collect();
        match winners[..] {
            [None] => {
                let when = "after the race that an erasure won";
                run.expect_no_record(store, &account, when)?;
            }
            [Some(revision)] => {
                let when = "after the race that a write won";
                run.expect_record(store, &account, b"not erased", revision, when)?;
            }
            _ => {
                let seen = format!("{} times Done", winners.len());
                return Err(run.failure("one Done, and 15 times Stale", seen));
            }
        }
    }
    Ok(())
}

/// If 16 clients each add one 50 times, the sum is 800, and no revision is replaced twice.
///
/// Each client adds one by a load and a write.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn no_increment_is_lost<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("no_increment_is_lost", harness);
    let stores: [H::Store; 2] = array::from_fn(|_| run.open());
    let account = run.account()?;
    let [store, _] = &stores;
    run.write(store, &account, None, b"0")?;
    let replaced: Vec<Vec<Revision>> = run.race(CLIENTS, |client| {
        (0..INCREMENTS)
            .map(|_| increment(&run, handle_of(&stores, client), &account))
            .collect()
    })?;
    let replaced: Vec<i64> = replaced
        .into_iter()
        .flatten()
        .map(Revision::as_i64)
        .collect();
    let distinct: BTreeSet<i64> = replaced.iter().copied().collect();
    if distinct.len() != replaced.len() {
        let seen = format!(
            "{} writes over {} revisions",
            replaced.len(),
            distinct.len()
        );
        return Err(run.failure("every revision replaced once", seen));
    }
    let (sum, _) = counter(&run, store, &account)?;
    if sum != TOTAL {
        return Err(run.failure(format!("a sum of {TOTAL}"), format!("{sum}")));
    }
    Ok(())
}

/// Adds one. Returns the revision that was replaced.
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
        "a write that is done now and then",
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

/// If 16 clients write to an account each at the same time, no write is lost.
///
/// Each client creates, replaces and erases, and each time expects its own previous write. Catches
/// a store that loses a write when another account is written, because all accounts are in one file
/// or document. Also catches a store that rarely answers `Done` without writing.
/// [`Effort`](super::Effort) says how rare such a fault may be.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn no_write_is_lost_among_16_accounts<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("no_write_is_lost_among_16_accounts", harness);
    let stores = [run.open(), run.open()];
    let accounts = accounts(&run)?;
    let rounds = run.repetitions_for_each_of(CLIENTS).div_ceil(WRITES);
    run_clients(&run, rounds, |client, _| {
        let Some(account) = accounts.get(client) else {
            return Ok(());
        };
        let mut expected = None;
        for number in 0..WRITES {
            // Uses both handles in turn, so that the case finds state that a handle does not share.
            let store = handle_of(&stores, client.wrapping_add(number));
            if number == WRITES - 1 {
                let Some(last) = expected else { continue };
                if run.erase(store, account, last)? == WriteResult::Stale {
                    return Err(lost_write(&run, store, account, "an erasure"));
                }
                expected = None;
            } else {
                let record = format!("write {number} of client {client}");
                let written = run.try_write(store, account, expected, record.as_bytes())?;
                if written.is_none() {
                    return Err(lost_write(&run, store, account, &record));
                }
                expected = written;
            }
        }
        let store = handle_of(&stores, client);
        run.expect_no_record(store, account, "after it was erased")
    })
}

/// The failure of a write that did not find the client's own previous write.
fn lost_write<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
    what: &str,
) -> Failure {
    let found = match run.load(store, account) {
        Ok(found) => format!("{found:?}"),
        Err(failure) => failure.seen().into(),
    };
    run.failure(
        format!("Done for {what} in {account:?}, which expects what its only client wrote before"),
        format!("Stale; the account holds {found}"),
    )
}

/// If 16 clients load 16 accounts at the same time, each load returns the record of its account.
///
/// A load of an absent account returns `None`. Catches a store that mixes up the answers of
/// concurrent calls. For example, it keeps an answer in a field, or matches the answers on one
/// connection to the wrong requests. [`Effort`](super::Effort) says how rare a wrong answer may be.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn every_load_is_of_its_account<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("every_load_is_of_its_account", harness);
    let stores = [run.open(), run.open()];
    let [store, _] = &stores;
    let mut accounts = accounts(&run)?;
    for account in &accounts {
        write_named(&run, store, account, None)?;
    }
    // No client writes this one.
    accounts.push(run.account()?);
    run_clients(
        &run,
        run.repetitions_for_each_of(CLIENTS),
        |client, round| {
            let store = handle_of(&stores, client);
            let place = client.wrapping_add(round).checked_rem(accounts.len());
            let Some(account) = place.and_then(|place| accounts.get(place)) else {
                return Ok(());
            };
            if Some(account) == accounts.last() {
                return run.expect_no_record(store, account, "while other accounts are loaded");
            }
            let Some(stored) = run.load(store, account)? else {
                return Err(run.failure(format!("the record of {account:?}"), "no record"));
            };
            if stored.record != record_of(account, stored.revision).into_bytes() {
                let text = String::from_utf8_lossy(&stored.record);
                let seen = format!("{text:?} under {:?}", stored.revision);
                return Err(run.failure(format!("the record of {account:?}"), seen));
            }
            // Each account has one writer. Its writes mix the answers to loads and writes.
            if Some(account) == accounts.get(client) {
                write_named(&run, store, account, Some(stored.revision))?;
            }
            Ok(())
        },
    )
}

/// Writes a record that names its account and its revision.
fn write_named<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
    expected: Option<Revision>,
) -> Result<(), Failure> {
    let revision = run.revision()?;
    let record = record_of(account, revision);
    let write = conditional_write(expected, revision, record.as_bytes());
    match run.compare_and_swap(store, account, write)? {
        WriteResult::Done => Ok(()),
        WriteResult::Stale => Err(lost_write(run, store, account, "a write")),
    }
}

fn record_of(account: &AccountId, revision: Revision) -> String {
    format!("{account} under {}", revision.as_i64())
}

/// Every row is still there after a second, and after 1,024 others were created.
///
/// Catches a store whose rows expire soon, and a store that drops the oldest of many rows. It
/// cannot catch rows that expire later. [`Effort::row_age`](super::Effort::row_age) waits longer.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn rows_stay<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("rows_stay", harness);
    let stores = [run.open(), run.open()];
    let rows = run.race(CLIENTS, |client| {
        let store = handle_of(&stores, client);
        let mut rows = Vec::new();
        for _ in 0..ROWS / CLIENTS {
            let account = run.account()?;
            let revision = run.write(store, &account, None, b"here to stay")?;
            rows.push((account, revision));
        }
        Ok(rows)
    })?;
    let age = run.effort().age_of_rows();
    thread::sleep(age);
    let when = format!("when it is {age:?} old and one of {ROWS}");
    run.race(CLIENTS, |client| {
        let store = handle_of(&stores, client);
        for (account, revision) in rows.get(client).into_iter().flatten() {
            run.expect_record(store, account, b"here to stay", *revision, &when)?;
        }
        Ok(())
    })?;
    run.race(CLIENTS, |client| {
        let store = handle_of(&stores, client);
        for (account, revision) in rows.get(client).into_iter().flatten() {
            run.expect_erasure(store, account, *revision)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn accounts<H: Harness>(run: &Run<'_, H>) -> Result<Vec<AccountId>, Failure> {
    (0..CLIENTS).map(|_| run.account()).collect()
}

/// Lets each of 16 clients call `work` with its number and the round. All stop when one fails.
fn run_clients<H: Harness>(
    run: &Run<'_, H>,
    rounds: usize,
    work: impl Fn(usize, usize) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let failed = AtomicBool::new(false);
    run.race(CLIENTS, |client| {
        for round in 0..rounds {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            work(client, round).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    })?;
    Ok(())
}

const CLIENTS: usize = 16;
const ROUNDS: usize = 8;
const INCREMENTS: usize = 50;
const TOTAL: u32 = 800;
/// More attempts than the other clients can make stale.
const ATTEMPTS: usize = 800;
/// The writes from the creation of an account to its erasure.
const WRITES: usize = 8;
const ROWS: usize = 1024;
