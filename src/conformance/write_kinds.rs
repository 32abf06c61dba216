//! Whether a store treats every kind of swap alike.
//! What clients of different accounts do to each other.

use super::run::{Run, store_of, write};
use super::{Failure, Harness};
use crate::store::{ConditionalWrite, Revision, Summary, WriteKind, WriteResult};
use crate::{AccountId, KeyId};
use core::sync::atomic::{AtomicBool, Ordering};
use std::string::String;
use std::vec::Vec;
use std::{format, thread};

/// What the swaps of a kind do with a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    CreateOrReplace,
    Replace,
    Erase,
}

/// Makes the list of kinds, and a match that does not compile if a kind is missing.
macro_rules! kinds {
    ($($kind:ident: $does:ident,)+) => {
        const KINDS: &[(WriteKind, Does)] = &[$((WriteKind::$kind, Does::$does)),+];

        const _: fn(WriteKind) = |kind| match kind {
            $(WriteKind::$kind)|+ => {}
        };
    };
}

kinds! {
    Enrolling: CreateOrReplace,
    Enrolled: CreateOrReplace,
    Reserved: Replace,
    Accepted: Replace,
    Rejected: Replace,
    Issuing: Replace,
    Issued: Replace,
    Removed: Replace,
    Disabled: Replace,
    Unlocked: Replace,
    Resealed: Replace,
    Erased: Erase,
}

/// A swap of every kind is written, and stays when its handle is dropped, with every summary.
///
/// Catches a store that says `Done` and writes nothing for some kinds, that rolls some kinds back,
/// and whose columns do not hold the summary: `key` from 0 to 2^32 - 1, `codes_left` from 0 to 100.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn every_kind_is_written<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("every_kind_is_written", harness);
    for &(kind, does) in KINDS {
        for summary in summaries() {
            if does == Does::CreateOrReplace {
                let account = run.account()?;
                let swap = ConditionalWrite::put(None, run.revision()?, b"created", kind, summary);
                done(&run, swap, run.swap(&run.open(), &account, swap)?)?;
                let when = format!("after it was created by {swap:?}");
                run.holds(&run.open(), &account, b"created", swap.revision(), &when)?;
            }
            let account = run.account()?;
            let before = run.write(&run.open(), &account, None, b"before")?;
            let swap = swap_of(kind, does, before, run.revision()?, summary);
            done(&run, swap, run.swap(&run.open(), &account, swap)?)?;
            let when = format!("after {swap:?}");
            match swap.record() {
                Some(record) => {
                    run.holds(&run.open(), &account, record, swap.revision(), &when)?;
                }
                None => run.holds_nothing(&run.open(), &account, &when)?,
            }
        }
    }
    Ok(())
}

/// A swap of every kind is stale if it does not find the expected revision, and changes nothing.
///
/// Catches a store that compares some kinds only: that writes an unlock, say, whatever is there, or
/// that replaces the record when an import creates, or that does a swap again over another write.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn every_kind_is_compared<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("every_kind_is_compared", harness);
    let (reader, summary) = (run.open(), Summary::new(true, 10, KeyId::new(1)));
    for &(kind, does) in KINDS {
        let (account, absent) = (run.account()?, run.account()?);
        let first = run.write(&reader, &account, None, b"first")?;
        let second = run.write(&reader, &account, Some(first), b"second")?;
        for expected in [first, run.revision()?] {
            let swap = swap_of(kind, does, expected, run.revision()?, summary);
            stale(&run, swap, run.swap(&run.open(), &account, swap)?)?;
            stale(&run, swap, run.swap(&run.open(), &absent, swap)?)?;
            let when = format!("after {swap:?}, which is stale");
            run.holds(&reader, &account, b"second", second, &when)?;
            run.holds_nothing(&reader, &absent, &when)?;
        }
        if does == Does::CreateOrReplace {
            let swap = ConditionalWrite::put(None, run.revision()?, b"created", kind, summary);
            stale(&run, swap, run.swap(&run.open(), &account, swap)?)?;
            let when = format!("after {swap:?}, which is stale");
            run.holds(&reader, &account, b"second", second, &when)?;
        }
        let swap = swap_of(kind, does, second, run.revision()?, summary);
        done(&run, swap, run.swap(&run.open(), &account, swap)?)?;
        // As it arrives again after a lost answer. A store may know its own write, and say `Done`.
        let _either = run.swap(&run.open(), &account, swap)?;
        let when = format!("after {swap:?}, which was sent twice");
        match swap.record() {
            Some(record) => {
                run.holds(&reader, &account, record, swap.revision(), &when)?;
                let third = run.write(&reader, &account, Some(swap.revision()), b"third")?;
                stale(&run, swap, run.swap(&run.open(), &account, swap)?)?;
                run.holds(&reader, &account, b"third", third, &when)?;
            }
            None => run.holds_nothing(&reader, &account, &when)?,
        }
    }
    Ok(())
}

fn swap_of(
    kind: WriteKind,
    does: Does,
    expected: Revision,
    revision: Revision,
    summary: Summary,
) -> ConditionalWrite<'static> {
    match does {
        Does::Erase => ConditionalWrite::erase(expected, revision, summary),
        Does::CreateOrReplace | Does::Replace => {
            ConditionalWrite::put(Some(expected), revision, b"swapped", kind, summary)
        }
    }
}

/// The lowest and the highest value of each field, each with the lowest of another.
fn summaries() -> [Summary; 4] {
    let (lowest, highest) = (KeyId::new(0), KeyId::new(u32::MAX));
    [
        Summary::new(false, 0, lowest),
        Summary::new(true, MOST_CODES, highest),
        Summary::new(true, 0, highest),
        Summary::new(false, MOST_CODES, lowest),
    ]
}

fn done<H: Harness>(
    run: &Run<'_, H>,
    swap: ConditionalWrite<'_>,
    swapped: WriteResult,
) -> Result<(), Failure> {
    match swapped {
        WriteResult::Done => Ok(()),
        WriteResult::Stale => Err(run.failure(format!("Done for {swap:?}"), "Stale")),
    }
}

fn stale<H: Harness>(
    run: &Run<'_, H>,
    swap: ConditionalWrite<'_>,
    swapped: WriteResult,
) -> Result<(), Failure> {
    match swapped {
        WriteResult::Stale => Ok(()),
        WriteResult::Done => Err(run.failure(format!("Stale for {swap:?}"), "Done")),
    }
}

/// The most codes of a set.
const MOST_CODES: u32 = 100;

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
                if run.erase(store, account, last)? == WriteResult::Stale {
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
        WriteResult::Done => Ok(()),
        WriteResult::Stale => Err(lost(run, store, account, "a write")),
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
            if run.erase(store, account, *revision)? == WriteResult::Stale {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Alphabet, CodeFormat};

    #[test]
    fn no_set_has_more_codes_than_the_summaries() {
        let format = |count| CodeFormat::new(Alphabet::Digits, 8, 4, count);
        let most = u8::try_from(MOST_CODES).unwrap();
        assert_eq!(format(most).unwrap().count(), most);
        assert!(format(most + 1).is_err());
    }
}
