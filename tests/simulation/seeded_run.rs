//! One run: a whole account, with random operations and faults from a seed.

use crate::checker::Checker;
use crate::decisions::Decisions;
use crate::operation::{Operation, Shown};
use crate::stores::Database;
use crate::world::World;
use countersign::conformance::Fault;
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

/// The settings of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// One store call in this many has a fault. 0 means none.
    pub(crate) faults: usize,
    /// At one await in this many, the caller is killed.
    pub(crate) kills: usize,
    /// At one await in this many, a server's clock jumps.
    pub(crate) jumps: usize,
    /// At one await in this many, a server takes the next step of the key rotation.
    pub(crate) keys: usize,
    /// After one write in this many, the other clients run before the caller continues.
    stalls: usize,
    pub(crate) mode: Mode,
}

/// What the clients do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Mixed,
    Guessing,
    Changes,
    /// The keys rotate meanwhile.
    Keys,
    /// Many clients write often, some are slow, and many answers are lost.
    Crowd,
    /// All clients use the same code.
    DoubleSpend,
    /// Enrollments and code sets reach their limits.
    Limits,
}

type Future = Pin<Box<dyn std::future::Future<Output = ()>>>;

/// No run has this many awaits.
const MAX_POLLS: usize = 20_000;

/// Enough polls for about ten writes of other clients.
const STALL: usize = 150;

/// Runs one seed and returns the checker with the result.
pub(crate) fn run_seed<D: Database>(seed: u64, checker: Checker) -> Checker {
    let decisions = Decisions::seeded(seed);
    let settings = Settings::random(&decisions);
    let outage = AtomicUsize::new(0);
    let world = World::<D>::new(
        decisions.clone(),
        seed,
        checker,
        move |decisions, possible| settings.fault(decisions, possible, &outage),
    );
    let world = Rc::new(world);
    world.note(|| format!("{settings:?}"));
    world.set_clocks_apart();

    let owner = Client::new(0, 1);
    run(&world, settings, vec![owner], |world, _| {
        Box::pin(enroll(world))
    });
    world
        .time
        .advance(Duration::from_secs(30 + decisions.pick(60) as u64));

    let clients = 2 + decisions.pick(7);
    let most = match settings.mode {
        Mode::Guessing | Mode::Keys => 9,
        Mode::Limits => 14,
        Mode::Crowd => 20,
        Mode::DoubleSpend => 3,
        Mode::Mixed | Mode::Changes => 6,
    };
    let clients = (1..=clients).map(|number| Client::new(number, 1 + decisions.pick(most)));
    let code = world.code_for_all(settings.mode);
    run(&world, settings, clients.collect(), |world, client| {
        let (number, left) = (client.number, Rc::clone(&client.left));
        Box::pin(use_account(
            world,
            number,
            left,
            settings.mode,
            code.clone(),
        ))
    });
    world.close();
    let mut checker = world.checker.lock().unwrap();
    std::mem::take(&mut *checker)
}

impl Settings {
    fn random(decisions: &Decisions) -> Self {
        let mode = match decisions.pick(22) {
            0..7 => Mode::Mixed,
            7..11 => Mode::Guessing,
            11..15 => Mode::Changes,
            15..17 => Mode::Keys,
            17..19 => Mode::DoubleSpend,
            19..21 => Mode::Limits,
            _ => Mode::Crowd,
        };
        let pick = |ways: &[usize]| *decisions.one_of(ways).unwrap();
        Self {
            faults: pick(&[0, 3, 8, 20, 20]),
            kills: pick(&[0, 0, 30, 100]),
            jumps: pick(&[0, 0, 25, 80]),
            keys: match mode {
                Mode::Keys => 5,
                _ => pick(&[0, 0, 15]),
            },
            stalls: match mode {
                Mode::Crowd => 4,
                _ => pick(&[0, 0, 20]),
            },
            mode,
        }
    }
}

