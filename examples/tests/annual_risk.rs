//! The example `annual_risk`: known rows, and the table and the image of `docs/comparison.md`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../annual_risk/image.rs"]
mod image;
#[path = "../annual_risk/model.rs"]
mod model;
#[path = "../annual_risk/policies.rs"]
mod policies;
#[path = "../annual_risk/table.rs"]
mod table;

use countersign::Policy;
use countersign::factor::GuessTarget;
use countersign::otp::Digits;

use crate::model::{Limit, Rules};

fn document() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/comparison.md");
    std::fs::read_to_string(file).unwrap()
}

/// A policy with countersign's digits and window, another limit, and no backup codes.
fn with(limit: Limit, owner_resets: bool) -> Rules {
    Rules {
        limit,
        owner_resets,
        backup_codes: None,
        ..policies::ours()
    }
}

#[test]
fn our_chance_is_the_annual_risk() {
    let bound = Policy::default().annual_risk([GuessTarget::totp(Digits::SIX)]);
    let chance = policies::ours().chance();
    assert!(chance <= bound, "{chance} {bound}");
    // The bound includes 10,000 attempts per second with consecutive passcodes.
    let rows = 1.23e-5;
    assert!(
        (bound - rows - chance).abs() / bound < 1e-3,
        "{chance} {bound}"
    );
    assert_eq!(table::percent(chance), "0.04 %");
}

#[test]
fn no_limit_is_nearly_certain() {
    let chance = with(Limit::None, true).chance();
    assert!(chance > 1.0 - 1e-12, "{chance}");
}

#[test]
fn locks_admit_their_guesses() {
    let five = |failures: u64| if failures.is_multiple_of(5) { 900 } else { 0 };
    // 96 locks of 15 minutes in a day, whether a success resets the count or not.
    for owner_resets in [false, true] {
        let guesses = with(Limit::Wait(five), owner_resets).guesses();
        assert_eq!(guesses, 365 * 96 * 5);
    }
    let forever = |failures: u64| if failures < 5 { 0 } else { u64::MAX };
    assert_eq!(with(Limit::Wait(forever), false).guesses(), 5);
    // Four guesses before each login of the owner, and the fifth on the last day.
    assert_eq!(with(Limit::Wait(forever), true).guesses(), 365 * 4 + 1);
}

#[test]
fn doubling_waits_admit_sixteen_guesses_per_day() {
    let doubling = |failures: u64| 1_u64.checked_shl(failures as u32 - 1).unwrap_or(u64::MAX);
    // Waits of 1 s, 2 s, ... 32,768 s end before the next login; the wait after these does not.
    assert_eq!(with(Limit::Wait(doubling), true).guesses(), 365 * 16 + 1);
    // Without a login in between, a year has room for the waits of 24 guesses, and for one guess
    // more.
    assert_eq!(with(Limit::Wait(doubling), false).guesses(), 25);
}

#[test]
fn the_document_shows_the_printed_table() {
    let document = document();
    let (_, after) = document
        .split_once("<!-- computed: annual_risk -->\n\n")
        .unwrap();
    let (shown, _) = after.split_once("\n<!-- end -->").unwrap();
    assert_eq!(shown, table::markdown(&policies::all()));
}

#[test]
fn the_image_is_up_to_date() {
    assert!(document().contains("(images/annual-risk.svg)"));
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/images/annual-risk.svg"
    );
    let shown = std::fs::read_to_string(file).unwrap();
    let ours = policies::ours().name;
    assert_eq!(shown, image::svg(&policies::all(), ours));
}
