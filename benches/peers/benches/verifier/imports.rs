//! The import of an account of another system, with one authenticator and no backup codes.

use countersign::AccountId;
use countersign::import::{Import, Imported, ImportedAuthenticator};
use countersign::otp::{Secret, TimeStep};
use countersign::testing::block_on;
use countersign_benches::{Candidate, Effort, Error, Target, Timer};
use countersign_store_testing::bench::{Report, grouped};

use crate::service::{Service, Setup};

/// The imports of one turn.
const AT_MOST: u32 = 64;
/// The longest time of an import: 150,000 imports per second.
const LONGEST: f64 = 6_667.0;

pub(crate) fn measure(effort: Effort, report: &mut Report) -> Result<Vec<Target>, Error> {
    let (plain, in_transaction) = (
        Service::new(Setup::default())?,
        Service::new(Setup::default())?,
    );
    let mut timer = Timer::default();
    let imported = add(&mut timer, |(id, import)| {
        block_on(plain.verifier.import(id, import)).is_ok_and(is_now)
    });
    let imported_in_transaction = add(&mut timer, |(id, import)| {
        block_on(in_transaction.verifier.import_in_transaction(id, import)).is_ok_and(is_now)
    });
    let timings = timer.run(effort);

    report.columns(&["an import", "store calls", "ns", "per second, on one core"]);
    let mut targets = Vec::new();
    for (name, calls, candidate) in [
        ("`import`", "1 load, 2 writes", imported),
        (
            "`import_in_transaction`",
            "1 write",
            imported_in_transaction,
        ),
    ] {
        let nanoseconds = timings.median(candidate);
        report.row(&[
            name.into(),
            calls.into(),
            grouped(nanoseconds),
            grouped(1e9 / nanoseconds),
        ]);
        targets.push(Target {
            what: format!("{name} into `MemoryStore`"),
            at_most: LONGEST,
            measured: nanoseconds,
            unit: " ns",
        });
    }
    report.end();
    Ok(targets)
}

/// Adds imports of accounts that have no record.
fn add<'a>(timer: &mut Timer<'a>, import: impl Fn(&(AccountId, Import)) -> bool + 'a) -> Candidate {
    let mut next = 0_u64;
    timer.add_prepared(
        AT_MOST,
        move |times| {
            let accounts = (0..times).filter_map(|_| {
                next += 1;
                Some((AccountId::from(next), row(next)?))
            });
            accounts.collect()
        },
        move |account| assert!(import(account)),
    )
}

/// A row with a secret of its own.
fn row(number: u64) -> Option<Import> {
    let mut secret = [0x5a; 20];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    let secret = Secret::from_bytes(&secret).ok()?;
    let phone = ImportedAuthenticator::totp(secret).last_step(TimeStep::new(50_000_000));
    Some(Import::new([phone]))
}

fn is_now(imported: Imported) -> bool {
    imported == Imported::Now
}
