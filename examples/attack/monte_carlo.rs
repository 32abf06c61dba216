//! Runs years of random guesses against the real verifier, and counts the years in which the
//! attacker gets in.
//!
//! The attacker makes four guesses, which cost no wait. Then the owner's login resets the failure
//! count, but not the budget. This is the fastest way to spend a year's budget. Every year has its
//! own account, secret and random numbers.

use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use countersign::AccountId;

use crate::Failure;
use crate::policies::{Rules, YEAR};
use crate::repeatable_random::RepeatableRandom;
use crate::service::{Outcome, Service};
use crate::strategy::Clocks;
use crate::victim::Victim;

/// Returns the number of years in which a guess was accepted.
pub(crate) fn run(rules: &Rules, years: u32, seed: u64) -> Result<u32, Failure> {
    let next = AtomicU32::new(0);
    let worker = || -> Result<u32, Failure> {
        let mut hits = 0;
        loop {
            let year = next.fetch_add(1, Ordering::Relaxed);
            if year >= years {
                return Ok(hits);
            }
            hits += u32::from(attacker_gets_in(rules, seed, u64::from(year) + 1)?);
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let mut hits = 0;
        for worker in workers {
            hits += worker.join().map_err(|_| "a worker died")??;
        }
        Ok(hits)
    })
}

fn attacker_gets_in(rules: &Rules, seed: u64, year: u64) -> Result<bool, Failure> {
    let service = Service::open(rules, seed, year)?;
    let server = service.server();
    let victim = Victim::enroll(server, AccountId::from(year), 1, false)?;
    let random = RepeatableRandom::new(!seed, year);
    let digits = rules.policy.digits().get();
    let period = rules.policy.period().as_secs();
    let free = rules.policy.backoff().free_failures;
    let mut elapsed = FIRST_GUESS;
    let mut failures = 0;
    while elapsed <= FIRST_GUESS + YEAR {
        service.set(elapsed, Clocks::Right);
        if failures + 1 >= free {
            match victim.log_in(server)? {
                Outcome::Accepted => failures = 0,
                Outcome::RateLimited(wait) => elapsed += wait.as_secs(),
                Outcome::Wrong | Outcome::Locked | Outcome::ClockFault => {
                    return Err("the owner could not sign in".into());
                }
            }
            if failures == 0 {
                // Waits until the used passcode is outside the window. Until then, no guess can
                // match the passcode.
                elapsed += period * u64::from(rules.policy.window().width());
            }
            continue;
        }
        match server.verify(&victim.account, &passcode(&random, digits))? {
            Outcome::Accepted => return Ok(true),
            Outcome::Wrong => failures += 1,
            Outcome::RateLimited(wait) => elapsed += wait.as_secs(),
            Outcome::Locked | Outcome::ClockFault => return Err("the account was locked".into()),
        }
    }
    Ok(false)
}

/// A uniformly random passcode.
fn passcode(random: &RepeatableRandom, digits: u8) -> String {
    let limit = 10_u64.saturating_pow(u32::from(digits));
    // Rejects the remainder of 2^64, which would make small numbers likelier.
    let fair = u64::MAX - u64::MAX % limit;
    let number = std::iter::repeat_with(|| random.next()).find(|number| *number < fair);
    let width = usize::from(digits);
    format!("{:0width$}", number.unwrap_or_default() % limit)
}

/// Seconds after the enrollment, when its passcode is outside every window.
const FIRST_GUESS: u64 = 3600;
