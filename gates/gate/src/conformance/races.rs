//! Cases with several calls at the same time.

use countersign::AccountId;
use countersign::session::FactorFlag;
use countersign::store::{Store, WriteKind, WriteResult};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::harness::{NOW, Run, Task, join, with};
use super::{Failure, Harness};
use crate::sign_ins::{NewSignIn, SignInRows, SignInStore};

/// The same sign-in that is inserted 16 times at the same time is one row, and no call fails.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn equal_inserts_make_one_row<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("equal_inserts_make_one_row", harness);
    harness.block_on(async {
        for _ in 0..ROUNDS {
            let account = run.account()?;
            let new = run.sign_in(&account, NOW)?;
            let stores: Vec<_> = (0..RACERS).map(|_| run.open()).collect();
            let inserts = stores.iter().enumerate().map(|(number, store)| {
                let new = &new;
                let insert: Task<'_, _> = Box::pin(async move {
                    if number.is_multiple_of(2) {
                        store.rows().insert(new).await
                    } else {
                        store.rows().insert_if_off(new).await.map(|_| ())
                    }
                });
                insert
            });
            for inserted in join(inserts.collect()).await {
                run.ok(inserted)?;
            }
            run.expect_live(&new, "after its inserts").await?;
            run.ok(run.rows().end(new.id()).await)?;
            run.expect_gone(&new, "after its end").await?;
        }
        Ok(())
    })
}

/// A sign-in without a second factor at the time of an enrollment is refused, or the enrollment
/// ends it.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_enrollment_ends_a_racing_sign_in<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_enrollment_ends_a_racing_sign_in", harness);
    harness.block_on(async {
        let mut accounts = Vec::new();
        for round in 0..10 * ROUNDS {
            let account = run.account()?;
            // The flag of every second account has a row before.
            if round % 2 == 0 {
                run.ok(run.rows().set_flag(&account, FactorFlag::Off).await)?;
            }
            let new: Vec<_> = (0..4)
                .map(|_| run.sign_in(&account, NOW))
                .collect::<Result<_, _>>()?;
            accounts.push((account, new));
        }
        for (account, new) in &accounts {
            let began = run
                .done(with(None, None), account, None, WriteKind::Enrolling)
                .await?;
            let stores: Vec<_> = new.iter().map(|_| run.open()).collect();
            let mut tasks: Vec<Task<'_, Result<(), Failure>>> = Vec::new();
            for (store, new) in stores.iter().zip(new) {
                let run = &run;
                tasks.push(Box::pin(async move {
                    run.ok(store.rows().insert_if_off(new).await.map(|_| ()))
                }));
            }
            let enroll: Task<'_, _> = Box::pin(enroll(&run, account, began));
            // In another order each time.
            let place = usize::try_from(run.random()?).unwrap_or_default() % 4;
            tasks.insert(place, enroll);
            for result in join(tasks).await {
                result?;
            }
            for new in new {
                run.expect_gone(new, "without a factor, after an enrollment")
                    .await?;
            }
            run.expect_flag(account, FactorFlag::On, "after an enrollment")
                .await?;
        }
        Ok(())
    })
}

/// Confirms an enrollment, as the gate does.
async fn enroll<H: Harness>(
    run: &Run<'_, H>,
    account: &AccountId,
    began: countersign::store::Revision,
) -> Result<(), Failure> {
    run.done(with(None, None), account, Some(began), WriteKind::Enrolled)
        .await?;
    if !H::Store::IN_TRANSACTION {
        run.ok(run.rows().set_flag(account, FactorFlag::On).await)?;
        run.ok(run.rows().end_others(account, None).await)?;
    }
    Ok(())
}

