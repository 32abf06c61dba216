//! The whole life of an account, drawn from a seed.

use crate::books::Books;
use crate::choices::Choices;
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

/// What a life is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// One store call in so many meets a fault; 0: none.
    pub(crate) faults: usize,
    /// At one await in so many the caller is killed.
    pub(crate) kills: usize,
    /// At one await in so many a machine's clock jumps.
    pub(crate) jumps: usize,
    /// At one await in so many a machine goes on with the change of keys.
    pub(crate) keys: usize,
    /// After one write in so many its caller hears of it only when the others have gone on.
    stalls: usize,
    pub(crate) mode: Mode,
}

/// What the clients are after.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Mixed,
    Guessing,
    Changes,
    /// The keys of the records are changed meanwhile.
    Keys,
    /// Many write much, some are slow, and many answers are lost.
    Crowd,
    /// All have the same code.
    DoubleSpend,
    /// Enrollments are begun and codes are issued as often as may be, and more often.
    Limits,
}

type Future = Pin<Box<dyn std::future::Future<Output = ()>>>;

/// More awaits than a life has.
const MOST_POLLS: usize = 20_000;

/// Enough for some ten writes of others.
const STALL: usize = 150;

/// Lives one life, and gives the books, balanced.
pub(crate) fn live<D: Database>(seed: u64, books: Books) -> Books {
    let choices = Choices::seeded(seed);
    let weather = Weather::draw(&choices);
    let outage = AtomicUsize::new(0);
    let world = World::<D>::new(choices.clone(), seed, books, move |choices, possible| {
        weather.fault(choices, possible, &outage)
    });
    let world = Rc::new(world);
    world.note(|| format!("{weather:?}"));
    world.set_machines_apart();

    let founder = Client::new(0, 1);
    run(&world, weather, vec![founder], |world, _| {
        Box::pin(found(world))
    });
    world
        .time
        .advance(Duration::from_secs(30 + choices.pick(60) as u64));

    let clients = 2 + choices.pick(7);
    let most = match weather.mode {
        Mode::Guessing | Mode::Keys => 9,
        Mode::Limits => 14,
        Mode::Crowd => 20,
        Mode::DoubleSpend => 3,
        Mode::Mixed | Mode::Changes => 6,
    };
    let clients = (1..=clients).map(|number| Client::new(number, 1 + choices.pick(most)));
    let code = world.code_for_all(weather.mode);
    run(&world, weather, clients.collect(), |world, client| {
        let (number, left) = (client.number, Rc::clone(&client.left));
        Box::pin(use_account(world, number, left, weather.mode, code.clone()))
    });
    world.close();
    let mut books = world.books.lock().unwrap();
    std::mem::take(&mut *books)
}

impl Weather {
    fn draw(choices: &Choices) -> Self {
        let mode = match choices.pick(22) {
            0..7 => Mode::Mixed,
            7..11 => Mode::Guessing,
            11..15 => Mode::Changes,
            15..17 => Mode::Keys,
            17..19 => Mode::DoubleSpend,
            19..21 => Mode::Limits,
            _ => Mode::Crowd,
        };
        let pick = |ways: &[usize]| *choices.one_of(ways).unwrap();
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

impl Weather {
    /// What goes wrong in a call. In an outage several writes in a row are late.
    fn fault(self, choices: &Choices, possible: &[Fault], outage: &AtomicUsize) -> Option<Fault> {
        if possible == [Fault::Landing] {
            return choices.one_in(4).then_some(Fault::Landing);
        }
        let is_write = possible.contains(&Fault::LandLate);
        let calls = outage.load(Ordering::Relaxed);
        if is_write && calls > 0 {
            outage.store(calls - 1, Ordering::Relaxed);
            return Some(Fault::LandLate);
        }
        if is_write && matches!(self.mode, Mode::Crowd) && choices.one_in(4) {
            return Some(Fault::FailAfter);
        }
        if !choices.one_in(self.faults) {
            return None;
        }
        if is_write && choices.one_in(6) {
            outage.store(2, Ordering::Relaxed);
            return Some(Fault::LandLate);
        }
        choices.one_of(possible).copied()
    }
}

/// A person who asks for so many things in a row.
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

/// Polls the clients in an order that is drawn, and lets happen in between what can.
fn run<D: Database>(
    world: &Rc<World<D>>,
    weather: Weather,
    mut clients: Vec<Client>,
    start: impl Fn(Rc<World<D>>, &Client) -> Future,
) {
    let choices = &world.choices;
    let mut context = Context::from_waker(Waker::noop());
    // Who is stalled, and for how many polls of the others.
    let mut stalled = (0_usize, 0_usize);
    for _ in 0..MOST_POLLS {
        if clients.is_empty() || world.books.lock().unwrap().violation.is_some() {
            return;
        }
        world.pass_time(weather);
        let place = choices.pick(clients.len());
        stalled.1 = stalled.1.saturating_sub(1);
        if clients.len() > 1 && stalled.0 == clients[place].number && stalled.1 > 0 {
            continue;
        }
        let client = &mut clients[place];
        if client.future.is_some() && choices.one_in(weather.kills) {
            client.future = None;
            world.books.lock().unwrap().killed(client.number);
        }
        if client.future.is_none() {
            client.future = Some(start(Rc::clone(world), client));
        }
        let writes = world.books.lock().unwrap().writes;
        let ready = client
            .future
            .as_mut()
            .is_some_and(|future| future.as_mut().poll(&mut context).is_ready());
        let wrote = world.books.lock().unwrap().writes > writes;
        if wrote && choices.one_in(weather.stalls) {
            stalled = (client.number, STALL);
        }
        if ready {
            clients.swap_remove(place);
        }
    }
    world
        .books
        .lock()
        .unwrap()
        .violated("a client never comes to its end");
}

/// Enrolls, as long as it takes, and asks for backup codes.
async fn found<D: Database>(world: Rc<World<D>>) {
    for _ in 0..4 {
        let machine = world.choices.pick(2);
        let proof = Shown::Password(world.now(machine));
        let begin = Operation::Begin {
            replaces: None,
            proof,
        };
        world.perform(0, machine, begin).await;
        if let Some(confirm) = world.confirmation(machine, true) {
            world.perform(0, machine, confirm).await;
        }
        if world.is_enabled() {
            break;
        }
    }
    if world.choices.pick(4) > 0 {
        let machine = world.choices.pick(2);
        let proof = world.receipt(machine);
        if let Some(proof) = proof {
            let issue = Operation::Issue { proof };
            world.perform(0, machine, issue).await;
        }
    }
}

async fn use_account<D: Database>(
    world: Rc<World<D>>,
    number: usize,
    left: Rc<Cell<usize>>,
    mode: Mode,
    code: Option<String>,
) {
    while left.get() > 0 {
        left.set(left.get() - 1);
        let machine = world.choices.pick(2);
        let operation = match &code {
            Some(typed) => Operation::Verify {
                typed: typed.clone(),
            },
            None => world.operation(mode, machine),
        };
        world.perform(number, machine, operation).await;
    }
}
