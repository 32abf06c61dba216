//! Signs in with one code.

use std::io::{self, BufRead, Read, Write};
use std::num::NonZeroUsize;

use countersign::runtime::TokioPool;
use countersign::testing::ManualClock;
use countersign::{AcceptedBy, AccountId, Denied, Verifier};
use zeroize::Zeroizing;

use crate::arguments::Check;
use crate::database::{Database, ISSUER, Place};
use crate::failure::Failure;
use crate::fault::chain;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1024;

/// Verifies the code. Returns whether it was accepted.
pub(crate) async fn run(check: &Check, account: &AccountId) -> Result<bool, Failure> {
    let typed = typed(&check.code)?;
    let database = Database::open(Place {
        db: &check.db,
        key: &check.key,
    });
    let database = database.await?;
    let verifier = Verifier::builder(database.store.clone(), database.keyring(), ISSUER)
        .hash_executor(TokioPool::new(NonZeroUsize::MIN));
    let verifier = match check.time {
        Some(time) => verifier.clock(ManualClock::at(time)),
        None => verifier,
    };
    let answer = verifier.build()?.verify(account, &typed).await;
    database.close().await;
    match answer {
        Ok(receipt) => {
            let by = match receipt.accepted_by() {
                AcceptedBy::BackupCode { .. } => "a backup code",
                _ => "a passcode",
            };
            writeln!(io::stdout(), "accepted: {by}")?;
            Ok(true)
        }
        Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => {
            writeln!(io::stdout(), "rejected: {rejection}")?;
            Ok(false)
        }
        Err(Denied::Failed(error)) => Err(Failure::new(chain(&error))),
    }
}

fn typed(argument: &str) -> Result<Zeroizing<String>, Failure> {
    if argument != "-" {
        return Ok(Zeroizing::new(argument.to_owned()));
    }
    let mut line = Zeroizing::new(String::with_capacity(2048));
    io::stdin().lock().take(MAX_LINE).read_line(&mut line)?;
    Ok(line)
}
