//! Runs every order of the awaits of a few clients, with every fault at each await. The search is
//! depth first: each run repeats the last one with another decision.

use crate::checker::Checker;
use crate::decisions::Decisions;
use crate::operation::{Kept, Operation, Shown};
use crate::stores::Database;
use crate::world::{START, World};
use countersign::Timestamp;
use countersign::conformance::Fault;
use countersign::factor::BackupCodeSetId;
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use std::collections::HashSet;
use std::fmt;
use std::ops::Add;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

/// The bounds of the search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The most faults of one run, including killed callers.
    pub(crate) faults: usize,
    /// Whether other clients run after a call has reached the database and before its caller
    /// continues. The caller shares nothing until its next call, so this adds runs but no new
    /// behaviour.
    pub(crate) every_await: bool,
    /// Whether a run ends at a state that another run has passed: see
    /// [`StateHash`](crate::state_hash::StateHash).
    pub(crate) merge: bool,
}

/// How many runs were explored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Explored {
    /// The runs that reached their end.
    pub(crate) runs: u64,
    /// The runs that ended at a state of another run.
    pub(crate) merged: u64,
}

impl Add for Explored {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            merged: self.merged + other.merged,
        }
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs, and {} merged", self.runs, self.merged)
    }
}

/// The start: an enrolled account with two backup codes and a pending second enrollment.
#[derive(Clone)]
pub(crate) struct StartState {
    checker: Checker,
    stored: StoredRecord,
    now: Timestamp,
}

/// A violation, and everything that happened before.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) explored: Explored,
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (explored, what) = (self.explored, &self.what);
        write!(f, "after {explored}: {what}\n{}", self.trace.join("\n"))
    }
}

type Client = Pin<Box<dyn Future<Output = ()>>>;

/// No run has this many awaits.
const MAX_POLLS: usize = 10_000;

impl StartState {
    /// The authenticators are phones, or both are tokens.
    pub(crate) fn new(token: bool) -> Self {
        Self::with_sets(token, 1)
    }

    /// Another set of codes is pending.
    pub(crate) fn with_pending_codes() -> Self {
        Self::with_sets(false, 2)
    }

    fn with_sets(token: bool, sets: usize) -> Self {
        let world =
            World::<MemoryStore>::new(Decisions::first(), 1, Checker::default(), |_, _| None);
        block_on(async {
            let ask = |operation| world.perform(0, 0, operation);
            let begin = |proof| Operation::Begin {
                replaces: None,
                token,
                proof,
            };
            ask(begin(Shown::Password(START))).await;
            let confirmation = {
                let checker = world.checker.lock().unwrap();
                Operation::Confirm {
                    phone: 0,
                    id: checker.phones[0].enrollment,
                    typed: checker.phones[0].passcode(START, 0),
                }
            };
            ask(confirmation).await;
            let kept = world.checker.lock().unwrap().receipts[0].clone();
            let proof = || reauthenticated(&kept);
            for _ in 0..sets {
                ask(Operation::Issue { proof: proof() }).await;
            }
            ask(begin(proof())).await;
        });
        world.time.advance(Duration::from_secs(60));
        let Ok(stored) = block_on(Store::load(&world.database, &world.account));
        let checker = world.checker.lock().unwrap().clone();
        Self {
            checker,
            stored: stored.unwrap(),
            now: world.now(0),
        }
    }

    pub(crate) fn verify(typed: String) -> Operation {
        Operation::Verify {
            typed,
            request: None,
            device: None,
        }
    }

    /// A login with a form that is sent more than once.
    pub(crate) fn form(typed: String) -> Operation {
        Operation::Verify {
            typed,
            request: Some(1),
            device: None,
        }
    }

    /// What the app shows this many time steps from now, or the token this many counters ahead.
    pub(crate) fn passcode(&self, ahead: i64) -> String {
        self.checker.phones[0].passcode(self.now, ahead)
    }

    /// Four passcodes, from this many time steps from now, or counters ahead.
    pub(crate) fn row(&self, first: i64) -> Operation {
        let typed = (first..first + 4)
            .map(|ahead| self.passcode(ahead))
            .collect();
        Operation::VerifyRow { typed }
    }

    /// The receipt of the first enrollment, and a password check.
    pub(crate) fn receipt(&self) -> Shown {
        reauthenticated(&self.checker.receipts[0])
    }

    /// A code of the current set.
    pub(crate) fn code(&self, number: usize) -> String {
        let (_, codes) = self.checker.sets.iter().min().unwrap();
        codes[number].clone()
    }

    /// A code of the newest set.
    pub(crate) fn newest_code(&self, number: usize) -> String {
        let (_, codes) = self.checker.sets.iter().max().unwrap();
        codes[number].clone()
    }

    /// The newest set of codes: the operation that issued it, and its id.
    pub(crate) fn newest_set(&self) -> (usize, BackupCodeSetId) {
        let of = *self.checker.sets.keys().max().unwrap();
        (of, self.checker.set_ids[&of])
    }

    /// Confirms the second enrollment with the passcode of this many time steps from now, or
    /// counters ahead.
    pub(crate) fn confirmation(&self, ahead: i64) -> Operation {
        let known = &self.checker.phones[1];
        Operation::Confirm {
            phone: 1,
            id: known.enrollment,
            typed: known.passcode(self.now, ahead),
        }
    }

