//! Any sequence of commands on two accounts and two servers: the verifier agrees with the
//! reference.

use arbitrary::Arbitrary;

#[path = "../../../tests/model/mod.rs"]
mod model;

use model::command::Command;
use model::{Rules, World};

#[derive(Debug, Arbitrary)]
struct Input {
    rules: u8,
    seed: u8,
    commands: Vec<Command>,
}

const RULES: [fn() -> Rules; 11] = [
    Rules::default,
    Rules::tiny_budget,
    Rules::early_lock,
    Rules::exact_window,
    Rules::wide_window,
    Rules::equal_lengths,
    Rules::letters,
    Rules::tokens,
    Rules::repeated_tokens,
    Rules::long_codes,
    Rules::long_codes_do_not_unlock,
];

/// The longest sequence. The reference searches all earlier events for each answer.
const COMMANDS: usize = 16;

pub(super) fn run(input: &[u8]) {
    let Some(input) = super::read::<Input>(input) else {
        return;
    };
    let rules = RULES[usize::from(input.rules) % RULES.len()]();
    let mut world = World::new(&rules, input.seed);
    for (number, command) in input.commands.iter().take(COMMANDS).enumerate() {
        if let Err(difference) = world.run(command) {
            panic!("under {rules:?}\ncommand {number}, {command:?}: {difference}");
        }
    }
}
