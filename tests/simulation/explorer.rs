//! Every order there is of the awaits of a few clients, and every fault at each of them: depth first, by repeating the
//! run with another choice.

use crate::books::Books;
use crate::choices::Choices;
use crate::operation::{Kept, Operation, Shown};
use crate::stores::Database;
use crate::world::{START, World};
use countersign::Timestamp;
use countersign::conformance::Fault;
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

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The faults of one run, killed callers among them.
    pub(crate) faults: usize,
    /// Whether others may go on right after a call has acted on the database, before its caller knows. What a caller
    /// does then touches nothing that is shared, until it calls again: so this gives more runs, and no others.
    pub(crate) every_await: bool,
    /// Whether a run ends where it comes to what another one has been through: see [`Tracks`](crate::tracks::Tracks).
    pub(crate) merge: bool,
}

/// What was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Explored {
    /// The runs that went to their end.
    pub(crate) runs: u64,
    /// Those that came to what another one has been through.
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

/// An account to begin with: enrolled, with two backup codes and a second enrollment under way.
#[derive(Clone)]
pub(crate) struct Beginning {
    books: Books,
    stored: StoredRecord,
    now: Timestamp,
}

/// What went wrong, and all that happened before.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) explored: Explored,
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (explored, what) = (self.explored, &self.what);
        write!(f, "after {explored}: {what}\n{}", self.trace.join("\n"))
    }
}

type Client = Pin<Box<dyn Future<Output = ()>>>;

/// More awaits than a run has.
const MOST_POLLS: usize = 10_000;

impl Beginning {
    pub(crate) fn new() -> Self {
        let world = World::<MemoryStore>::new(Choices::first(), 1, Books::default(), |_, _| None);
        block_on(async {
            let ask = |operation| world.perform(0, 0, operation);
            let begin = |proof| Operation::Begin {
                replaces: None,
                proof,
            };
            ask(begin(Shown::Password(START))).await;
            let confirmation = {
                let books = world.books.lock().unwrap();
                Operation::Confirm {
                    phone: 0,
                    id: books.phones[0].enrollment,
                    typed: books.phones[0].phone.passcode(START),
                }
            };
            ask(confirmation).await;
            let kept = world.books.lock().unwrap().receipts[0].clone();
            let proof = || reauthenticated(&kept);
            ask(Operation::Issue { proof: proof() }).await;
            ask(begin(proof())).await;
        });
        world.time.advance(Duration::from_secs(60));
        let Ok(stored) = block_on(Store::load(&world.database, &world.account));
        let books = world.books.lock().unwrap().clone();
        Self {
            books,
            stored: stored.unwrap(),
            now: world.now(0),
        }
    }

    pub(crate) fn verify(typed: String) -> Operation {
        Operation::Verify { typed }
    }

    /// What the app shows so many steps from now.
    pub(crate) fn passcode(&self, steps: u64) -> String {
        let at = self.now.saturating_add(30 * steps);
        self.books.phones[0].phone.passcode(at)
    }

    /// The receipt of the first enrollment, and a password.
    pub(crate) fn receipt(&self) -> Shown {
        reauthenticated(&self.books.receipts[0])
    }

    pub(crate) fn code(&self, number: usize) -> String {
        self.books.sets.values().next().unwrap()[number].clone()
    }

    /// Confirms the second enrollment, by what its app shows so many steps from now.
    pub(crate) fn confirmation(&self, steps: u64) -> Operation {
        let known = &self.books.phones[1];
        Operation::Confirm {
            phone: 1,
            id: known.enrollment,
            typed: known.phone.passcode(self.now.saturating_add(30 * steps)),
        }
    }

