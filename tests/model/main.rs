//! Compares the verifier with a slow reference model, under random command sequences: logins,
//! changes, proofs, rate limits, and invariants 1, 2, 3, 5 and 9 of DESIGN.md.
//!
//! Every command is valid in every state. It names an authenticator, a code or an enrollment by an
//! index, which is resolved when the command runs. So every part of a sequence is a valid sequence,
//! and a failing sequence shrinks to the few commands that matter. `PROPTEST_CASES` sets the number
//! of sequences for each policy.
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

/// How many sequences run for each policy, unless `PROPTEST_CASES` is set.
const SEQUENCES: u32 = 96;
/// How many commands the longest sequence has.
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
fn an_exact_window_agrees_with_the_reference() {
    agree(&Rules::exact_window());
}

#[test]
fn repeated_secrets_agree_with_the_reference() {
    agree(&Rules::wide_window());
}

#[test]
fn tokens_agree_with_the_reference() {
    agree(&Rules::tokens());
}

#[test]
fn repeated_tokens_agree_with_the_reference() {
    agree(&Rules::repeated_tokens());
}

#[test]
fn codes_of_equal_length_agree_with_the_reference() {
    agree(&Rules::equal_lengths());
}

#[test]
fn backup_codes_with_letters_agree_with_the_reference() {
    agree(&Rules::letters());
}

#[test]
fn long_backup_codes_agree_with_the_reference() {
    agree(&Rules::long_codes());
}

#[test]
fn long_backup_codes_that_end_no_lock_agree_with_the_reference() {
    agree(&Rules::long_codes_do_not_unlock());
}
