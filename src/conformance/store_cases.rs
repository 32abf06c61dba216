//! What one client sees of a store.

use std::format;
use std::vec;
use std::vec::Vec;

use super::run::{Run, write};
use super::{Failure, Harness};
use crate::AccountId;
use crate::store::{Revision, WriteResult};

/// An account that was never written loads as `None`, and the account is not there afterwards either.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_absent_account_loads_as_none<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_absent_account_loads_as_none", harness);
    let (store, account) = (run.open(), run.account()?);
    run.holds_nothing(&store, &account, "of an account that was never written")?;
    run.holds_nothing(&store, &account, "after a load of it")
}

/// A record that was created loads with the same bytes and the same revision, more than once.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_created_record_loads_as_written<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_created_record_loads_as_written", harness);
    let (store, account) = (run.open(), run.account()?);
    let created = run.write(&store, &account, None, b"first")?;
    run.holds(&store, &account, b"first", created, "after its creation")?;
    run.holds(&store, &account, b"first", created, "at the second load")?;
    let swapped = run.write(&store, &account, Some(created), b"second, longer")?;
    run.holds(&store, &account, b"second, longer", swapped, "after a swap")
}

/// A swap that expects no record is stale where there is one, whatever its bytes.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn creating_over_a_record_is_stale<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("creating_over_a_record_is_stale", harness);
    let (store, account) = (run.open(), run.account()?);
    let created = run.write(&store, &account, None, b"owner")?;
    for record in [&b"thief"[..], b"owner"] {
        let why = "it expects no record, and there is one";
        run.write_stale(&store, &account, None, record, why)?;
        run.holds(
            &store,
            &account,
            b"owner",
            created,
            "after a stale creation",
        )?;
    }
    Ok(())
}

/// A swap and an erasure that expect a revision are stale where there is no record, and create none.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_swap_of_an_absent_account_is_stale<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_swap_of_an_absent_account_is_stale", harness);
    let (store, account) = (run.open(), run.account()?);
    let revision = run.revision()?;
    let why = "it expects a revision, and there is no record";
    run.write_stale(&store, &account, Some(revision), b"from nowhere", why)?;
    run.holds_nothing(&store, &account, "after a stale swap")?;
    if run.erase(&store, &account, revision)? == WriteResult::Done {
        return Err(run.failure("Stale: there is no record to erase", "Done"));
    }
    run.holds_nothing(&store, &account, "after a stale erasure")
}

/// A swap that expects another revision than the account's is stale and changes neither record nor revision.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_stale_swap_changes_nothing<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_stale_swap_changes_nothing", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"step 100")?;
    let second = run.write(&store, &account, Some(first), b"step 101")?;
    for (expected, why) in [
        (first, "it expects the revision before"),
        (run.revision()?, "it expects a revision that never was"),
    ] {
        run.write_stale(&store, &account, Some(expected), b"step 100", why)?;
        run.holds(&store, &account, b"step 101", second, "after a stale swap")?;
    }
    run.write(&store, &account, Some(second), b"step 102")?;
    Ok(())
}

/// A swap whose record equals the old one is done all the same: the revision changes, and the old one is stale.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_equal_record_still_changes_the_revision<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_equal_record_still_changes_the_revision", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"same")?;
    let second = run.write(&store, &account, Some(first), b"same")?;
    run.holds(
        &store,
        &account,
        b"same",
        second,
        "after a swap with an equal record",
    )?;
    let why = "an equal record was swapped in since";
    run.write_stale(&store, &account, Some(first), b"same", why)?;
    run.holds(&store, &account, b"same", second, "after a stale swap")
}

/// An erased record is gone, its revision is stale, and the account can be created again.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_erased_record_is_gone<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_erased_record_is_gone", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"gone soon")?;
    erase(&run, &store, &account, first)?;
    run.holds_nothing(&store, &account, "after its erasure")?;
    let why = "it expects the revision that was erased";
    run.write_stale(&store, &account, Some(first), b"back again", why)?;
    run.holds_nothing(&store, &account, "after a stale swap")?;
    let again = run.write(&store, &account, None, b"new")?;
    run.holds(
        &store,
        &account,
        b"new",
        again,
        "after it was created again",
    )
}