impl Settings {
    /// The fault of a call. In an outage, several writes in a row are late.
    fn fault(
        self,
        decisions: &Decisions,
        possible: &[Fault],
        outage: &AtomicUsize,
    ) -> Option<Fault> {
        if possible == [Fault::Landing] {
            return decisions.one_in(4).then_some(Fault::Landing);
        }
        let is_write = possible.contains(&Fault::LandLate);
        let calls = outage.load(Ordering::Relaxed);
        if is_write && calls > 0 {
            outage.store(calls - 1, Ordering::Relaxed);
            return Some(Fault::LandLate);
        }
        if is_write && matches!(self.mode, Mode::Crowd) && decisions.one_in(4) {
            return Some(Fault::FailAfter);
        }
        if !decisions.one_in(self.faults) {
            return None;
        }
        if is_write && decisions.one_in(6) {
            outage.store(2, Ordering::Relaxed);
            return Some(Fault::LandLate);
        }
        decisions.one_of(possible).copied()
    }
}

/// A client that asks for this many operations in a row.
struct Client {
    number: usize,
    left: Rc<Cell<usize>>,
    future: Option<Future>,
}

impl Client {
    fn new(number: usize, operations: usize) -> Self {
        Self {
            number,
            left: Rc::new(Cell::new(operations)),
            future: None,
        }
    }
}

/// Polls the clients in a random order. Between two polls, time passes and keys rotate.
fn run<D: Database>(
    world: &Rc<World<D>>,
    settings: Settings,
    mut clients: Vec<Client>,
    start: impl Fn(Rc<World<D>>, &Client) -> Future,
) {
    let decisions = &world.decisions;
    let mut context = Context::from_waker(Waker::noop());
    // The stalled client, and for how many more polls it stalls.
    let mut stalled = (0_usize, 0_usize);
    for _ in 0..MAX_POLLS {
        if clients.is_empty() || world.checker.lock().unwrap().violation.is_some() {
            return;
        }
        world.pass_time(settings);
        let place = decisions.pick(clients.len());
        stalled.1 = stalled.1.saturating_sub(1);
        if clients.len() > 1 && stalled.0 == clients[place].number && stalled.1 > 0 {
            continue;
        }
        let client = &mut clients[place];
        if client.future.is_some() && decisions.one_in(settings.kills) {
            client.future = None;
            world.checker.lock().unwrap().killed(client.number);
        }
        if client.future.is_none() {
            client.future = Some(start(Rc::clone(world), client));
        }
        let writes = world.checker.lock().unwrap().writes;
        let ready = client
            .future
            .as_mut()
            .is_some_and(|future| future.as_mut().poll(&mut context).is_ready());
        let wrote = world.checker.lock().unwrap().writes > writes;
        if wrote && decisions.one_in(settings.stalls) {
            stalled = (client.number, STALL);
        }
        if ready {
            clients.swap_remove(place);
        }
    }
    world
        .checker
        .lock()
        .unwrap()
        .violated("a client never finishes");
}

/// Tries to enroll, and asks for backup codes.
async fn enroll<D: Database>(world: Rc<World<D>>) {
    for _ in 0..4 {
        let server = world.decisions.pick(2);
        let proof = Shown::Password(world.now(server));
        let begin = Operation::Begin {
            replaces: None,
            token: world.decisions.pick(3) == 0,
            proof,
        };
        world.perform(0, server, begin).await;
        if let Some(confirm) = world.confirmation(server, true) {
            world.perform(0, server, confirm).await;
        }
        if world.is_enabled() {
            break;
        }
    }
    if world.decisions.pick(4) > 0 {
        let server = world.decisions.pick(2);
        let proof = world.receipt(server);
        if let Some(proof) = proof {
            let issue = Operation::Issue { proof };
            world.perform(0, server, issue).await;
        }
    }
}

async fn use_account<D: Database>(
    world: Rc<World<D>>,
    number: usize,
    left: Rc<Cell<usize>>,
    mode: Mode,
    code: Option<(String, Option<u8>)>,
) {
    while left.get() > 0 {
        left.set(left.get() - 1);
        let server = world.decisions.pick(2);
        let operation = match &code {
            Some((typed, request)) => Operation::Verify {
                typed: typed.clone(),
                request: *request,
                device: None,
            },
            None => world.operation(mode, server),
        };
        world.perform(number, server, operation).await;
    }
}
