//! A few concurrent operations in every order.

use crate::explorer::{Bounds, Explored, StartState, explore};
use crate::operation::{Operation, Shown};
use crate::seeds::number;
use crate::stores::WithoutCompare;
use countersign::store::MemoryStore;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// How many runs a scenario has. A backup code needs two writes, so its runs have more orders.
#[derive(Clone, Copy, PartialEq)]
enum Cost {
    Low,
    Middle,
    High,
}

/// Two clients with two operations each, and three clients with one operation each.
struct Scenario {
    name: &'static str,
    /// Whether the authenticators are tokens.
    token: bool,
    /// Whether another set of backup codes is pending.
    pending_codes: bool,
    cost: Cost,
    two: [Vec<Operation>; 2],
    three: [Vec<Operation>; 3],
}

/// All scenarios with phones, and those with few runs with tokens.
fn scenarios() -> Vec<Scenario> {
    let with = |token| scenarios_from(&StartState::new(token), token);
    let tokens = with(true).into_iter();
    let tokens = tokens.filter(|scenario| scenario.cost == Cost::Low);
    let pending = pending_scenarios(&StartState::with_pending_codes());
    let all = with(false).into_iter().chain(tokens);
    all.chain(pending).collect()
}

/// Two sets of backup codes are valid.
fn pending_scenarios(at: &StartState) -> [Scenario; 2] {
    let old = |number| StartState::verify(at.code(number));
    let new = |number| StartState::verify(at.newest_code(number));
    let (of, set) = at.newest_set();
    let confirm = || Operation::ConfirmSaved { of, set };
    let discard = || Operation::Discard { of, set };
    let issue = || Operation::Issue {
        proof: at.receipt(),
    };
    [
        Scenario {
            name: "new codes saved while codes are used",
            token: false,
            pending_codes: true,
            cost: Cost::High,
            two: [vec![confirm(), new(0)], vec![old(0), confirm()]],
            three: [vec![confirm()], vec![old(0)], vec![new(0)]],
        },
        Scenario {
            name: "new codes discarded or replaced",
            token: false,
            pending_codes: true,
            cost: Cost::Middle,
            two: [vec![discard(), confirm()], vec![confirm(), issue()]],
            three: [vec![discard()], vec![confirm()], vec![issue()]],
        },
    ]
}

fn scenarios_from(at: &StartState, token: bool) -> Vec<Scenario> {
    let passcode = |steps| StartState::verify(at.passcode(steps));
    let row = |first| at.row(first);
    let code = |number| StartState::verify(at.code(number));
    let wrong = || StartState::verify("000000".into());
    let form = || StartState::form(at.passcode(0));
    let code_form = || StartState::form(at.code(0));
    let wrong_form = || StartState::form("000000".into());
    let shown = |steps| Shown::Typed(at.passcode(steps));
    let issue = |steps| Operation::Issue {
        proof: shown(steps),
    };
    let disable = |steps| Operation::Disable {
        proof: shown(steps),
    };
    let again = || Operation::Issue {
        proof: at.receipt(),
    };
    let confirm = || at.confirmation(0);
    vec![
        Scenario {
            name: "one passcode",
            token,
            pending_codes: false,
            cost: Cost::Low,
            two: [
                vec![passcode(0), passcode(1)],
                vec![passcode(0), passcode(1)],
            ],
            three: [vec![passcode(0)], vec![passcode(0)], vec![passcode(0)]],
        },
        Scenario {
            name: "a wrong passcode and a right one",
            token,
            pending_codes: false,
            cost: Cost::Low,
            two: [vec![wrong(), passcode(0)], vec![passcode(0), wrong()]],
            three: [vec![wrong()], vec![passcode(0)], vec![wrong()]],
        },
        Scenario {
            name: "one row of passcodes",
            token,
            pending_codes: false,
            cost: Cost::Low,
            two: [vec![row(0), row(1)], vec![row(0), passcode(0)]],
            three: [vec![row(0)], vec![row(0)], vec![passcode(0)]],
        },
        Scenario {
            name: "one backup code",
            token,
            pending_codes: false,
            cost: Cost::High,
            two: [vec![code(0), code(1)], vec![code(0), passcode(0)]],
            three: [vec![code(0)], vec![code(0)], vec![code(0)]],
        },
        Scenario {
            name: "one form with a passcode",
            token,
            pending_codes: false,
            cost: Cost::Low,
            two: [vec![form(), form()], vec![form(), wrong_form()]],
            three: [vec![form()], vec![form()], vec![form()]],
        },
        Scenario {
            name: "one form with a backup code",
            token,
            pending_codes: false,
            cost: Cost::High,
            two: [vec![code_form(), code_form()], vec![code_form(), code(0)]],
            three: [vec![code_form()], vec![code_form()], vec![code_form()]],
        },
        Scenario {
            name: "one enrollment confirmed twice",
            token,
            pending_codes: false,
            cost: Cost::Low,
            two: [vec![confirm(), wrong()], vec![confirm(), confirm()]],
            three: [vec![confirm()], vec![confirm()], vec![confirm()]],
        },
        Scenario {
            name: "new codes issued while old ones are used",
            token,
            pending_codes: false,
            cost: Cost::Middle,
            two: [vec![issue(0), code(0)], vec![code(0), passcode(1)]],
            three: [vec![issue(0)], vec![code(0)], vec![passcode(0)]],
        },
        Scenario {
            name: "two sets of codes issued at once",
            token,
            pending_codes: false,
            cost: Cost::Middle,
            two: [vec![again(), passcode(0)], vec![again(), code(0)]],
            three: [vec![again()], vec![again()], vec![passcode(0)]],
        },
        Scenario {
            name: "disabled while somebody logs in",
            token,
            pending_codes: false,
            cost: Cost::Middle,
            two: [vec![disable(0), passcode(1)], vec![passcode(0), code(0)]],
            three: [vec![disable(0)], vec![passcode(0)], vec![code(0)]],
        },
    ]
}