/// An erasure that expects another revision than the account's is stale and erases nothing.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_stale_erase_changes_nothing<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_stale_erase_changes_nothing", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"old")?;
    let second = run.write(&store, &account, Some(first), b"new")?;
    for expected in [first, run.revision()?] {
        if run.erase(&store, &account, expected)? == WriteResult::Done {
            return Err(run.failure("Stale: the erasure expects another revision", "Done"));
        }
        run.holds(&store, &account, b"new", second, "after a stale erasure")?;
    }
    Ok(())
}

/// A revision that was replaced or erased stays stale when the account holds the same bytes again (no ABA).
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_old_revision_never_comes_back<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_old_revision_never_comes_back", harness);
    let (store, account) = (run.open(), run.account()?);
    let first = run.write(&store, &account, None, b"A")?;
    let second = run.write(&store, &account, Some(first), b"B")?;
    let third = run.write(&store, &account, Some(second), b"A")?;
    erase(&run, &store, &account, third)?;
    let again = run.write(&store, &account, None, b"A")?;
    for old in [first, second, third] {
        let why = "it expects a revision from before the erasure";
        run.write_stale(&store, &account, Some(old), b"C", why)?;
        if run.erase(&store, &account, old)? == WriteResult::Done {
            return Err(run.failure(format!("Stale: {why}"), "Done"));
        }
        run.holds(&store, &account, b"A", again, "after it was created again")?;
    }
    Ok(())
}

/// Records of 1 byte to 64 KiB come back exactly: all byte values, zeros and blanks at both ends, text that is no UTF-8. So
/// do those that replace longer and shorter ones.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn records_come_back_whole<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("records_come_back_whole", harness);
    let store = run.open();
    let records = records();
    // Each is swapped for the next one, so that records grow and shrink.
    for (record, next) in records.iter().zip(records.iter().cycle().skip(1)) {
        let account = run.account()?;
        let created = run.write(&store, &account, None, record)?;
        run.holds(&store, &account, record, created, "after its creation")?;
        let swapped = run.write(&store, &account, Some(created), next)?;
        run.holds(&store, &account, next, swapped, "after a swap")?;
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

/// The lowest and the highest revision are kept and compared exactly, and so is one that a floating point number rounds.
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
        let swapped = run.swap(&store, &account, write(expected, revision, b"at the end"))?;
        if swapped == WriteResult::Stale {
            return Err(run.failure(format!("Done for a write under {revision:?}"), "Stale"));
        }
        run.holds(
            &store,
            &account,
            b"at the end",
            revision,
            "after a write under it",
        )?;
        let why = format!("it expects {neighbour}, and the revision is {number}");
        run.write_stale(
            &store,
            &account,
            Some(self::revision(&run, neighbour)?),
            b"rounded",
            &why,
        )?;
        if run.erase(&store, &account, self::revision(&run, neighbour)?)? == WriteResult::Done {
            return Err(run.failure(format!("Stale for an erasure: {why}"), "Done"));
        }
        expected = Some(revision);
    }
    let Some(last) = expected else { return Ok(()) };
    erase(&run, &store, &account, last)?;
    run.holds_nothing(&store, &account, "after it was erased")
}

fn revision<H: Harness>(run: &Run<'_, H>, number: i64) -> Result<Revision, Failure> {
    Revision::from_i64(number).map_err(|error| run.failure("a revision", format!("{error}")))
}

/// Swaps and erasures of one account leave others alone, even those that have the same revision.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn other_accounts_are_left_alone<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("other_accounts_are_left_alone", harness);
    let store = run.open();
    let (mine, other, shared) = (run.account()?, run.account()?, run.revision()?);
    for account in [&mine, &other] {
        if run.swap(&store, account, write(None, shared, b"before"))? == WriteResult::Stale {
            return Err(run.failure("Done for the creation of two accounts", "Stale"));
        }
    }
    let swapped = run.write(&store, &mine, Some(shared), b"after")?;
    run.holds(&store, &mine, b"after", swapped, "after its swap")?;
    run.holds(
        &store,
        &other,
        b"before",
        shared,
        "after a swap of another account",
    )?;
    erase(&run, &store, &mine, swapped)?;
    run.holds(
        &store,
        &other,
        b"before",
        shared,
        "after another account was erased",
    )
}

/// Erases where nothing stands in the way.
fn erase<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
    expected: Revision,
) -> Result<(), Failure> {
    match run.erase(store, account, expected)? {
        WriteResult::Done => Ok(()),
        WriteResult::Stale => Err(run.failure(
            format!("Done for {account:?}: an erasure that expects the revision that is there"),
            "Stale",
        )),
    }
}
