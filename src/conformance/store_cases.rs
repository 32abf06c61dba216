//! Cases with one client of a store.

use super::harness::{Run, conditional_write};
use super::{Failure, Harness};
use crate::AccountId;
use crate::store::{Revision, Store, WriteResult};
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use std::format;
use std::vec;
use std::vec::Vec;

/// An account that was never written loads as `None`, more than once.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_absent_account_loads_as_none<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_absent_account_loads_as_none", harness);
    let (store, account) = (run.open(), run.account()?);
    run.expect_no_record(&store, &account, "of an account that was never written")?;
    run.expect_no_record(&store, &account, "after a load of it")
}

/// A record that was created loads with the same bytes and the same revision, more than once.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_created_record_loads_as_written<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_created_record_loads_as_written", harness);
    let (store, account) = (run.open(), run.account()?);
    let created = run.write(&store, &account, None, b"first")?;
    run.expect_record(&store, &account, b"first", created, "after its creation")?;
    run.expect_record(&store, &account, b"first", created, "at the second load")?;
    let replaced = run.write(&store, &account, Some(created), b"second, longer")?;
    run.expect_record(
        &store,
        &account,
        b"second, longer",
        replaced,
        "after a write",
    )
}

/// A write that expects no record is stale if there is one, whatever its bytes are.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn creating_over_a_record_is_stale<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("creating_over_a_record_is_stale", harness);
    let (store, account) = (run.open(), run.account()?);
    let created = run.write(&store, &account, None, b"owner")?;
    for record in [&b"attacker"[..], b"owner"] {
        let why = "it expects no record, and there is one";
        run.expect_stale_write(&store, &account, None, record, why)?;
        run.expect_record(
            &store,
            &account,
            b"owner",
            created,
            "after a stale creation",
        )?;
    }
    Ok(())
}

/// A write and an erasure that expect a revision are stale if there is no record, and create none.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn replacing_an_absent_record_is_stale<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("replacing_an_absent_record_is_stale", harness);
    let (store, account) = (run.open(), run.account()?);
    let revision = run.revision()?;
    let why = "it expects a revision, and there is no record";
    run.expect_stale_write(&store, &account, Some(revision), b"from nowhere", why)?;
    run.expect_no_record(&store, &account, "after a stale write")?;
    run.expect_stale_erasure(&store, &account, revision, why)?;
    run.expect_no_record(&store, &account, "after a stale erasure")
}

/// A write that expects another revision than the account's is stale, and changes nothing.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_stale_write_changes_nothing<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_stale_write_changes_nothing", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"step 100")?;
    let second = run.write(&store, &account, Some(first), b"step 101")?;
    for (expected, why) in [
        (first, "it expects the revision before"),
        (run.revision()?, "it expects a revision that never was"),
    ] {
        run.expect_stale_write(&store, &account, Some(expected), b"step 100", why)?;
        run.expect_record(&store, &account, b"step 101", second, "after a stale write")?;
    }
    run.write(&store, &account, Some(second), b"step 102")?;
    Ok(())
}

/// A write of an equal record is done: the revision changes, and the old one is stale.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_equal_record_still_changes_the_revision<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_equal_record_still_changes_the_revision", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"same")?;
    let second = run.write(&store, &account, Some(first), b"same")?;
    run.expect_record(
        &store,
        &account,
        b"same",
        second,
        "after a write of an equal record",
    )?;
    let why = "an equal record was written since";
    run.expect_stale_write(&store, &account, Some(first), b"same", why)?;
    run.expect_record(&store, &account, b"same", second, "after a stale write")
}

/// An erased record is gone, its revision is stale, and the account can be created again.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_erased_record_is_gone<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_erased_record_is_gone", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"gone soon")?;
    run.expect_erasure(&store, &account, first)?;
    run.expect_no_record(&store, &account, "after its erasure")?;
    let why = "it expects the revision that was erased";
    run.expect_stale_write(&store, &account, Some(first), b"back again", why)?;
    run.expect_no_record(&store, &account, "after a stale write")?;
    let again = run.write(&store, &account, None, b"new")?;
    run.expect_record(
        &store,
        &account,
        b"new",
        again,
        "after it was created again",
    )
}

