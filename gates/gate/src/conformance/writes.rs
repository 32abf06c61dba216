//! Cases in which the store writes the rows in the transaction of the record.

use countersign::session::FactorFlag;
use countersign::store::{Store, WriteKind, WriteResult};

use super::harness::{NOW, Run, with};
use super::{Failure, Harness};
use crate::sign_ins::{SignInRows, SignInStore};

/// A sign-in is stored with the accepted code. The same write again, as after a lost answer, writes
/// nothing.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_accepted_code_inserts_its_sign_in<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_accepted_code_inserts_its_sign_in", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        let (account, revision) = run.enrolled().await?;
        let earlier = run.inserted(&account, NOW).await?;
        let new = run.sign_in(&account, NOW)?;
        let store = run.store.with(with(Some(&new), None));
        let planned = run.plan(Some(revision), WriteKind::Accepted)?;
        let result = run.send(&store, &account, &planned).await?;
        run.expect(result == WriteResult::Done, "Done for an accepted code")?;
        run.expect_live(&new, "of the accepted code").await?;
        run.expect_live(&earlier, "of another browser").await?;
        run.expect_flag(&account, FactorFlag::On, "after an accepted code")
            .await?;
        for ends in [false, true] {
            if ends {
                run.ok(run.rows().end(new.id()).await)?;
            }
            let result = run.send(&store, &account, &planned).await?;
            run.expect(
                result == WriteResult::Stale,
                "Stale for the same write again",
            )?;
            let found = run.find(&new).await?;
            run.expect(found.is_none() == ends, "no change by the same write again")?;
        }
        let loaded = run.load(&account).await?;
        let revision = loaded.map(|record| record.revision);
        run.expect(
            revision == Some(planned.revision),
            "the record of the write",
        )
    })
}

/// A write that finds another revision inserts no sign-in, ends none, and leaves the flag.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_stale_write_writes_no_rows<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_stale_write_writes_no_rows", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        for flag in [FactorFlag::On, FactorFlag::Off] {
            for kind in WITH_ROWS {
                let (account, old) = run.enrolled().await?;
                run.done(with(None, None), &account, Some(old), WriteKind::Rejected)
                    .await?;
                run.ok(run.rows().set_flag(&account, flag).await)?;
                let earlier = run.inserted(&account, NOW).await?;
                let new = run.sign_in(&account, NOW)?;
                for expected in [Some(old), None] {
                    let planned = run.plan(expected, kind)?;
                    let store = run.store.with(with(Some(&new), None));
                    let result = run.send(&store, &account, &planned).await?;
                    let stale = format!("Stale for a write of the kind {kind:?}");
                    run.expect(result == WriteResult::Stale, &stale)?;
                    run.expect_gone(&new, "of a stale write").await?;
                    run.expect_live(&earlier, "from before a stale write")
                        .await?;
                    run.expect_flag(&account, flag, "after a stale write")
                        .await?;
                }
            }
        }
        Ok(())
    })
}

/// Each kind of write inserts, ends and sets what belongs to it, and nothing else.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn each_kind_writes_its_rows<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("each_kind_writes_its_rows", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        let other = run.account()?;
        let of_other = run.inserted(&other, NOW).await?;
        for kind in ALL {
            for flag in [FactorFlag::On, FactorFlag::Off] {
                let (account, revision) = run.enrolled().await?;
                run.ok(run.rows().set_flag(&account, flag).await)?;
                let (earlier, kept) = (
                    run.inserted(&account, NOW).await?,
                    run.inserted(&account, NOW).await?,
                );
                let new = run.sign_in(&account, NOW)?;
                let rows = with(Some(&new), Some(&kept));
                run.done(rows, &account, Some(revision), kind).await?;
                let when = format!("after a write of the kind {kind:?}");
                let inserts = INSERTING.contains(&kind);
                if inserts {
                    run.expect_live(&new, &when).await?;
                } else {
                    run.expect_gone(&new, &when).await?;
                }
                let ends = matches!(
                    kind,
                    WriteKind::Enrolled | WriteKind::Removed | WriteKind::Disabled
                );
                if ends {
                    run.expect_gone(&earlier, &when).await?;
                } else {
                    run.expect_live(&earlier, &when).await?;
                }
                run.expect_live(&kept, &when).await?;
                let flag = match kind {
                    WriteKind::Enrolled => FactorFlag::On,
                    WriteKind::Disabled => FactorFlag::Off,
                    _ => flag,
                };
                run.expect_flag(&account, flag, &when).await?;
                run.expect_live(&of_other, "of another account").await?;
                run.expect_flag(&other, FactorFlag::Off, "of another account")
                    .await?;
            }
        }
        Ok(())
    })
}

/// An accepted code whose sign-in exists already is stored. The sign-in stays as it is: live or
/// ended.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_existing_sign_in_is_not_inserted_again<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_existing_sign_in_is_not_inserted_again", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        for kind in INSERTING {
            let (account, revision) = run.enrolled().await?;
            let new = run.inserted(&account, NOW).await?;
            let before = run.find(&new).await?;
            let rows = with(Some(&new), None);
            let revision = run
                .done(rows.clone(), &account, Some(revision), kind)
                .await?;
            let after = run.find(&new).await?;
            run.expect(before == after, "the sign-in as it was")?;
            run.ok(run.rows().end(new.id()).await)?;
            run.done(rows, &account, Some(revision), kind).await?;
            run.expect_gone(&new, "that ended before the write").await?;
        }
        Ok(())
    })
}

/// A write inserts no sign-in of another account.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_sign_in_of_another_account_is_not_inserted<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let run = Run::new("a_sign_in_of_another_account_is_not_inserted", harness);
    if !H::Store::IN_TRANSACTION {
        return Ok(());
    }
    harness.block_on(async {
        for kind in INSERTING {
            let (account, revision) = run.enrolled().await?;
            let new = run.sign_in(&run.account()?, NOW)?;
            let planned = run.plan(Some(revision), kind)?;
            let store = run.store.with(with(Some(&new), None));
            // An error is right, too.
            _ = store.compare_and_swap(&account, planned.write()).await;
            run.expect_gone(&new, "of another account").await?;
        }
        Ok(())
    })
}

/// The kinds of writes that insert a sign-in.
const INSERTING: [WriteKind; 3] = [
    WriteKind::Accepted,
    WriteKind::DeviceTrusted,
    WriteKind::Enrolled,
];

/// The kinds of writes that change rows.
const WITH_ROWS: [WriteKind; 5] = [
    WriteKind::Accepted,
    WriteKind::DeviceTrusted,
    WriteKind::Enrolled,
    WriteKind::Removed,
    WriteKind::Disabled,
];

/// All kinds but `Erased`, which has no record.
const ALL: [WriteKind; 20] = [
    WriteKind::Enrolling,
    WriteKind::Enrolled,
    WriteKind::Reserved,
    WriteKind::Joined,
    WriteKind::Accepted,
    WriteKind::Rejected,
    WriteKind::Issuing,
    WriteKind::Issued,
    WriteKind::IssuedPending,
    WriteKind::CodesConfirmed,
    WriteKind::CodesDiscarded,
    WriteKind::Removed,
    WriteKind::Disabled,
    WriteKind::Unlocked,
    WriteKind::DeviceRemembered,
    WriteKind::DeviceTrusted,
    WriteKind::DeviceSuspected,
    WriteKind::DevicesForgotten,
    WriteKind::PasswordChanged,
    WriteKind::Resealed,
];
