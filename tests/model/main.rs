//! The machine against a slow reference model, under random command sequences (DESIGN, "An attempt",
//! "Changes and proofs", "Throttle and risk", invariants 1, 2, 3, 5 and 9).
//!
//! Every command makes sense in every state: it names an authenticator, a code or an enrollment by its place
//! among those that there are, and is resolved when it runs. So each part of a sequence is a sequence, and a
//! failing one shrinks to the few commands that matter, without a state machine that has to repair
//! preconditions. `PROPTEST_CASES` sets the number of sequences for each policy.
#![cfg(feature = "verifier")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "mod.rs"]
mod model;
mod sequences;

use model::{Rules, World};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sequences::sequences;

/// Sequences for each policy, unless `PROPTEST_CASES` says otherwise.
const SEQUENCES: u32 = 96;
/// The longest sequence.
const COMMANDS: usize = 60;

fn agree(rules: &Rules) {
    let config = Config {
        cases: std::env::var("PROPTEST_CASES")
            .ok()
            .and_then(|cases| cases.parse().ok())
            .unwrap_or(SEQUENCES),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&sequences(COMMANDS), |sequence| {
        let mut world = World::new(rules, sequence.seed);
        for (number, command) in sequence.commands.iter().enumerate() {
            world.run(command).map_err(|difference| {
                TestCaseError::fail(format!("command {number}, {command:?}: {difference}"))
            })?;
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("under {rules:?}\n{failure}");
    }
}

#[test]
fn the_default_policy_agrees_with_the_reference() {
    agree(&Rules::default());
}

#[test]
fn a_tiny_budget_agrees_with_the_reference() {
    agree(&Rules::tiny_budget());
}

#[test]
fn an_early_lock_agrees_with_the_reference() {
    agree(&Rules::early_lock());
}

#[test]
fn an_exact_window_and_one_authenticator_agree_with_the_reference() {
    agree(&Rules::exact_window());
}

#[test]
fn a_wide_window_and_secrets_that_recur_agree_with_the_reference() {
    agree(&Rules::wide_window());
}

#[test]
fn passcodes_as_long_as_backup_codes_agree_with_the_reference() {
    agree(&Rules::equal_lengths());
}

#[test]
fn backup_codes_with_letters_agree_with_the_reference() {
    agree(&Rules::letters());
}