    fn world<D: Database>(&self, choices: &Choices, bounds: Bounds, books: Books) -> World<D> {
        let left = Arc::new(AtomicUsize::new(bounds.faults));
        let faults_left = Arc::clone(&left);
        let mut world = World::<D>::new(choices.clone(), 2, books, move |choices, possible| {
            if possible == [Fault::Landing] {
                return (choices.pick(2) == 1).then_some(Fault::Landing);
            }
            let left = faults_left.load(Ordering::Relaxed);
            if left == 0 {
                return None;
            }
            // Delays are what the order of the awaits is for.
            let possible = possible.iter().filter(|fault| **fault != Fault::Delay);
            let possible: Vec<_> = possible.collect();
            let fault = choices.pick(possible.len() + 1).checked_sub(1)?;
            faults_left.store(left - 1, Ordering::Relaxed);
            Some(*possible[fault])
        });
        world.faults_left = left;
        world.time.set(self.now);
        let StoredRecord { record, revision } = &self.stored;
        let summary = Summary::new(true, 2, countersign::KeyId::new(1));
        let swap = ConditionalWrite::put(None, *revision, record, WriteKind::Enrolling, summary);
        let created = block_on(Store::compare_and_swap(
            &world.database,
            &world.account,
            swap,
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

/// Goes through all runs of these clients, or to the first in which something does not fit.
pub(crate) fn explore<D: Database>(
    beginning: &Beginning,
    clients: &[Vec<Operation>],
    bounds: Bounds,
) -> Result<Explored, Box<Broken>> {
    let choices = Choices::first();
    let mut explored = Explored::default();
    let mut been = HashSet::new();
    loop {
        let run = |books, been| run::<D>(beginning, clients, bounds, &choices, books, been);
        let books = run(beginning.books.clone(), &mut been);
        match books.map(|books| books.violation) {
            None => explored.merged += 1,
            Some(None) => explored.runs += 1,
            Some(Some(what)) => {
                choices.rewind();
                let mut books = beginning.books.clone();
                books.trace = Some(Vec::new());
                let books = run(books, &mut HashSet::new()).unwrap();
                return Err(Box::new(Broken {
                    explored,
                    what,
                    trace: books.trace.unwrap_or_default(),
                }));
            }
        }
        if !choices.next() {
            return Ok(explored);
        }
    }
}

#[derive(Clone, Copy)]
enum Way {
    Poll(usize),
    Kill(usize),
}

fn run<D: Database>(
    beginning: &Beginning,
    clients: &[Vec<Operation>],
    bounds: Bounds,
    choices: &Choices,
    books: Books,
    been: &mut HashSet<u64>,
) -> Option<Books> {
    let world = Rc::new(beginning.world::<D>(choices, bounds, books));
    let mut context = Context::from_waker(Waker::noop());
    // All come as far as the await before their first call, where nothing is shared yet.
    let mut start = |(number, operations): (usize, &Vec<Operation>)| {
        let (world, operations) = (Rc::clone(&world), operations.clone());
        world.books.lock().unwrap().tracks.polls(number);
        let mut client: Client = Box::pin(async move {
            for operation in operations {
                world.perform(number + 1, 0, operation).await;
            }
        });
        assert!(client.as_mut().poll(&mut context).is_pending());
        Some(client)
    };
    let mut clients: Vec<Option<Client>> = clients.iter().enumerate().map(&mut start).collect();
    // The client whose call has acted, and who does not know it yet.
    let mut unaware = None;
    for _ in 0..MOST_POLLS {
        let going_on = |client: &usize| unaware.is_none_or(|only| only == *client);
        let alive = (0..clients.len()).filter(|client| clients[*client].is_some());
        let alive: Vec<usize> = alive.filter(going_on).collect();
        let can_kill = world.faults_left.load(Ordering::Relaxed) > 0;
        let killable = alive.iter().filter(|_| can_kill);
        let ways: Vec<Way> = (alive.iter().copied().map(Way::Poll))
            .chain(killable.copied().map(Way::Kill))
            .collect();
        if ways.is_empty() {
            world.close();
            return Some(std::mem::take(&mut world.books.lock().unwrap()));
        }
        if bounds.merge && choices.is_fresh() {
            let left = world.faults_left.load(Ordering::Relaxed);
            let tracks = &world.books.lock().unwrap().tracks;
            if !been.insert(tracks.sum((left, unaware, &alive))) {
                return None;
            }
        }
        unaware = None;
        match ways[choices.pick(ways.len())] {
            Way::Kill(client) => {
                world.faults_left.fetch_sub(1, Ordering::Relaxed);
                clients[client] = None;
                let mut books = world.books.lock().unwrap();
                books.tracks.polls(client);
                books.tracks.sees("killed");
                books.killed(client + 1);
            }
            Way::Poll(client) => {
                world.books.lock().unwrap().tracks.polls(client);
                let future = clients[client].as_mut().unwrap();
                if future.as_mut().poll(&mut context).is_ready() {
                    clients[client] = None;
                } else if !bounds.every_await && world.books.lock().unwrap().has_acted {
                    unaware = Some(client);
                }
            }
        }
        if world.books.lock().unwrap().violation.is_some() {
            break;
        }
    }
    let mut books = std::mem::take(&mut *world.books.lock().unwrap());
    books.violated("a client never comes to its end");
    Some(books)
}
