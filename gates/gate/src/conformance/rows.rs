//! Cases with the table alone.

use countersign::Timestamp;
use countersign::session::FactorFlag;

use super::harness::{NOW, Run, new_sign_in};
use super::{Failure, Harness};
use crate::sign_ins::{SignIn, SignInRows, SignInStore};

/// A sign-in that was inserted is found, with its account and its times.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_new_sign_in_is_found<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_new_sign_in_is_found", harness);
    harness.block_on(async {
        let account = run.account()?;
        let new = run.sign_in(&account, NOW)?;
        run.expect_gone(&new, "before it is inserted").await?;
        run.ok(run.rows().insert(&new).await)?;
        let row = SignIn {
            account: account.clone(),
            begun_at: new.at(),
            seen_at: new.at(),
        };
        let found = run.find(&new).await?;
        run.expect(found.as_ref() == Some(&row), "the row as it was inserted")?;
        let found = run.ok(run.open().rows().find(new.id()).await)?;
        run.expect(found.as_ref() == Some(&row), "the row by another handle")?;
        let other = run.sign_in(&account, NOW)?;
        run.expect_gone(&other, "with another id").await
    })
}

/// A sign-in that is inserted again, with another time or account, stays as it was.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_repeated_insert_changes_nothing<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_repeated_insert_changes_nothing", harness);
    harness.block_on(async {
        let (account, other) = (run.account()?, run.account()?);
        let new = run.inserted(&account, NOW).await?;
        let before = run.find(&new).await?;
        for account in [account, other] {
            let at = new.at().saturating_add(5);
            let again = new_sign_in(new.id().clone(), account, at);
            run.ok(run.rows().insert(&again).await)?;
            let inserted = run.ok(run.rows().insert_if_off(&again).await)?;
            run.expect(inserted, "true for a flag that is off")?;
            let now = run.find(&new).await?;
            run.expect(now == before, "the same row after an insert of its id")?;
        }
        Ok(())
    })
}

/// A sign-in that ended is not found again, whatever follows.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn an_ended_sign_in_stays_ended<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("an_ended_sign_in_stays_ended", harness);
    harness.block_on(async {
        let account = run.account()?;
        let (new, other) = (
            run.inserted(&account, NOW).await?,
            run.inserted(&account, NOW).await?,
        );
        run.ok(run.rows().end(new.id()).await)?;
        run.expect_gone(&new, "after its end").await?;
        run.ok(run.rows().insert(&new).await)?;
        run.expect_gone(&new, "after its end and another insert")
            .await?;
        let inserted = run.ok(run.rows().insert_if_off(&new).await)?;
        run.expect(inserted, "true for a flag that is off")?;
        run.expect_gone(&new, "after its end and an insert without a factor")
            .await?;
        let later = new.at().saturating_add(60);
        run.ok(run.rows().touch(new.id(), later).await)?;
        run.expect_gone(&new, "after its end and a late use")
            .await?;
        run.ok(run.rows().end(new.id()).await)?;
        run.expect_gone(&new, "after its second end").await?;
        run.ok(run.rows().end(run.sign_in(&account, NOW)?.id()).await)?;
        run.expect_live(&other, "whose account ended another one")
            .await
    })
}

/// The end of an account's other sign-ins keeps one of them, and those of other accounts.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn ending_the_others_keeps_one<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("ending_the_others_keeps_one", harness);
    harness.block_on(async {
        let (account, other) = (run.account()?, run.account()?);
        let first = run.inserted(&account, NOW).await?;
        let kept = run.inserted(&account, NOW).await?;
        let last = run.inserted(&account, NOW).await?;
        let of_other = run.inserted(&other, NOW).await?;
        run.ok(run.rows().end_others(&account, Some(kept.id())).await)?;
        run.expect_gone(&first, "after the others ended").await?;
        run.expect_gone(&last, "after the others ended").await?;
        run.expect_live(&kept, "that is kept").await?;
        run.expect_live(&of_other, "of another account").await?;
        // The sign-in of another account keeps none of this one.
        run.ok(run.rows().end_others(&account, Some(of_other.id())).await)?;
        run.expect_gone(&kept, "if one of another account is kept")
            .await?;
        let next = run.inserted(&account, NOW).await?;
        run.ok(run.rows().end_others(&account, None).await)?;
        run.expect_gone(&next, "if none is kept").await?;
        run.expect_live(&of_other, "of another account").await
    })
}

/// Accounts whose ids differ in one byte have their own flags and sign-ins.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn similar_accounts_are_distinct<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("similar_accounts_are_distinct", harness);
    harness.block_on(async {
        let mut sign_ins = Vec::new();
        for account in run.similar_accounts()? {
            sign_ins.push(run.inserted(&account, NOW).await?);
        }
        let mut left = sign_ins.as_slice();
        while let [next, rest @ ..] = left {
            let account = next.account();
            run.expect_flag(account, FactorFlag::Off, "of a new account")
                .await?;
            run.ok(run.rows().set_flag(account, FactorFlag::On).await)?;
            run.expect_flag(account, FactorFlag::On, "after it was stored")
                .await?;
            run.expect_live(next, "before its account ended it").await?;
            run.ok(run.rows().end_others(account, None).await)?;
            run.expect_gone(next, "after its account ended it").await?;
            left = rest;
        }
        Ok(())
    })
}

