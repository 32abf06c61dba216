//! Whether a store treats every kind of swap alike.

use std::format;

use super::run::Run;
use super::{Failure, Harness};
use crate::{KeyId, Revision, Summary, Swap, SwapKind, Swapped};

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
        const KINDS: &[(SwapKind, Does)] = &[$((SwapKind::$kind, Does::$does)),+];

        const _: fn(SwapKind) = |kind| match kind {
            $(SwapKind::$kind)|+ => {}
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
                let swap = Swap::write(None, run.revision()?, b"created", kind, summary);
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
            let swap = Swap::write(None, run.revision()?, b"created", kind, summary);
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
    kind: SwapKind,
    does: Does,
    expected: Revision,
    revision: Revision,
    summary: Summary,
) -> Swap<'static> {
    match does {
        Does::Erase => Swap::erase(expected, revision, summary),
        Does::CreateOrReplace | Does::Replace => {
            Swap::write(Some(expected), revision, b"swapped", kind, summary)
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

fn done<H: Harness>(run: &Run<'_, H>, swap: Swap<'_>, swapped: Swapped) -> Result<(), Failure> {
    match swapped {
        Swapped::Done => Ok(()),
        Swapped::Stale => Err(run.failure(format!("Done for {swap:?}"), "Stale")),
    }
}

fn stale<H: Harness>(run: &Run<'_, H>, swap: Swap<'_>, swapped: Swapped) -> Result<(), Failure> {
    match swapped {
        Swapped::Stale => Ok(()),
        Swapped::Done => Err(run.failure(format!("Stale for {swap:?}"), "Done")),
    }
}

/// The most codes of a set.
const MOST_CODES: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Alphabet, CodeFormat};

    #[test]
    fn no_set_has_more_codes_than_the_summaries() {
        let format = |count| CodeFormat::new(Alphabet::Digits, 8, 4, count);
        let most = u8::try_from(MOST_CODES).unwrap();
        assert_eq!(format(most).unwrap().count(), most);
        assert!(format(most + 1).is_err());
    }
}
