//! Many lives, spread over the processors.

use crate::books::Books;
use crate::coverage::Coverage;
use crate::life::live;
use crate::stores::{Database, WithoutCompare};
use countersign::store::MemoryStore;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// In a debug build, what takes some ten seconds.
const SCHEDULES: u64 = if cfg!(debug_assertions) {
    4_000
} else {
    50_000
};

/// What must come about at least once in so many lives: a quarter of what is usual, or less.
const EVENTS: &[(&str, u64)] = &[
    ("accepted: backup code", 50),
    ("accepted: confirmation", 5),
    ("accepted: passcode", 10),
    ("asked: begin an enrollment", 2),
    ("asked: confirm an enrollment", 2),
    ("asked: disable", 5),
    ("asked: erase", 50),
    ("asked: force_disable", 50),
    ("asked: issue codes", 5),
    ("asked: remove an authenticator", 10),
    ("asked: reseal", 5),
    ("asked: status", 20),
    ("asked: unlock", 20),
    ("asked: verify", 1),
    ("clock: a year ahead", 20),
    ("clock: a year back", 20),
    ("clock: machines ten minutes apart", 20),
    ("clock: ten minutes ahead", 20),
    ("clock: ten minutes back", 20),
    ("fault: a late write lands", 5),
    ("fault: delay", 2),
    ("fault: duplicate", 20),
    ("fault: failed after", 20),
    ("fault: failed before", 2),
    ("fault: late", 5),
    ("keys: the new one is added", 10),
    ("keys: the new one is the primary", 10),
    ("keys: the old one is dropped", 50),
    ("in the end: a backup code is accepted", 15),
    ("in the end: the old set is good after half an issue", 500),
    ("killed in mid-operation", 5),
    ("killed or in doubt between the writes of an issue", 100),
    ("landed after its caller was gone", 50),
    ("resealed", 100),
    ("told: absent", 10),
    ("told: accepted", 5),
    ("told: backup code used", 50),
    ("told: budget spent", 20),
    ("told: clock fault", 10),
    ("told: disabled", 5),
    ("told: done", 1),
    ("told: effect unknown", 10),
    ("told: enrollment expired", 100),
    ("told: enrollment superseded", 50),
    ("told: foreign receipt", 100),
    ("told: issue expired", 500),
    ("told: locked", 10),
    ("told: malformed", 60),
    ("told: no enrollment", 5),
    ("told: proof expired", 10),
    ("told: proof too weak", 20),
    ("told: replayed", 20),
    ("told: the store failed", 5),
    ("told: too many authenticators", 500),
    ("told: too many enrollments", 100),
    ("told: too many issues", 50),
    ("told: unknown authenticator", 20),
    ("told after eight writes of others", 100),
    ("told: waiting", 2),
    ("told: wrong code", 2),
    ("told: wrong confirmation", 50),
    ("used up without an answer, by a caller in doubt", 50),
];

/// The seed of a life in which something did not fit, and what.
type Broken = (u64, String);

pub(crate) fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect(variable))
}

fn live_once<D: Database>(seed: u64, books: Books) -> Result<Coverage, String> {
    let books = catch_unwind(AssertUnwindSafe(|| live::<D>(seed, books)));
    let books = books.map_err(|_| "a panic".to_string())?;
    match books.violation {
        None => Ok(books.coverage),
        Some(what) => Err(what),
    }
}

fn trace<D: Database>(seed: u64) -> String {
    let books = live::<D>(seed, Books::traced());
    books.trace.unwrap_or_default().join("\n")
}

/// Lives so many lives, the first of which breaks ends it.
fn live_many<D: Database>(schedules: u64) -> Result<Coverage, Broken> {
    let next = AtomicU64::new(0);
    let all = Mutex::new(Coverage::default());
    let broken = Mutex::new(None::<Broken>);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut books = Books::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= schedules || broken.lock().unwrap().is_some() {
                        break;
                    }
                    match live_once::<D>(seed, books) {
                        Ok(coverage) => {
                            books = Books::counting(coverage);
                            books.coverage.count("schedules");
                        }
                        Err(what) => {
                            let mut broken = broken.lock().unwrap();
                            let earlier = broken.as_ref().is_some_and(|(other, _)| *other < seed);
                            if !earlier {
                                *broken = Some((seed, what));
                            }
                            return;
                        }
                    }
                }
                all.lock().unwrap().merge(&books.coverage);
            });
        }
    });
    match broken.into_inner().unwrap() {
        Some(broken) => Err(broken),
        None => Ok(all.into_inner().unwrap()),
    }
}

#[test]
fn whole_lives_keep_the_promise() {
    if let Some(seed) = number("COUNTERSIGN_SEED") {
        println!("{}", trace::<MemoryStore>(seed));
        if let Err(what) = live_once::<MemoryStore>(seed, Books::default()) {
            panic!("seed {seed}: {what}");
        }
        return;
    }
    let schedules = number("COUNTERSIGN_SCHEDULES").unwrap_or(SCHEDULES);
    let begun = Instant::now();
    match live_many::<MemoryStore>(schedules) {
        Ok(coverage) => {
            println!(
                "{coverage}\n{schedules} schedules in {:.1?}",
                begun.elapsed()
            );
            for (event, lives) in EVENTS {
                let count = coverage.of(event);
                assert!(count >= schedules / lives, "{event}: only {count}");
            }
        }
        Err((seed, what)) => {
            println!("{}", trace::<MemoryStore>(seed));
            panic!("COUNTERSIGN_SEED={seed}: {what}");
        }
    }
}

#[test]
fn a_database_that_does_not_compare_is_found_out() {
    let (seed, what) = live_many::<WithoutCompare>(1_000).expect_err("it was not found out");
    println!("found out by seed {seed}: {what}");
}