    fn world<D: Database>(
        &self,
        decisions: &Decisions,
        bounds: Bounds,
        checker: Checker,
    ) -> World<D> {
        let left = Arc::new(AtomicUsize::new(bounds.faults));
        let faults_left = Arc::clone(&left);
        let mut world =
            World::<D>::new(decisions.clone(), 2, checker, move |decisions, possible| {
                if possible == [Fault::Landing] {
                    return (decisions.pick(2) == 1).then_some(Fault::Landing);
                }
                let left = faults_left.load(Ordering::Relaxed);
                if left == 0 {
                    return None;
                }
                // The order of the awaits already covers delays.
                let possible = possible.iter().filter(|fault| **fault != Fault::Delay);
                let possible: Vec<_> = possible.collect();
                let fault = decisions.pick(possible.len() + 1).checked_sub(1)?;
                faults_left.store(left - 1, Ordering::Relaxed);
                Some(*possible[fault])
            });
        world.faults_left = left;
        world.time.set(self.now);
        let StoredRecord { record, revision } = &self.stored;
        let summary = Summary::new(true, 2, countersign::KeyId::new(1));
        let write = ConditionalWrite::put(None, *revision, record, WriteKind::Enrolling, summary);
        let created = block_on(Store::compare_and_swap(
            &world.database,
            &world.account,
            write,
        ));
        assert_eq!(created, Ok(WriteResult::Done));
        world
    }
}

fn reauthenticated(kept: &Kept) -> Shown {
    Shown::Receipt {
        kept: kept.clone(),
        altered: false,
        password_checked_at: START,
    }
}

/// Makes all runs of these clients, up to the first violation.
pub(crate) fn explore<D: Database>(
    start_state: &StartState,
    clients: &[Vec<Operation>],
    bounds: Bounds,
) -> Result<Explored, Box<Failure>> {
    let decisions = Decisions::first();
    let mut explored = Explored::default();
    let mut seen = HashSet::new();
    loop {
        let run = |checker, seen| run::<D>(start_state, clients, bounds, &decisions, checker, seen);
        let checker = run(start_state.checker.clone(), &mut seen);
        match checker.map(|checker| checker.violation) {
            None => explored.merged += 1,
            Some(None) => explored.runs += 1,
            Some(Some(what)) => {
                decisions.rewind();
                let mut checker = start_state.checker.clone();
                checker.trace = Some(Vec::new());
                let checker = run(checker, &mut HashSet::new()).unwrap();
                return Err(Box::new(Failure {
                    explored,
                    what,
                    trace: checker.trace.unwrap_or_default(),
                }));
            }
        }
        if !decisions.next() {
            return Ok(explored);
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Poll(usize),
    Kill(usize),
}

fn run<D: Database>(
    start_state: &StartState,
    clients: &[Vec<Operation>],
    bounds: Bounds,
    decisions: &Decisions,
    checker: Checker,
    seen: &mut HashSet<u64>,
) -> Option<Checker> {
    let world = Rc::new(start_state.world::<D>(decisions, bounds, checker));
    let mut context = Context::from_waker(Waker::noop());
    // All clients run to the await before their first call. Until then they share nothing.
    let mut start = |(number, operations): (usize, &Vec<Operation>)| {
        let (world, operations) = (Rc::clone(&world), operations.clone());
        world.checker.lock().unwrap().state_hash.polls(number);
        let mut client: Client = Box::pin(async move {
            for operation in operations {
                world.perform(number + 1, 0, operation).await;
            }
        });
        assert!(client.as_mut().poll(&mut context).is_pending());
        Some(client)
    };
    let mut clients: Vec<Option<Client>> = clients.iter().enumerate().map(&mut start).collect();
    // The client whose call has reached the database and that has not continued yet.
    let mut unaware = None;
    for _ in 0..MAX_POLLS {
        let going_on = |client: &usize| unaware.is_none_or(|only| only == *client);
        let alive = (0..clients.len()).filter(|client| clients[*client].is_some());
        let alive: Vec<usize> = alive.filter(going_on).collect();
        let can_kill = world.faults_left.load(Ordering::Relaxed) > 0;
        let killable = alive.iter().filter(|_| can_kill);
        let steps: Vec<Step> = (alive.iter().copied().map(Step::Poll))
            .chain(killable.copied().map(Step::Kill))
            .collect();
        if steps.is_empty() {
            world.close();
            return Some(std::mem::take(&mut world.checker.lock().unwrap()));
        }
        if bounds.merge && decisions.is_fresh() {
            let left = world.faults_left.load(Ordering::Relaxed);
            let state_hash = &world.checker.lock().unwrap().state_hash;
            if !seen.insert(state_hash.sum((left, unaware, &alive))) {
                return None;
            }
        }
        unaware = None;
        match steps[decisions.pick(steps.len())] {
            Step::Kill(client) => {
                world.faults_left.fetch_sub(1, Ordering::Relaxed);
                clients[client] = None;
                let mut checker = world.checker.lock().unwrap();
                checker.state_hash.polls(client);
                checker.state_hash.sees("killed");
                checker.killed(client + 1);
            }
            Step::Poll(client) => {
                world.checker.lock().unwrap().state_hash.polls(client);
                let future = clients[client].as_mut().unwrap();
                if future.as_mut().poll(&mut context).is_ready() {
                    clients[client] = None;
                } else if !bounds.every_await && world.checker.lock().unwrap().has_acted {
                    unaware = Some(client);
                }
            }
        }
        if world.checker.lock().unwrap().violation.is_some() {
            break;
        }
    }
    let mut checker = std::mem::take(&mut *world.checker.lock().unwrap());
    checker.violated("a client never finishes");
    Some(checker)
}
