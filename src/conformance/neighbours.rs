//! What clients of different accounts do to each other.

use core::sync::atomic::{AtomicBool, Ordering};
use std::format;
use std::string::String;
use std::thread;
use std::vec::Vec;

use super::run::{Run, store_of, write};
use super::{Failure, Harness};
use crate::{AccountId, Revision, Swapped};

/// When 16 clients write to 16 accounts at the same time, each to one, no write is lost.
///
/// Each client creates, replaces and erases, and expects to find its write before. Catches a store
/// that loses a write when another account is written (all accounts in one file or document), and one
/// that now and then says `Done` without writing. [`Effort`](super::Effort) says how often.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn no_write_is_lost_among_16_accounts<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("no_write_is_lost_among_16_accounts", harness);
    let stores = [run.open(), run.open()];
    let accounts = accounts(&run)?;
    let lives = run.repetitions_for_each_of(CLIENTS).div_ceil(LIFE);
    at_once(&run, lives, |client, _| {
        let Some(account) = accounts.get(client) else {
            return Ok(());
        };
        let mut expected = None;
        for number in 0..LIFE {
            // Turn by turn with both handles, so that what a handle keeps to itself shows.
            let store = store_of(&stores, client.wrapping_add(number));
            if number == LIFE - 1 {
                let Some(last) = expected else { continue };
                if run.erase(store, account, last)? == Swapped::Stale {
                    return Err(lost(&run, store, account, "an erasure"));
                }
                expected = None;
            } else {
                let record = format!("write {number} of client {client}");
                let written = run.try_write(store, account, expected, record.as_bytes())?;
                if written.is_none() {
                    return Err(lost(&run, store, account, &record));
                }
                expected = written;
            }
        }
        let store = store_of(&stores, client);
        run.holds_nothing(store, account, "after it was erased")
    })
}

/// The failure of a write that did not find the client's own write before.
fn lost<H: Harness>(
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

/// When 16 clients load 16 accounts at the same time, each gets the record and the revision of the
/// account that it asks for, or `None` if that account is absent.
///
/// Catches a store that mixes up the answers of concurrent calls: that keeps an answer in a field, or
/// matches the answers on one connection to the wrong requests. [`Effort`](super::Effort) says how
/// rare a wrong answer may be.
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
    // Nobody writes this one.
    accounts.push(run.account()?);
    at_once(
        &run,
        run.repetitions_for_each_of(CLIENTS),
        |client, round| {
            let store = store_of(&stores, client);
            let place = client.wrapping_add(round).checked_rem(accounts.len());
            let Some(account) = place.and_then(|place| accounts.get(place)) else {
                return Ok(());
            };
            if Some(account) == accounts.last() {
                return run.holds_nothing(store, account, "while other accounts are loaded");
            }
            let Some(stored) = run.load(store, account)? else {
                return Err(run.failure(format!("the record of {account:?}"), "no record"));
            };
            if stored.record != record_of(account, stored.revision).into_bytes() {
                let text = String::from_utf8_lossy(&stored.record);
                let seen = format!("{text:?} under {:?}", stored.revision);
                return Err(run.failure(format!("the record of {account:?}"), seen));
            }
            // Now and then by its one writer, so that answers to loads and swaps mix.
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
    match run.swap(store, account, write(expected, revision, record.as_bytes()))? {
        Swapped::Done => Ok(()),
        Swapped::Stale => Err(lost(run, store, account, "a write")),
    }
}

fn record_of(account: &AccountId, revision: Revision) -> String {
    format!("{account} under {}", revision.as_i64())
}

/// Every row is still there after a second, and after 1,024 others were created.
///
/// Catches a store whose rows expire soon, and one that drops the oldest row when there are many. It
/// cannot catch rows that expire later. [`Effort::row_age`](super::Effort::row_age) waits longer.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn rows_stay<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("rows_stay", harness);
    let stores = [run.open(), run.open()];
    let rows = run.race(CLIENTS, |client| {
        let store = store_of(&stores, client);
        let mut rows = Vec::new();
        for _ in 0..ROWS / CLIENTS {
            let account = run.account()?;
            let revision = run.write(store, &account, None, b"here to stay")?;
            rows.push((account, revision));
        }
        Ok(rows)
    })?;
    let age = run.effort().oldest_row();
    thread::sleep(age);
    let when = format!("when it is {age:?} old and one of {ROWS}");
    run.race(CLIENTS, |client| {
        let store = store_of(&stores, client);
        for (account, revision) in rows.get(client).into_iter().flatten() {
            run.holds(store, account, b"here to stay", *revision, &when)?;
        }
        Ok(())
    })?;
    run.race(CLIENTS, |client| {
        let store = store_of(&stores, client);
        for (account, revision) in rows.get(client).into_iter().flatten() {
            if run.erase(store, account, *revision)? == Swapped::Stale {
                return Err(lost(&run, store, account, "an erasure"));
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn accounts<H: Harness>(run: &Run<'_, H>) -> Result<Vec<AccountId>, Failure> {
    (0..CLIENTS).map(|_| run.account()).collect()
}

/// Lets 16 clients do the same so often. All end when one of them fails.
fn at_once<H: Harness>(
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
/// How many writes there are from the creation of an account to its erasure.
const LIFE: usize = 8;
const ROWS: usize = 1024;
