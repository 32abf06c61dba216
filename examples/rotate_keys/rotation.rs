//! Calls `reseal` for every account, until a full pass changes nothing.

use countersign::Resealed;
use countersign::testing::ManualClock;

use crate::Failure;
use crate::accounts::START;
use crate::keys::{Stage, server};
use crate::logins::Logins;
use crate::progress::Progress;
use crate::stores::Listed;

/// The counts of one pass over all accounts.
#[derive(Default)]
pub(crate) struct Pass {
    pub(crate) changed: u32,
    /// Records that were encrypted with the new key before.
    pub(crate) unchanged: u32,
}

pub(crate) async fn run<S>(store: &S, count: u32, logins: &Logins) -> Result<Vec<Pass>, Failure>
where
    S: Listed + Clone,
{
    let mut passes = Vec::new();
    loop {
        let progress = Progress::new(format!("pass {}", passes.len() + 1), count);
        let pass = pass(store, &progress, logins).await?;
        // A late server still encrypts with the old key during the first pass, so one pass is never
        // enough.
        let is_last = pass.changed == 0 && !passes.is_empty();
        passes.push(pass);
        if is_last {
            return Ok(passes);
        }
        logins.change_late().await?;
    }
}

async fn pass<S>(store: &S, progress: &Progress, logins: &Logins) -> Result<Pass, Failure>
where
    S: Listed + Clone,
{
    let verifier = server(store.clone(), Stage::Changed, &ManualClock::at(START))?;
    let (mut pass, mut cursor) = (Pass::default(), None);
    loop {
        let page = store.page(cursor.as_ref()).await?;
        for account in &page {
            match verifier.reseal(account).await? {
                Resealed::Changed => pass.changed += 1,
                Resealed::Unchanged => pass.unchanged += 1,
                other => return Err(format!("account {account:?} is {other:?}").into()),
            }
            progress.step();
        }
        if logins.failed() {
            return Err("a user could not sign in".into());
        }
        match page.into_iter().last() {
            Some(last) => cursor = Some(last),
            None => return Ok(pass),
        }
    }
}
