//! Attempts on one thread and on two.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use countersign::testing::block_on;
use countersign::{AccountId, Denied, Rejection};
use countersign_benches::Error;
use countersign_store_testing::bench::{Report, grouped};

use crate::service::{Owner, Service, Shape, Typed};

/// Threads that sign people in, each with a clock of its own.
struct Crowd {
    name: &'static str,
    machines: Vec<Machine>,
    /// Accepted a second, in each turn.
    rates: Vec<f64>,
    accepted: u32,
    overtaken: u32,
}

struct Machine {
    service: Service,
    /// The accounts that it signs in to, in turns.
    owners: Vec<usize>,
}

const ATTEMPTS: u32 = 5_000;
const ACCOUNTS: u32 = 1_000;

pub(crate) fn measure(turns: usize, report: &mut Report) -> Result<(), Error> {
    let shape = Shape::default();
    let service = Service::new(shape)?;
    let owners: Vec<Owner> = (0..ACCOUNTS)
        .map(|number| service.enroll(AccountId::from(number), shape))
        .collect::<Result<_, _>>()?;
    let machine = |owners: Range<usize>, ahead: u64| -> Result<Machine, Error> {
        let service = service.beside()?;
        service.clock.advance(Duration::from_secs(ahead));
        Ok(Machine {
            service,
            owners: owners.collect(),
        })
    };
    // Nobody's accounts are another crowd's. Two who sign in to one account type the passcodes of alternating steps.
    let crowd = |name, machines| Crowd {
        name,
        machines,
        rates: Vec::new(),
        accepted: 0,
        overtaken: 0,
    };
    let mut crowds = [
        crowd("1 thread, one account", vec![machine(0..1, 0)?]),
        crowd(
            "2 threads, one account",
            vec![machine(1..2, 0)?, machine(1..2, 60)?],
        ),
        crowd("1 thread, 300 accounts", vec![machine(100..400, 0)?]),
        crowd(
            "2 threads, 600 accounts",
            vec![machine(400..700, 0)?, machine(700..1_000, 0)?],
        ),
    ];
    for _ in 0..turns {
        for crowd in &mut crowds {
            crowd.turn(&owners);
        }
    }

    report.columns(&[
        "clients",
        "accepted per second",
        "rejected as used, per accepted",
    ]);
    for mut crowd in crowds {
        crowd.rates.sort_unstable_by(f64::total_cmp);
        report.row(&[
            crowd.name.into(),
            grouped(crowd.rates[crowd.rates.len() / 2]),
            format!(
                "{:.2}",
                f64::from(crowd.overtaken) / f64::from(crowd.accepted)
            ),
        ]);
    }
    report.end();
    Ok(())
}

impl Crowd {
    fn turn(&mut self, owners: &[Owner]) {
        let prepared: Vec<_> = self
            .machines
            .iter()
            .map(|machine| (machine, machine.prepare(owners)))
            .collect();
        let begun = Instant::now();
        let accepted = thread::scope(|scope| {
            let threads: Vec<_> = prepared
                .into_iter()
                .map(|(machine, typed)| scope.spawn(move || machine.run(&typed)))
                .collect();
            threads
                .into_iter()
                .filter_map(|thread| thread.join().ok())
                .sum::<u32>()
        });
        self.rates
            .push(f64::from(accepted) / begun.elapsed().max(Duration::from_nanos(1)).as_secs_f64());
        self.accepted += accepted;
        self.overtaken += ATTEMPTS * self.machines.len() as u32 - accepted;
    }
}

impl Machine {
    /// Passcodes of later and later steps.
    fn prepare<'a>(&self, owners: &'a [Owner]) -> Vec<(&'a Owner, Typed)> {
        let places = self.owners.iter().cycle().take(ATTEMPTS as usize);
        places
            .map(|place| {
                let typed = self.service.next_passcodes(&owners[*place], 1).remove(0);
                self.service.clock.set(typed.0);
                (&owners[*place], typed)
            })
            .collect()
    }

    /// How many were accepted. Where two share an account, one can find that a later step was used before its own.
    fn run(&self, attempts: &[(&Owner, Typed)]) -> u32 {
        let mut accepted = 0;
        for (owner, (at, passcode)) in attempts {
            self.service.clock.set(*at);
            let answer = block_on(self.service.verifier.verify(&owner.id, passcode));
            let overtaken = matches!(answer, Err(Denied::Rejected(Rejection::Replayed)));
            assert!(answer.is_ok() || overtaken, "{answer:?}");
            accepted += u32::from(!overtaken);
        }
        accepted
    }
}
