//! After the change: with the old key dropped everything is there, and with the old key alone nothing opens.

use countersign::record::RecordError;
use countersign::testing::ManualClock;
use countersign::{Denied, Rejection, VerifierError};

use crate::Failure;
use crate::accounts::{Accounts, BEGINNING, enroll};
use crate::keys::{NEW, Stage, machine};
use crate::logins::{Done, last_login, sign_in};
use crate::stores::Listed;

/// What was looked at.
pub(crate) struct Checked {
    pub(crate) records: u32,
    pub(crate) logins: usize,
}

pub(crate) async fn run<S>(store: &S, accounts: Accounts, done: &Done) -> Result<Checked, Failure>
where
    S: Listed + Clone,
{
    let clock = ManualClock::at(BEGINNING);
    let new = machine(store.clone(), Stage::Dropped, &clock)?;
    let old = machine(store.clone(), Stage::Before, &clock)?;
    let (mut records, mut cursor) = (0, None);
    while let page = store.page(cursor.as_ref()).await?
        && let Some(last) = page.last()
    {
        for account in &page {
            last_login(&new, account).await?;
            match old.status(account).await {
                Err(VerifierError::Record(RecordError::UnknownKey(NEW))) => records += 1,
                other => return Err(format!("the old key gives {other:?} for {account:?}").into()),
            }
        }
        cursor = Some(last.clone());
    }
    if records != accounts.count() {
        return Err(format!("{records} accounts of {} are left", accounts.count()).into());
    }
    for (number, at) in &done.last {
        let member = enroll(*number)?;
        let last = last_login(&new, &member.account).await?;
        if last != *at {
            return Err(
                format!("account {number} signed in at {at:?}, and {last:?} is on record").into(),
            );
        }
        clock.set(last);
        let again = member.phone.passcode(last);
        let outcome = new.verify(&member.account, &again).await;
        if !matches!(outcome, Err(Denied::Rejected(Rejection::Replayed))) {
            return Err(format!("a used passcode of account {number} gives {outcome:?}").into());
        }
        let _receipt = sign_in(&new, &clock, &member).await?;
    }
    Ok(Checked {
        records,
        logins: done.last.len(),
    })
}
