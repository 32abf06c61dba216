//! Attempts on one thread and on two.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use countersign::testing::block_on;
use countersign::{AccountId, Denied, Rejection, VerifierError};
use countersign_benches::Error;
use countersign_store_testing::bench::{Report, grouped};

use crate::service::{Owner, Service, Setup, Typed};

/// Threads that sign users in, each with its own clock.
struct Group {
    name: &'static str,
    servers: Vec<Server>,
    /// Accepted attempts per second, in each turn.
    rates: Vec<f64>,
    accepted: u32,
    replayed: u32,
}

struct Server {
    service: Service,
    /// The accounts that the server signs in to, one after the other.
    owners: Vec<usize>,
}

const ATTEMPTS: u32 = 5_000;
const ACCOUNTS: u32 = 1_000;

pub(crate) fn measure(turns: usize, report: &mut Report) -> Result<(), Error> {
    let setup = Setup::default();
    let service = Service::new(setup)?;
    let owners: Vec<Owner> = (0..ACCOUNTS)
        .map(|number| service.enroll(AccountId::from(number), setup))
        .collect::<Result<_, _>>()?;
    let server = |owners: Range<usize>, ahead: u64| -> Result<Server, Error> {
        let service = service.another_server()?;
        service.clock.advance(Duration::from_secs(ahead));
        Ok(Server {
            service,
            owners: owners.collect(),
        })
    };
    // The groups share no accounts. Two servers with one account use the passcodes of alternating
    // time steps.
    let group = |name, servers| Group {
        name,
        servers,
        rates: Vec::new(),
        accepted: 0,
        replayed: 0,
    };
    let mut groups = [
        group("1 thread, one account", vec![server(0..1, 0)?]),
        group(
            "2 threads, one account",
            vec![server(1..2, 0)?, server(1..2, 60)?],
        ),
        group("1 thread, 300 accounts", vec![server(100..400, 0)?]),
        group(
            "2 threads, 600 accounts",
            vec![server(400..700, 0)?, server(700..1_000, 0)?],
        ),
    ];
    for _ in 0..turns {
        for group in &mut groups {
            group.turn(&owners);
        }
    }

    report.columns(&[
        "clients",
        "accepted per second",
        "rejected as used, per accepted",
    ]);
    for mut group in groups {
        group.rates.sort_unstable_by(f64::total_cmp);
        report.row(&[
            group.name.into(),
            grouped(group.rates[group.rates.len() / 2]),
            format!(
                "{:.2}",
                f64::from(group.replayed) / f64::from(group.accepted)
            ),
        ]);
    }
    report.end();
    Ok(())
}

impl Group {
    fn turn(&mut self, owners: &[Owner]) {
        let prepared: Vec<_> = self
            .servers
            .iter()
            .map(|server| (server, server.prepare(owners)))
            .collect();
        let start = Instant::now();
        let accepted = thread::scope(|scope| {
            let threads: Vec<_> = prepared
                .into_iter()
                .map(|(server, typed)| scope.spawn(move || server.run(&typed)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("the thread panicked"))
                .sum::<u32>()
        });
        self.rates
            .push(f64::from(accepted) / start.elapsed().max(Duration::from_nanos(1)).as_secs_f64());
        self.accepted += accepted;
        self.replayed += ATTEMPTS * self.servers.len() as u32 - accepted;
    }
}

impl Server {
    /// Passcodes of increasing time steps.
    fn prepare<'a>(&self, owners: &'a [Owner]) -> Vec<(&'a Owner, Typed)> {
        let indices = self.owners.iter().cycle().take(ATTEMPTS as usize);
        indices
            .map(|index| {
                let typed = self.service.next_passcodes(&owners[*index], 1).remove(0);
                self.service.clock.set(typed.0);
                (&owners[*index], typed)
            })
            .collect()
    }

    /// The number of accepted attempts. If two servers share an account, one server can find that
    /// the other server has used a later time step. After many writes of the other server in a row,
    /// it cannot find out the effect of its own write.
    fn run(&self, attempts: &[(&Owner, Typed)]) -> u32 {
        let mut accepted = 0;
        for (owner, (at, passcode)) in attempts {
            self.service.clock.set(*at);
            let answer = block_on(self.service.verifier.verify(&owner.id, passcode));
            match answer {
                Ok(_) => accepted += 1,
                Err(
                    Denied::Rejected(Rejection::Replayed | Rejection::ReplayedAhead { .. })
                    | Denied::Failed(VerifierError::Unsettled(None)),
                ) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        accepted
    }
}