/// An erasure that expects another revision than the account's is stale, and erases nothing.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_stale_erase_changes_nothing<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_stale_erase_changes_nothing", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"old")?;
    let second = run.write(&store, &account, Some(first), b"new")?;
    for expected in [first, run.revision()?] {
        run.expect_stale_erasure(&store, &account, expected, "it expects another revision")?;
        run.expect_record(&store, &account, b"new", second, "after a stale erasure")?;
    }
    Ok(())
}

/// An old revision stays stale when the account holds the same bytes again (no ABA).
///
/// An old revision is one that was replaced or erased.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_old_revision_never_comes_back<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_old_revision_never_comes_back", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"A")?;
    let second = run.write(&store, &account, Some(first), b"B")?;
    let third = run.write(&store, &account, Some(second), b"A")?;
    run.expect_erasure(&store, &account, third)?;
    let again = run.write(&store, &account, None, b"A")?;
    for old in [first, second, third] {
        let why = "it expects a revision from before the erasure";
        run.expect_stale_write(&store, &account, Some(old), b"C", why)?;
        run.expect_stale_erasure(&store, &account, old, why)?;
        run.expect_record(&store, &account, b"A", again, "after it was created again")?;
    }
    Ok(())
}

/// Records of 1 byte to 64 KiB come back exactly, even if they replace longer or shorter ones.
///
/// They have all byte values, zeros and blanks at both ends, and text that is not UTF-8.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn records_come_back_whole<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("records_come_back_whole", harness);
    let store = run.open();
    let records = records();
    // The next record replaces each, so that records grow and shrink.
    for (record, next) in records.iter().zip(records.iter().cycle().skip(1)) {
        let account = run.account()?;
        let created = run.write(&store, &account, None, record)?;
        run.expect_record(&store, &account, record, created, "after its creation")?;
        let replaced = run.write(&store, &account, Some(created), next)?;
        run.expect_record(&store, &account, next, replaced, "after a write")?;
    }
    Ok(())
}

fn records() -> Vec<Vec<u8>> {
    let mut records: Vec<Vec<u8>> = vec![
        b" blanks at both ends ".to_vec(),
        b"\0zeros at both ends\0".to_vec(),
        b"'quotes\" and \\x00 \\' %s $1 ?".to_vec(),
        b"line\r\nends\r\n".to_vec(),
        vec![0xC3, 0x28, 0xFF, 0xFE, 0xED, 0xA0, 0x80],
        vec![0; 300],
        vec![0xFF; 300],
    ];
    records.extend((0..=u8::MAX).step_by(85).map(|byte| vec![byte]));
    for len in [2, 255, 256, 257, 600, 4095, 4096, 4097, 65_535, 65_536] {
        records.push((0..=u8::MAX).cycle().take(len).collect());
    }
    records
}

/// The lowest and the highest revision are kept and compared exactly.
///
/// A revision that a floating-point number would round is kept exactly too.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn revisions_at_both_ends_are_kept<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("revisions_at_both_ends_are_kept", harness);
    let (store, account) = (run.open(), run.account()?);
    let mut expected = None;
    for (number, neighbour) in [
        (1, 2),
        (i64::MAX, 9_223_372_036_854_775_806),
        (9_007_199_254_740_993, 9_007_199_254_740_992),
        (4_294_967_297, 1),
    ] {
        let revision = revision(&run, number)?;
        let write = conditional_write(expected, revision, b"at the end");
        if run.compare_and_swap(&store, &account, write)? == WriteResult::Stale {
            return Err(run.failure(format!("Done for a write under {revision:?}"), "Stale"));
        }
        run.expect_record(
            &store,
            &account,
            b"at the end",
            revision,
            "after a write under it",
        )?;
        let why = format!("it expects {neighbour}, and the revision is {number}");
        let neighbour = self::revision(&run, neighbour)?;
        run.expect_stale_write(&store, &account, Some(neighbour), b"rounded", &why)?;
        run.expect_stale_erasure(&store, &account, neighbour, &why)?;
        expected = Some(revision);
    }
    let Some(last) = expected else { return Ok(()) };
    run.expect_erasure(&store, &account, last)?;
    run.expect_no_record(&store, &account, "after it was erased")
}

