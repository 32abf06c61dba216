//! What calls leave behind that are broken off.

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use std::format;

use super::run::{Run, write};
use super::{Failure, Harness};
use crate::{AccountId, Revision, Store, Swapped};

/// A call whose future is dropped, at any of its awaits, leaves the store usable, and its write whole: it lands or it does
/// not.
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
            let swap = write(Some(revision), new, &record);
            finished &= drop_after(&run, polls, store.compare_and_swap(&account, swap));
            revision = settled(&run, &store, &account)?;
        }
        if finished {
            break;
        }
    }
    let (record, there) = (record_of(MOST_POLLS), run.open());
    let when = "after the calls that were dropped";
    let last = run.write(&store, &account, Some(revision), &record)?;
    run.holds(&there, &account, &record, last, when)
}

/// Polls a future so many times, drops it, and tells whether it had come to its end.
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

/// Writes until that is done: what was dropped can land in between, once for each call.
fn settled<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
) -> Result<Revision, Failure> {
    for _ in 0..=DROPPED {
        let Some(stored) = run.load(store, account)? else {
            return Err(run.failure("the record after a dropped call", "no record"));
        };
        let whole = stored.record.len() == RECORD
            && stored
                .record
                .first()
                .is_some_and(|first| stored.record.iter().all(|byte| byte == first));
        if !whole {
            return Err(run.failure("a record that was written whole", format!("{stored:?}")));
        }
        let new = run.revision()?;
        let swap = write(Some(stored.revision), new, &stored.record);
        if run.swap(store, account, swap)? == Swapped::Done {
            return Ok(new);
        }
    }
    Err(run.failure(
        "a swap that is done",
        format!("Stale, more often than {DROPPED} dropped calls can bring about"),
    ))
}

/// Long enough to be written in more than one piece, and of one byte.
fn record_of(polls: usize) -> [u8; RECORD] {
    [u8::try_from(polls).unwrap_or(u8::MAX); RECORD]
}

const RECORD: usize = 16_384;
/// More than a usual pool has connections.
const DROPPED: usize = 24;
/// Enough for the calls of any client. A call that takes more is dropped at the first ones only.
const MOST_POLLS: usize = 40;
