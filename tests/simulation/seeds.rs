//! Runs many seeds, distributed over the processors.

use crate::checker::Checker;
use crate::coverage::Coverage;
use crate::seeded_run::run_seed;
use crate::stores::{Database, WithoutCompare};
use countersign::store::MemoryStore;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// How many seeds run. A debug build takes about ten seconds.
const SCHEDULES: u64 = if cfg!(debug_assertions) {
    4_000
} else {
    50_000
};

/// Each event must happen at least once per this many runs. This minimum is at most a quarter of
/// the usual rate.
const EVENTS: &[(&str, u64)] = &[
    ("accepted: backup code", 50),
    ("accepted: confirmation", 5),
    ("accepted: counter", 40),
    ("accepted: passcode", 10),
    ("accepted: row of counters", 160),
    ("accepted: row of passcodes", 100),
    ("accepted: row while limited", 140),
    ("asked: begin an enrollment", 2),
    ("asked: confirm an enrollment", 2),
    ("asked: disable", 5),
    ("asked: forget_devices", 20),
    ("asked: password_changed", 20),
    ("asked: remember a device", 5),
    ("asked: trusted_device", 100),
    ("asked: verify on a device", 30),
    ("device: a failure", 100),
    ("device: accepted", 150),
    ("device: ended by a confirmed clock", 12_000),
    ("answer: device not trusted", 300),
    ("answer: trusted", 480),
    ("answer: unknown device", 880),
    ("asked: erase", 50),
    ("asked: force_disable", 50),
    ("asked: confirm_saved", 60),
    ("asked: discard codes", 120),
    ("a code of the pending set is used", 800),
    ("asked: issue codes", 5),
    ("asked: remove an authenticator", 10),
    ("asked: reseal", 5),
    ("asked: status", 20),
    ("asked: unlock", 20),
    ("asked: verify", 1),
    ("asked: verify a request", 2),
    ("asked: verify_consecutive", 10),
    ("clock: a year ahead", 20),
    ("clock: a year back", 20),
    ("clock: servers ten minutes apart", 20),
    ("clock: ten minutes ahead", 20),
    ("clock: ten minutes back", 20),
    ("fault: a late write lands", 5),
    ("fault: delay", 2),
    ("fault: duplicate", 20),
    ("fault: failed after", 20),
    ("fault: failed before", 2),
    ("fault: late", 5),
    ("keys: the new key is added", 10),
    ("keys: the new key is the primary", 10),
    ("keys: the old key is dropped", 50),
    ("in the end: a backup code is accepted", 15),
    ("joined", 500),
    ("joined after the first caller was killed or answered", 1500),
    ("wrong again, without a write", 80),
    ("in the end: the old set works after a partial issue", 500),
    ("killed in mid-operation", 5),
    ("killed or in doubt between the writes of an issue", 100),
    ("landed after its caller was killed or answered", 50),
    ("resealed", 100),
    ("answer: absent", 10),
    ("answer: accepted", 5),
    ("answer: accepted before", 150),
    ("answer: backup code used", 50),
    ("answer: budget spent", 20),
    ("answer: clock fault", 10),
    ("answer: disabled", 5),
    ("answer: done", 1),
    ("answer: effect unknown", 10),
    ("answer: enrollment expired", 100),
    ("answer: enrollment superseded", 50),
    ("answer: foreign receipt", 100),
    ("answer: issue expired", 500),
    ("answer: locked", 10),
    ("answer: last authenticator", 100),
    ("answer: malformed", 60),
    ("answer: no enrollment", 5),
    ("answer: no pending codes", 180),
    ("answer: proof expired", 10),
    ("answer: proof too weak", 20),
    ("answer: rejected before", 80),
    ("answer: replayed", 20),
    ("answer: the store failed", 5),
    ("answer: too many authenticators", 500),
    ("answer: too many enrollments", 100),
    ("answer: too many issues", 200),
    ("answer: unknown authenticator", 20),
    ("answered after eight writes of others", 100),
    ("answer: waiting", 2),
    ("answer: wrong code", 2),
    ("answer: wrong confirmation", 50),
    ("used up, and the effect is unknown to the caller", 50),
];

/// The seed of a run with a violation, and the violation.
type Failure = (u64, String);

pub(crate) fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect(variable))
}

fn check_seed<D: Database>(seed: u64, checker: Checker) -> Result<Coverage, String> {
    let checker = catch_unwind(AssertUnwindSafe(|| run_seed::<D>(seed, checker)));
    let checker = checker.map_err(|_| "a panic".to_string())?;
    match checker.violation {
        None => Ok(checker.coverage),
        Some(what) => Err(what),
    }
}

fn trace<D: Database>(seed: u64) -> String {
    let checker = run_seed::<D>(seed, Checker::traced());
    checker.trace.unwrap_or_default().join("\n")
}

/// Runs this many seeds, up to the first violation.
fn check_seeds<D: Database>(schedules: u64) -> Result<Coverage, Failure> {
    let next = AtomicU64::new(0);
    let all = Mutex::new(Coverage::default());
    let failure = Mutex::new(None::<Failure>);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut checker = Checker::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= schedules || failure.lock().unwrap().is_some() {
                        break;
                    }
                    match check_seed::<D>(seed, checker) {
                        Ok(coverage) => {
                            checker = Checker::counting(coverage);
                            checker.coverage.count("schedules");
                        }
                        Err(what) => {
                            let mut failure = failure.lock().unwrap();
                            let earlier = failure.as_ref().is_some_and(|(other, _)| *other < seed);
                            if !earlier {
                                *failure = Some((seed, what));
                            }
                            return;
                        }
                    }
                }
                all.lock().unwrap().merge(&checker.coverage);
            });
        }
    });
    match failure.into_inner().unwrap() {
        Some(failure) => Err(failure),
        None => Ok(all.into_inner().unwrap()),
    }
}

#[test]
fn simulated_accounts_keep_every_guarantee() {
    if let Some(seed) = number("COUNTERSIGN_SEED") {
        println!("{}", trace::<MemoryStore>(seed));
        if let Err(what) = check_seed::<MemoryStore>(seed, Checker::default()) {
            panic!("seed {seed}: {what}");
        }
        return;
    }
    let schedules = number("COUNTERSIGN_SCHEDULES").unwrap_or(SCHEDULES);
    let begun = Instant::now();
    match check_seeds::<MemoryStore>(schedules) {
        Ok(coverage) => {
            println!(
                "{coverage}\n{schedules} schedules in {:.1?}",
                begun.elapsed()
            );
            for (event, runs) in EVENTS {
                let count = coverage.of(event);
                assert!(count >= schedules / runs, "{event}: only {count}");
            }
        }
        Err((seed, what)) => {
            println!("{}", trace::<MemoryStore>(seed));
            panic!("COUNTERSIGN_SEED={seed}: {what}");
        }
    }
}

#[test]
fn a_store_without_comparison_is_detected() {
    let (seed, what) = check_seeds::<WithoutCompare>(1_000).expect_err("no seed found a violation");
    println!("detected by seed {seed}: {what}");
}