/// Of 16 codes that are accepted at the same time, one is stored, and only its sign-in.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn one_of_16_accepted_codes_signs_in<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("one_of_16_accepted_codes_signs_in", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        for _ in 0..ROUNDS {
            let (account, revision) = run.enrolled().await?;
            let mut sign_ins = Vec::new();
            for _ in 0..RACERS {
                let planned = run.plan(Some(revision), WriteKind::Accepted)?;
                let new = run.sign_in(&account, NOW)?;
                let store = run.open().with(with(Some(&new), None));
                sign_ins.push((store, new, planned));
            }
            let writes = sign_ins.iter().map(|(store, _, planned)| {
                let write: Task<'_, _> = Box::pin(run.send(store, &account, planned));
                write
            });
            let mut done: usize = 0;
            for ((_, new, _), result) in sign_ins.iter().zip(join(writes.collect()).await) {
                if result? == WriteResult::Done {
                    done = done.saturating_add(1);
                    run.expect_live(new, "of the code that was stored").await?;
                } else {
                    run.expect_gone(new, "of a code that was not stored")
                        .await?;
                }
            }
            run.expect(done == 1, "one code that is stored")?;
        }
        Ok(())
    })
}

/// A code that is accepted at the time of a removal is refused, or the removal is.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_removal_ends_a_racing_sign_in<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_removal_ends_a_racing_sign_in", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        for round in 0..5 * ROUNDS {
            let (account, revision) = run.enrolled().await?;
            let new = run.sign_in(&account, NOW)?;
            let accepts = run.open().with(with(Some(&new), None));
            let accepted = run.plan(Some(revision), WriteKind::Accepted)?;
            let removed = run.plan(Some(revision), WriteKind::Removed)?;
            let removes = run.open();
            let mut tasks: Vec<Task<'_, _>> = vec![
                Box::pin(run.send(&accepts, &account, &accepted)),
                Box::pin(run.send(&removes, &account, &removed)),
            ];
            let turned = round % 2 == 1;
            if turned {
                tasks.reverse();
            }
            let mut results = join(tasks).await;
            if turned {
                results.reverse();
            }
            let results: Vec<_> = results.into_iter().collect::<Result<_, _>>()?;
            match results.as_slice() {
                [WriteResult::Done, WriteResult::Stale] => {
                    run.expect_live(&new, "that came before the removal")
                        .await?;
                }
                [WriteResult::Stale, WriteResult::Done] => {
                    run.expect_gone(&new, "that came after the removal").await?;
                }
                other => return Err(run.failure("one write that is stored", format!("{other:?}"))),
            }
        }
        Ok(())
    })
}

/// A write whose future is dropped stores the record and its rows, or neither.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_dropped_write_is_whole_or_absent<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_dropped_write_is_whole_or_absent", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        for polls in 0..5 * ROUNDS {
            let (account, revision) = run.enrolled().await?;
            let new = run.sign_in(&account, NOW)?;
            let kind = if polls % 2 == 0 {
                WriteKind::Accepted
            } else {
                WriteKind::Enrolled
            };
            drop_after(polls / 2, &run, &account, revision, kind, &new).await?;
            // Another write with the same expected revision says whether the dropped one is stored.
            let next = run.plan(Some(revision), WriteKind::Rejected)?;
            let result = run.send(&run.store, &account, &next).await?;
            let found = run.find(&new).await?;
            let stored = result == WriteResult::Stale;
            run.expect(
                found.is_some() == stored,
                "a sign-in if the record is stored",
            )?;
        }
        Ok(())
    })
}

/// Polls a write some times, and drops it.
async fn drop_after<H: Harness>(
    polls: u32,
    run: &Run<'_, H>,
    account: &AccountId,
    revision: countersign::store::Revision,
    kind: WriteKind,
    new: &NewSignIn,
) -> Result<(), Failure> {
    let planned = run.plan(Some(revision), kind)?;
    let store = run.open().with(with(Some(new), None));
    let mut write = pin!(store.compare_and_swap(account, planned.write()));
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left = left.saturating_sub(1);
        match write.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await;
    Ok(())
}

const ROUNDS: u32 = 10;
const RACERS: u32 = 16;
