//! Years of random guesses on the real verifier: in how many of them does the attacker get in?
//!
//! The attacker makes four guesses, which cost no wait, and the owner's login makes them be forgotten, but for the budget:
//! the fastest way to spend a year's budget. Every year has an account, a secret and dice of its own.

use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use countersign::AccountId;

use crate::Failure;
use crate::policies::{Rules, YEAR};
use crate::repeatable_random::RepeatableRandom;
use crate::service::{Service, Verdict};
use crate::strategy::Clocks;
use crate::victim::Victim;

/// The number of years in which a guess was accepted.
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
    let machine = service.machine();
    let victim = Victim::enroll(machine, AccountId::from(year), 1, false)?;
    let random = RepeatableRandom::new(!seed, year);
    let digits = rules.policy.digits().get();
    let period = rules.policy.period().as_secs();
    let (free, ..) = rules.policy.waits();
    let mut elapsed = BEGIN;
    let mut row = 0;
    while elapsed <= BEGIN + YEAR {
        service.set(elapsed, Clocks::Right);
        if row + 1 >= free {
            match victim.log_in(machine)? {
                Verdict::Accepted => row = 0,
                Verdict::HeldOff(wait) => elapsed += wait.as_secs(),
                Verdict::Wrong | Verdict::Locked | Verdict::ClockFault => {
                    return Err("the owner was not let in".into());
                }
            }
            if row == 0 {
                // Until the passcode that was used is out of the window: it would be one less to hit.
                elapsed += period * u64::from(rules.policy.window().width());
            }
            continue;
        }
        match machine.verify(&victim.account, &passcode(&random, digits))? {
            Verdict::Accepted => return Ok(true),
            Verdict::Wrong => row += 1,
            Verdict::HeldOff(wait) => elapsed += wait.as_secs(),
            Verdict::Locked | Verdict::ClockFault => return Err("the account was locked".into()),
        }
    }
    Ok(false)
}

/// Uniform among all passcodes of so many digits.
fn passcode(random: &RepeatableRandom, digits: u8) -> String {
    let limit = 10_u64.saturating_pow(u32::from(digits));
    // The remainder of 2^64 would make small numbers likelier: draw again.
    let fair = u64::MAX - u64::MAX % limit;
    let number = std::iter::repeat_with(|| random.next()).find(|number| *number < fair);
    let width = usize::from(digits);
    format!("{:0width$}", number.unwrap_or_default() % limit)
}

/// After the enrollment, when its passcode is out of every window.
const BEGIN: u64 = 3600;
