//! Whole attempts of every kind.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::backup::{Argon2Params, HashJob};
use countersign::runtime::{HashExecutor, HashFuture, InlineExecutor};
use countersign::testing::block_on;
use countersign::{AccountId, Denied, Receipt, Rejection, blocking};
use countersign_benches::{Contender, Effort, Error, Figures, Goal, Race};
use countersign_store_testing::bench::{Report, grouped};

use crate::service::{DAY, Owner, Service, Shape};
use crate::stages::Stages;

/// Somebody, and a service that knows nobody else.
pub(crate) struct Person {
    pub(crate) service: Service,
    pub(crate) owner: Owner,
}

impl Person {
    pub(crate) fn new(shape: Shape) -> Result<Self, Error> {
        Self::of(Service::new(shape)?, shape)
    }

    pub(crate) fn of(service: Service, shape: Shape) -> Result<Self, Error> {
        let owner = service.enroll(AccountId::from(1_u32), shape)?;
        Ok(Self { service, owner })
    }

    pub(crate) fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        block_on(self.service.verifier.verify(&self.owner.id, code))
    }

    /// How long the record is.
    pub(crate) fn record_bytes(&self) -> usize {
        let Ok(stored) = blocking::Store::load(self.service.verifier.store(), &self.owner.id);
        stored.map_or(0, |stored| stored.record.len())
    }

    fn is_rejected(&self, code: &str, expected: &Rejection) {
        let answer = self.verify(code);
        assert!(
            matches!(&answer, Err(Denied::Rejected(rejection)) if rejection == expected),
            "{answer:?}"
        );
    }

    /// Enters right passcodes, each of a step of its own.
    pub(crate) fn enter_right<'a>(&'a self, race: &mut Race<'a>) -> Contender {
        race.enter_prepared(
            u32::MAX,
            |times| self.service.next_passcodes(&self.owner, times),
            |typed| self.service.sign_in(&self.owner, typed),
        )
    }

    /// Enters wrong ones, a day apart, so that neither wait nor budget holds them off.
    fn enter_wrong<'a>(&'a self, race: &mut Race<'a>) -> Contender {
        // The factor is locked at a hundred failures without a success.
        const MOST: u32 = 64;
        race.enter_prepared(
            MOST,
            |times| {
                self.service.clock.advance(DAY);
                for typed in self.service.next_passcodes(&self.owner, 1) {
                    self.service.sign_in(&self.owner, &typed);
                }
                let days = (1..=u64::from(times)).map(|days| days * DAY.as_secs());
                let times = days.map(|later| self.service.clock.now().saturating_add(later));
                times
                    .map(|at| (at, self.service.wrong_passcode(&self.owner, at)))
                    .collect()
            },
            |(at, wrong)| {
                self.service.clock.set(*at);
                self.is_rejected(wrong, &Rejection::WrongCode);
            },
        )
    }

    /// Enters a passcode that was used just before.
    pub(crate) fn enter_replayed<'a>(&'a self, race: &mut Race<'a>) -> Contender {
        race.enter_prepared(
            u32::MAX,
            |times| {
                let mut typed = self.service.next_passcodes(&self.owner, 1);
                self.service.sign_in(&self.owner, &typed[0]);
                typed.resize(times as usize, typed[0].clone());
                typed
            },
            |(_, used)| self.is_rejected(used, &Rejection::Replayed),
        )
    }

    /// Fails until there is a wait, and enters attempts within it.
    fn enter_waiting<'a>(&'a self, race: &mut Race<'a>) -> Contender {
        let wrong = self
            .service
            .wrong_passcode(&self.owner, self.service.clock.now());
        let is_waiting = |answer: Result<Receipt, Denied>| {
            matches!(answer, Err(Denied::Rejected(Rejection::Waiting { .. })))
        };
        while !is_waiting(self.verify(&wrong)) {}
        race.enter(move || assert!(is_waiting(self.verify(&wrong))))
    }

    /// Enters a backup code that is always the first use of it, because the row is put back; without its digest.
    fn enter_backup_code<'a>(&'a self, digests: &'a Stopwatch, race: &mut Race<'a>) -> Contender {
        let before = crate::digest::Row::of(self);
        race.enter_timed(1, move |_| {
            before.put_back();
            digests.take();
            let begun = Instant::now();
            let accepted = black_box(self.verify(&self.owner.codes[0]));
            let took = begun.elapsed();
            assert!(accepted.is_ok(), "{accepted:?}");
            took.saturating_sub(digests.take())
        })
    }
}

/// Computes digests at once, and knows how long that took.
#[derive(Clone, Default)]
struct Stopwatch(Arc<AtomicU64>);

impl Stopwatch {
    fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}

impl HashExecutor for Stopwatch {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        let begun = Instant::now();
        let digests = InlineExecutor.run(job);
        let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(took, Ordering::Relaxed);
        digests
    }
}

/// Measures all kinds, and the stages of one that is accepted.
pub(crate) fn measure(effort: Effort, report: &mut Report) -> Result<Vec<Goal>, Error> {
    let shape = Shape::default();
    let person = || Person::new(shape);
    let (right, wrong, replayed) = (person()?, person()?, person()?);
    let (waiting, asked) = (person()?, person()?);
    let digests = Stopwatch::default();
    let cheap = Argon2Params::new(8, 1, 1)?;
    let service = Service::with_digest(shape, cheap, digests.clone())?;
    let backup_code = Person::of(service, shape)?;
    let stages = Stages::new()?;

    let mut race = Race::default();
    let accepted = right.enter_right(&mut race);
    let attempts = [
        ("a right passcode", "1 load, 1 write", accepted),
        (
            "a wrong passcode",
            "1 load, 1 write",
            wrong.enter_wrong(&mut race),
        ),
        (
            "a passcode that was used before",
            "1 load",
            replayed.enter_replayed(&mut race),
        ),
        (
            "during a back-off",
            "1 load",
            waiting.enter_waiting(&mut race),
        ),
        (
            "input that cannot be a code",
            "-",
            race.enter(|| asked.is_rejected(black_box("passcode?"), &Rejection::Malformed)),
        ),
        (
            "a right backup code, without its password hash",
            "2 loads, 2 writes",
            backup_code.enter_backup_code(&digests, &mut race),
        ),
        (
            "`status`",
            "1 load",
            race.enter(|| block_on(asked.service.verifier.status(&asked.owner.id))),
        ),
    ];
    let check = stages.enter_totp_rs(&mut race)?;
    let entered = stages.enter(&mut race)?;
    let figures = race.run(effort);

    figures.explain(effort, report);
    write(&attempts, check, &figures, report);
    let mut goals = vec![Goal::ratio(
        "an accepted attempt, against totp-rs `check`",
        8.0,
        figures.ratio(accepted, check),
    )];
    goals.extend(entered.explain(accepted, &figures, report)?);
    Ok(goals)
}

fn write(
    attempts: &[(&str, &str, Contender)],
    check: Contender,
    figures: &Figures,
    report: &mut Report,
) {
    report.columns(&[
        "attempt",
        "store calls",
        "ns",
        "times totp-rs `check`",
        "per second, on one core",
    ]);
    for &(name, store, attempt) in attempts {
        report.row(&[
            name.into(),
            store.into(),
            grouped(figures.median(attempt)),
            format!("{:.1}", figures.ratio(attempt, check)),
            grouped(1e9 / figures.median(attempt)),
        ]);
    }
    report.end();
}
