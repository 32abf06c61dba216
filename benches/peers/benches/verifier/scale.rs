//! From one account to ten million.

use countersign::backup::Argon2Params;
use countersign::runtime::InlineExecutor;
use countersign::store::Revision;
use countersign::{AccountId, blocking};
use countersign_benches::{Contender, Effort, Error, Goal, Race, resident};
use countersign_store_testing::bench::{Report, grouped};
use fastrand::Rng;

use crate::service::{Owner, Service, Shape, Typed, insert};

/// So many accounts are enrolled at most; they lie all over the store.
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
        let shape = Shape::default();
        let service = Service::with_digest(shape, Argon2Params::new(8, 1, 1)?, InlineExecutor)?;
        let apart = rows.div_ceil(MEMBERS);
        let mut random = Rng::with_seed(rows.into());
        let mut members: Vec<Owner> = Vec::new();
        let mut record = Vec::new();
        for number in 0..rows {
            let id = AccountId::from(number);
            if number % apart == 0 {
                let owner = service.enroll(id, shape)?;
                record = load(&service, &owner)?;
                members.push(owner);
            } else {
                random.fill(&mut record);
                // As long as others; nobody will open it.
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

    /// Enters right passcodes of accounts in no order.
    fn enter<'a>(&'a self, race: &mut Race<'a>) -> Contender {
        let mut next = self.members.iter().cycle();
        race.enter_prepared(
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

fn load(service: &Service, owner: &Owner) -> Result<Vec<u8>, Error> {
    let stored = blocking::Store::load(service.verifier.store(), &owner.id)?;
    Ok(stored.ok_or("the account is gone")?.record)
}

/// Measures accepted attempts over stores of these sizes, the second of which is what others are compared with.
pub(crate) fn measure(
    rows: &[u32],
    effort: Effort,
    report: &mut Report,
) -> Result<Vec<Goal>, Error> {
    // The largest first: what others free must not count as its own.
    let mut populations = Vec::new();
    for &rows in rows.iter().rev() {
        populations.insert(0, Population::new(rows)?);
    }
    let mut race = Race::default();
    let entered: Vec<_> = populations
        .iter()
        .map(|population| population.enter(&mut race))
        .collect();
    let figures = race.run(effort);

    report.columns(&["accounts", "a right passcode, ns", "times that for 1,000"]);
    for (population, contender) in populations.iter().zip(&entered) {
        report.row(&[
            grouped(population.rows.into()),
            grouped(figures.median(*contender)),
            format!("{:.2}", figures.ratio(*contender, entered[1])),
        ]);
    }
    report.end();
    let (Some(largest), Some(slowest)) = (populations.last(), entered.last()) else {
        return Ok(Vec::new());
    };
    Ok(vec![
        Goal::ratio(
            format!("{} accounts, against 1,000", grouped(largest.rows.into())),
            1.3,
            figures.ratio(*slowest, entered[1]),
        ),
        Goal {
            what: "memory per account".into(),
            at_most: 640.0,
            measured: largest.bytes_each,
            unit: " bytes",
        },
    ])
}