fn revision<H: Harness>(run: &Run<'_, H>, number: i64) -> Result<Revision, Failure> {
    Revision::from_i64(number).map_err(|error| run.failure("a revision", format!("{error}")))
}

/// Writes and erasures of one account do not change others, even those with the same revision.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn other_accounts_are_left_alone<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("other_accounts_are_left_alone", harness);
    let store = run.open();
    let (mine, other, shared) = (run.account()?, run.account()?, run.revision()?);
    for account in [&mine, &other] {
        let write = conditional_write(None, shared, b"before");
        if run.compare_and_swap(&store, account, write)? == WriteResult::Stale {
            return Err(run.failure("Done for the creation of two accounts", "Stale"));
        }
    }
    let replaced = run.write(&store, &mine, Some(shared), b"after")?;
    run.expect_record(&store, &mine, b"after", replaced, "after a write")?;
    run.expect_record(
        &store,
        &other,
        b"before",
        shared,
        "after a write to another account",
    )?;
    run.expect_erasure(&store, &mine, replaced)?;
    run.expect_record(
        &store,
        &other,
        b"before",
        shared,
        "after another account was erased",
    )
}

/// A call whose future is dropped leaves the store usable, and stores no part of its record.
///
/// The case drops calls at each of their awaits.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_dropped_call_leaves_the_store_usable<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_dropped_call_leaves_the_store_usable", harness);
    let (store, account) = (run.open(), run.account()?);
    let mut revision = run.write(&store, &account, None, &record_of(0))?;
    for polls in 0..MOST_POLLS {
        let mut finished = true;
        for _ in 0..DROPPED {
            finished &= drop_after(&run, polls, store.load(&account));
            let new = run.revision()?;
            let record = record_of(polls);
            let write = conditional_write(Some(revision), new, &record);
            finished &= drop_after(&run, polls, store.compare_and_swap(&account, write));
            revision = write_until_done(&run, &store, &account)?;
        }
        if finished {
            break;
        }
    }
    let (record, other) = (record_of(MOST_POLLS), run.open());
    let when = "after the calls that were dropped";
    let last = run.write(&store, &account, Some(revision), &record)?;
    run.expect_record(&other, &account, &record, last, when)
}

/// Polls a future `polls` times and drops it. Returns whether the future finished.
fn drop_after<H: Harness>(run: &Run<'_, H>, polls: usize, call: impl Future) -> bool {
    run.block_on(async {
        let mut call = pin!(call);
        let mut left = polls;
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left = left.saturating_sub(1);
            match call.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(true),
                Poll::Pending if left == 0 => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    })
}

/// Writes until a write is done. Meanwhile, each dropped call may be stored once.
fn write_until_done<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
) -> Result<Revision, Failure> {
    for _ in 0..=DROPPED {
        let Some(stored) = run.load(store, account)? else {
            return Err(run.failure("the record after a dropped call", "no record"));
        };
        let whole = stored.record.len() == RECORD_BYTES
            && stored
                .record
                .first()
                .is_some_and(|first| stored.record.iter().all(|byte| byte == first));
        if !whole {
            return Err(run.failure("a record that was written whole", format!("{stored:?}")));
        }
        let new = run.revision()?;
        let write = conditional_write(Some(stored.revision), new, &stored.record);
        if run.compare_and_swap(store, account, write)? == WriteResult::Done {
            return Ok(new);
        }
    }
    Err(run.failure(
        "a write that is done",
        format!("Stale, more often than {DROPPED} dropped calls can cause"),
    ))
}

/// A record of one byte value, long enough to be written in more than one piece.
fn record_of(polls: usize) -> [u8; RECORD_BYTES] {
    [u8::try_from(polls).unwrap_or(u8::MAX); RECORD_BYTES]
}

const RECORD_BYTES: usize = 16_384;
/// More than the connections of a usual pool.
const DROPPED: usize = 24;
/// Enough for the calls of any client. A longer call is dropped at its first awaits only.
const MOST_POLLS: usize = 40;