/// How many clients, with how many operations each.
#[derive(Clone, Copy)]
enum Shape {
    TwoByOne,
    TwoByTwo,
    ThreeByOne,
}

/// One exploration.
struct Job<'a> {
    scenario: &'a Scenario,
    shape: Shape,
    bounds: Bounds,
}

impl Scenario {
    fn start(&self) -> StartState {
        match self.pending_codes {
            true => StartState::with_pending_codes(),
            false => StartState::new(self.token),
        }
    }

    const fn job(&self, shape: Shape, faults: usize, merge: bool) -> Job<'_> {
        let bounds = Bounds {
            faults,
            every_await: false,
            merge,
        };
        Job {
            scenario: self,
            shape,
            bounds,
        }
    }

    fn clients(&self, shape: Shape) -> Vec<Vec<Operation>> {
        match shape {
            Shape::TwoByOne => self.two.iter().map(|all| all[..1].to_vec()).collect(),
            Shape::TwoByTwo => self.two.to_vec(),
            Shape::ThreeByOne => self.three.to_vec(),
        }
    }
}

impl Job<'_> {
    fn run(&self) -> Explored {
        let begun = Instant::now();
        let clients = self.scenario.clients(self.shape);
        match explore::<MemoryStore>(&self.scenario.start(), &clients, self.bounds) {
            Ok(explored) => {
                println!("{self} in {:.1?}: {explored}", begun.elapsed());
                explored
            }
            Err(failure) => panic!("{self}: {failure}"),
        }
    }
}

impl fmt::Display for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self.shape {
            Shape::TwoByOne => "2 x 1",
            Shape::TwoByTwo => "2 x 2",
            Shape::ThreeByOne => "3 x 1",
        };
        let Bounds {
            faults,
            every_await,
            merge,
        } = self.bounds;
        let name = self.scenario.name;
        let token = if self.scenario.token { ", token" } else { "" };
        let every_await = if every_await { ", at every await" } else { "" };
        let merge = if merge { ", merged" } else { "" };
        write!(
            f,
            "{name}{token}, {shape}, at most {faults} faults{every_await}{merge}"
        )
    }
}

/// Distributes jobs over the processors, and adds up the explored runs.
fn run_all(jobs: &[Job<'_>]) -> Explored {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut sum = Explored::default();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            sum = sum + job.run();
        }
        sum
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let sums = threads.into_iter().map(|thread| thread.join().unwrap());
        let explored = sums.fold(Explored::default(), |sum, other| sum + other);
        println!("in total {explored}");
        explored
    })
}

/// A debug build has tighter bounds.
const FULL: bool = !cfg!(debug_assertions);

#[test]
fn every_order_of_calls_keeps_the_guarantees() {
    let scenarios = scenarios();
    let mut jobs = Vec::new();
    for scenario in &scenarios {
        let low = scenario.cost == Cost::Low;
        let few = usize::from(low || FULL);
        let deep = usize::from(low && FULL);
        jobs.push(scenario.job(Shape::TwoByOne, few, false));
        if low || FULL {
            jobs.push(scenario.job(Shape::TwoByTwo, deep, false));
            let mut job = scenario.job(Shape::TwoByOne, deep, false);
            job.bounds.every_await = true;
            jobs.push(job);
        }
        if low {
            jobs.push(scenario.job(Shape::ThreeByOne, deep, false));
        }
    }
    let least = if FULL { 1_000_000 } else { 1_500 };
    assert!(run_all(&jobs).runs > least);
}

#[test]
fn every_distinct_state_keeps_the_guarantees() {
    let many = number("COUNTERSIGN_SCHEDULES").is_some_and(|schedules| schedules >= 1_000_000);
    let scenarios = scenarios();
    let mut jobs = Vec::new();
    for scenario in &scenarios {
        let more = usize::from(FULL);
        let (two_by_one, two_by_two, three_by_one) = match scenario.cost {
            Cost::Low => (1 + more, 2 * more, Some(2 * more)),
            Cost::Middle => (1 + more, more, FULL.then_some(more)),
            Cost::High => (1, more, FULL.then_some(usize::from(many))),
        };
        jobs.push(scenario.job(Shape::TwoByOne, two_by_one, true));
        jobs.push(scenario.job(Shape::TwoByTwo, two_by_two, true));
        jobs.extend(three_by_one.map(|faults| scenario.job(Shape::ThreeByOne, faults, true)));
    }
    let least = if FULL { 100_000 } else { 5_000 };
    assert!(run_all(&jobs).runs > least);
}

#[test]
fn every_scenario_detects_a_store_without_comparison() {
    let bounds = Bounds {
        faults: 0,
        every_await: false,
        merge: false,
    };
    for scenario in scenarios() {
        let start_state = scenario.start();
        for clients in [&scenario.two[..], &scenario.three[..]] {
            match explore::<WithoutCompare>(&start_state, clients, bounds) {
                Ok(explored) => panic!("{}: not detected in {explored}", scenario.name),
                Err(failure) => println!(
                    "{}: detected after {}: {}",
                    scenario.name, failure.explored, failure.what
                ),
            }
        }
    }
}
