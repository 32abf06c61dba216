//! Whole attempts of every kind, and where the time of an accepted attempt goes.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::backup::{Argon2Params, HashJob};
use countersign::runtime::{HashExecutor, HashFuture, InlineExecutor};
use countersign::testing::block_on;
use countersign::{Denied, Receipt, Rejection};
use countersign_benches::{Candidate, Effort, Error, Target, Timer, Timings};
use countersign_store_testing::bench::{Report, grouped};

use crate::person::Person;
use crate::service::{DAY, Service, Setup};
use crate::stages::Stages;

impl Person {
    fn is_rejected(&self, code: &str, expected: &Rejection) {
        let answer = self.verify(code);
        assert!(
            matches!(&answer, Err(Denied::Rejected(rejection)) if rejection == expected),
            "{answer:?}"
        );
    }

    /// Adds attempts with wrong passcodes, three days apart, so that neither back-off nor guess
    /// budget rejects them.
    fn add_wrong<'a>(&'a self, timer: &mut Timer<'a>) -> Candidate {
        // A hundred failures without a success lock the account.
        const AT_MOST: u32 = 64;
        timer.add_prepared(
            AT_MOST,
            |times| {
                self.service.clock.advance(3 * DAY);
                for typed in self.service.next_passcodes(&self.owner, 1) {
                    self.service.sign_in(&self.owner, &typed);
                }
                let days = (1..=u64::from(times)).map(|time| 3 * time * DAY.as_secs());
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

    /// Adds attempts with a passcode that was used just before.
    fn add_replayed<'a>(&'a self, timer: &mut Timer<'a>) -> Candidate {
        timer.add_prepared(
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

    /// Fails until the back-off begins, and adds attempts during the back-off.
    fn add_waiting<'a>(&'a self, timer: &mut Timer<'a>) -> Candidate {
        let wrong = self
            .service
            .wrong_passcode(&self.owner, self.service.clock.now());
        let is_waiting = |answer: Result<Receipt, Denied>| {
            matches!(answer, Err(Denied::Rejected(Rejection::Waiting { .. })))
        };
        while !is_waiting(self.verify(&wrong)) {}
        timer.add(move || assert!(is_waiting(self.verify(&wrong))))
    }

    /// Adds attempts with an unused backup code, without the time of its password hash. The stored
    /// row is restored before each attempt. A turn has at most `at_most` attempts.
    fn add_backup_code<'a>(
        &'a self,
        hashes: &'a Stopwatch,
        at_most: u32,
        timer: &mut Timer<'a>,
    ) -> Result<Candidate, Error> {
        let unused = self.stored()?;
        let attempt = move || {
            let restored = self.restore(&unused);
            assert!(restored.is_ok(), "{restored:?}");
            hashes.take();
            let start = Instant::now();
            let accepted = black_box(self.verify(&self.owner.codes[0]));
            let took = start.elapsed();
            assert!(accepted.is_ok(), "{accepted:?}");
            took.saturating_sub(hashes.take())
        };
        Ok(timer.add_timed(at_most, move |times| (0..times).map(|_| attempt()).sum()))
    }
}

/// Computes password hashes on the calling thread, and adds up their time.
#[derive(Clone, Default)]
struct Stopwatch(Arc<AtomicU64>);

impl Stopwatch {
    fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}

impl HashExecutor for Stopwatch {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        let start = Instant::now();
        let hashes = InlineExecutor.run(job);
        let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(took, Ordering::Relaxed);
        hashes
    }
}

/// Measures attempts of all kinds, and the stages of an accepted attempt.
pub(crate) fn measure(effort: Effort, report: &mut Report) -> Result<Vec<Target>, Error> {
    let setup = Setup::default();
    let person = || Person::new(setup);
    let (right, wrong, replayed) = (person()?, person()?, person()?);
    let (waiting, unchanged) = (person()?, person()?);
    let hashes = Stopwatch::default();
    let cheap = Argon2Params::new(8, 1, 1)?;
    let service = Service::with_hash(setup, cheap, hashes.clone())?;
    let backup_code = Person::of(service, setup)?;
    let long_code = Person::of(Service::with_long_codes(setup)?, setup)?;
    let stages = Stages::new()?;

    let mut timer = Timer::default();
    let accepted = right.add_right(&mut timer);
    let long = long_code.add_backup_code(&hashes, u32::MAX, &mut timer)?;
    let attempts = [
        ("a right passcode", "1 load, 1 write", accepted),
        (
            "a wrong passcode",
            "1 load, 1 write",
            wrong.add_wrong(&mut timer),
        ),
        (
            "a passcode that was used before",
            "1 load",
            replayed.add_replayed(&mut timer),
        ),
        (
            "during a back-off",
            "1 load",
            waiting.add_waiting(&mut timer),
        ),
        (
            "input that cannot be a code",
            "-",
            timer.add(|| unchanged.is_rejected(black_box("passcode?"), &Rejection::Malformed)),
        ),
        (
            "a right backup code, without its password hash",
            "2 loads, 2 writes",
            backup_code.add_backup_code(&hashes, 1, &mut timer)?,
        ),
        ("a right backup code of 115 bits", "1 load, 1 write", long),
        (
            "`status`",
            "1 load",
            timer.add(|| block_on(unchanged.service.verifier.status(&unchanged.owner.id))),
        ),
    ];
    let check = stages.add_totp_rs(&mut timer)?;
    let added = stages.add(&mut timer)?;
    let timings = timer.run(effort);

    timings.explain(effort, report);
    write(&attempts, check, &timings, report);
    let mut targets = vec![Target::ratio(
        "an accepted attempt, against totp-rs `check`",
        8.0,
        timings.ratio(accepted, check),
    )];
    let microseconds = timings.median(long) / 1e3;
    targets.push(Target::ratio(
        "a right backup code of 115 bits, in microseconds",
        5.0,
        microseconds,
    ));
    targets.extend(added.explain(accepted, &timings, report)?);
    Ok(targets)
}

fn write(
    attempts: &[(&str, &str, Candidate)],
    check: Candidate,
    timings: &Timings,
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
            grouped(timings.median(attempt)),
            format!("{:.1}", timings.ratio(attempt, check)),
            grouped(1e9 / timings.median(attempt)),
        ]);
    }
    report.end();
}