/// The time of the last use grows, even if an earlier use is stored later.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_late_use_never_goes_back<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_late_use_never_goes_back", harness);
    harness.block_on(async {
        let new = run.inserted(&run.account()?, NOW).await?;
        let other = run.inserted(new.account(), NOW).await?;
        for (after, seen) in [(60, 60), (30, 60), (90, 90)] {
            let at = new.at().saturating_add(after);
            run.ok(run.rows().touch(new.id(), at).await)?;
            let found = run.find(&new).await?;
            let expected = SignIn {
                account: new.account().clone(),
                begun_at: new.at(),
                seen_at: new.at().saturating_add(seen),
            };
            run.expect(found == Some(expected), "the time of the latest use")?;
        }
        let found = run.find(&other).await?;
        let same = found.is_some_and(|row| row.seen_at == other.at());
        run.expect(same, "no change of another sign-in")
    })
}

/// Each value of the flag is stored. A store that writes the flag in the transaction of the record
/// may store `Ending` as `On`.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn the_flag_is_stored<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("the_flag_is_stored", harness);
    harness.block_on(async {
        let (account, other) = (run.account()?, run.account()?);
        run.expect_flag(&account, FactorFlag::Off, "at first")
            .await?;
        for flag in [
            FactorFlag::On,
            FactorFlag::Off,
            FactorFlag::On,
            FactorFlag::Off,
        ] {
            run.ok(run.rows().set_flag(&account, flag).await)?;
            run.expect_flag(&account, flag, "after it was stored")
                .await?;
            run.expect_flag(&other, FactorFlag::Off, "of another account")
                .await?;
        }
        run.ok(run.rows().set_flag(&account, FactorFlag::Ending).await)?;
        let stored = run.ok(run.rows().flag(&account).await)?;
        let as_on = H::Store::IN_TRANSACTION && stored == FactorFlag::On;
        run.expect(
            stored == FactorFlag::Ending || as_on,
            "Ending after it was stored",
        )
    })
}

/// A sign-in without a second factor is inserted only if the flag is off.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_sign_in_without_factor_needs_the_flag_off<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_sign_in_without_factor_needs_the_flag_off", harness);
    harness.block_on(async {
        let account = run.account()?;
        for flag in [None, Some(FactorFlag::Off)] {
            if let Some(flag) = flag {
                run.ok(run.rows().set_flag(&account, flag).await)?;
            }
            let new = run.sign_in(&account, NOW)?;
            for _ in 0..2 {
                let inserted = run.ok(run.rows().insert_if_off(&new).await)?;
                run.expect(inserted, "true for a flag that is off")?;
                run.expect_live(&new, "of an account without a factor")
                    .await?;
            }
            run.expect_flag(
                &account,
                FactorFlag::Off,
                "after a sign-in without a factor",
            )
            .await?;
        }
        for flag in [FactorFlag::On, FactorFlag::Ending] {
            run.ok(run.rows().set_flag(&account, flag).await)?;
            let new = run.sign_in(&account, NOW)?;
            let inserted = run.ok(run.rows().insert_if_off(&new).await)?;
            run.expect(!inserted, "false for a flag that is not off")?;
            run.expect_gone(&new, "of an account with a factor").await?;
            let stored = run.ok(run.rows().flag(&account).await)?;
            run.expect(stored != FactorFlag::Off, "the flag as it was")?;
        }
        Ok(())
    })
}

/// A purge deletes idle sign-ins. It keeps an ended one for
/// [`ENDED_KEPT`](crate::SignInRows::ENDED_KEPT) seconds longer, so that no repeat inserts it again.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_purge_keeps_what_ended_lately<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_purge_keeps_what_ended_lately", harness);
    harness.block_on(async {
        let account = run.account()?;
        let live = run.inserted(&account, NOW).await?;
        let (idle, ended) = (
            run.inserted(&account, LONG_AGO).await?,
            run.inserted(&account, LONG_AGO).await?,
        );
        run.ok(run.rows().end(ended.id()).await)?;
        let long_ago = Timestamp::from_unix(LONG_AGO);
        run.ok(run.rows().purge(long_ago, long_ago).await)?;
        run.ok(run.rows().insert(&ended).await)?;
        run.expect_gone(&ended, "that ended and was purged too early")
            .await?;
        run.expect_live(&live, "that is used").await?;
        let later = long_ago.saturating_add(<H::Store as SignInStore>::Rows::ENDED_KEPT);
        run.ok(run.rows().purge(later, later).await)?;
        run.expect_gone(&idle, "that is idle, after a purge")
            .await?;
        run.expect_live(&live, "that is used").await?;
        // The row is deleted, so nothing is left that keeps the id.
        run.ok(run.rows().insert(&ended).await)?;
        run.expect_live(&ended, "whose ended row was deleted").await
    })
}

const LONG_AGO: u64 = 1_000_000;
