//! From one account to ten million.

use countersign::AccountId;
use countersign::backup::Argon2Params;
use countersign::runtime::InlineExecutor;
use countersign::store::Revision;
use countersign_benches::{Candidate, Effort, Error, Target, Timer};
use countersign_store_testing::bench::resident;
use countersign_store_testing::bench::{Report, grouped};
use fastrand::Rng;

use crate::service::{Owner, Service, Setup, Typed, insert};

/// The maximum number of enrolled accounts. They are spread over the whole store.
const MEMBERS: u32 = 20_000;

/// A service with many accounts.
struct Population {
    rows: u32,
    service: Service,
    members: Vec<Owner>,
    bytes_each: f64,
}

impl Population {
    fn new(rows: u32) -> Result<Self, Error> {
        let before = resident()?;
        let setup = Setup::default();
        let service = Service::with_hash(setup, Argon2Params::new(8, 1, 1)?, InlineExecutor)?;
        let interval = rows.div_ceil(MEMBERS);
        let mut random = Rng::with_seed(rows.into());
        let mut members: Vec<Owner> = Vec::new();
        let mut record = Vec::new();
        for number in 0..rows {
            let id = AccountId::from(number);
            if number % interval == 0 {
                let owner = service.enroll(id, setup)?;
                record = service.stored(&owner)?.record;
                members.push(owner);
            } else {
                random.fill(&mut record);
                // Random bytes of the same length, which nobody decrypts.
                insert(
                    service.verifier.store(),
                    &id,
                    Revision::from_i64(1)?,
                    &record,
                )?;
            }
        }
        random.shuffle(&mut members);
        Ok(Self {
            rows,
            service,
            members,
            bytes_each: (resident()? - before) / f64::from(rows),
        })
    }

    /// Adds right passcodes of accounts in random order.
    fn add<'a>(&'a self, timer: &mut Timer<'a>) -> Candidate {
        let mut next = self.members.iter().cycle();
        timer.add_prepared(
            u32::MAX,
            move |times| {
                let mut later: Vec<(&Owner, Typed)> = Vec::new();
                for owner in next.by_ref().take(times as usize) {
                    let typed = self.service.next_passcodes(owner, 1).remove(0);
                    self.service.clock.set(typed.0);
                    later.push((owner, typed));
                }
                later
            },
            |(owner, typed)| self.service.sign_in(owner, typed),
        )
    }
}

/// Measures accepted attempts over stores of these sizes, and compares each size with the second
/// size.
pub(crate) fn measure(
    rows: &[u32],
    effort: Effort,
    report: &mut Report,
) -> Result<Vec<Target>, Error> {
    // The largest population comes first: memory that another population freed would reduce its
    // figure.
    let mut populations = Vec::new();
    for &rows in rows.iter().rev() {
        populations.insert(0, Population::new(rows)?);
    }
    let mut timer = Timer::default();
    let added: Vec<_> = populations
        .iter()
        .map(|population| population.add(&mut timer))
        .collect();
    let timings = timer.run(effort);

    report.columns(&["accounts", "a right passcode, ns", "times that for 1,000"]);
    for (population, candidate) in populations.iter().zip(&added) {
        report.row(&[
            grouped(population.rows.into()),
            grouped(timings.median(*candidate)),
            format!("{:.2}", timings.ratio(*candidate, added[1])),
        ]);
    }
    report.end();
    let (Some(largest), Some(slowest)) = (populations.last(), added.last()) else {
        return Ok(Vec::new());
    };
    Ok(vec![
        Target::ratio(
            format!("{} accounts, against 1,000", grouped(largest.rows.into())),
            1.3,
            timings.ratio(*slowest, added[1]),
        ),
        Target {
            what: "memory per account".into(),
            at_most: 640.0,
            measured: largest.bytes_each,
            unit: " bytes",
        },
    ])
}
