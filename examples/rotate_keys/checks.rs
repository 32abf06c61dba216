//! Checks after the change: the new key alone decrypts every record, and the old key alone decrypts
//! none.

use countersign::record::RecordError;
use countersign::testing::ManualClock;
use countersign::{Denied, Rejection, VerifierError};

use crate::Failure;
use crate::accounts::{Accounts, START, enroll};
use crate::keys::{NEW, Stage, server};
use crate::logins::{Done, last_login, sign_in};
use crate::stores::Listed;

/// The numbers of records and logins that were checked.
pub(crate) struct Checked {
    pub(crate) records: u32,
    pub(crate) logins: usize,
}

pub(crate) async fn run<S>(store: &S, accounts: Accounts, done: &Done) -> Result<Checked, Failure>
where
    S: Listed + Clone,
{
    let clock = ManualClock::at(START);
    let new = server(store.clone(), Stage::Dropped, &clock)?;
    let old = server(store.clone(), Stage::Before, &clock)?;
    let (mut records, mut cursor) = (0, None);
    while let page = store.page(cursor.as_ref()).await?
        && let Some(last) = page.last()
    {
        for account in &page {
            last_login(&new, account).await?;
            match old.status(account).await {
                Err(VerifierError::Record(RecordError::UnknownKey(NEW))) => records += 1,
                other => {
                    return Err(format!("the old key returns {other:?} for {account:?}").into());
                }
            }
        }
        cursor = Some(last.clone());
    }
    if records != accounts.count() {
        return Err(format!("{records} of {} accounts are left", accounts.count()).into());
    }
    for (number, at) in &done.last {
        let member = enroll(*number)?;
        let last = last_login(&new, &member.account).await?;
        if last != *at {
            return Err(
                format!("account {number} signed in at {at:?}, but {last:?} is stored").into(),
            );
        }
        clock.set(last);
        let again = member.phone.passcode(last);
        let outcome = new.verify(&member.account, &again).await;
        if !matches!(outcome, Err(Denied::Rejected(Rejection::Replayed))) {
            return Err(format!("a used passcode of account {number} returns {outcome:?}").into());
        }
        let _receipt = sign_in(&new, &clock, &member).await?;
    }
    Ok(Checked {
        records,
        logins: done.last.len(),
    })
}
