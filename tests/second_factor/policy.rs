//! The bounds of every policy setting, from both sides.

use crate::world::{DAY, policy};
use countersign::PolicyBuilder;
use countersign::otp::{Period, Window};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const MORE: Duration = Duration::from_nanos(1);

fn accepted(builder: PolicyBuilder) {
    builder.build().unwrap();
}

fn refused(field: &str, builder: PolicyBuilder) {
    let error = builder.build().unwrap_err();
    assert_eq!(error.field(), field);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("the policy's {field} is out of range: ")),
        "{text}"
    );
}

#[test]
fn numbers_have_bounds() {
    let window = |before, after| policy().window(Window { before, after });
    accepted(window(10, 10));
    refused("window", window(11, 0));
    refused("window", window(0, 11));

    for counters in [0, 10] {
        accepted(policy().look_ahead(counters));
    }
    refused("look_ahead", policy().look_ahead(11));

    for (number, fine) in [(0, false), (1, true), (20, true), (21, false)] {
        let builder = policy().max_authenticators(number);
        if fine {
            accepted(builder);
        } else {
            refused("max_authenticators", builder);
        }
    }
    for (number, fine) in [(0, false), (1, true), (100, true), (101, false)] {
        let (tries, lock) = (
            policy().enrollment_tries(number),
            policy().lock_after(number.into()),
        );
        if fine {
            accepted(tries);
            accepted(lock);
        } else {
            refused("enrollment_tries", tries);
            refused("lock_after", lock);
        }
    }
}

#[test]
fn a_row_has_at_least_59_bits() {
    for (count, steps) in [(3, 3), (3, 20), (4, 3), (4, 20)] {
        accepted(policy().consecutive_codes(count, steps));
    }
    for (count, steps) in [(0, 20), (2, 20), (5, 20), (3, 2), (3, 21)] {
        refused(
            "consecutive_codes",
            policy().consecutive_codes(count, steps),
        );
    }
    // Six digits are the fewest of any authenticator.
    assert!((3.0 * 1e6_f64.log2()) >= 59.0);
}

#[test]
fn durations_have_bounds_and_whole_seconds() {
    let period = |seconds| policy().period(Period::from_secs(seconds).unwrap());
    accepted(period(120));
    refused("period", period(121));

    for age in [MINUTE, HOUR] {
        accepted(policy().enrollment_age(age));
    }
    for age in [MINUTE - SECOND, MINUTE + MORE, HOUR + SECOND] {
        refused("enrollment_age", policy().enrollment_age(age));
    }
    for age in [SECOND, HOUR] {
        accepted(policy().proof_age(age));
    }
    for age in [Duration::ZERO, SECOND + MORE, HOUR + SECOND] {
        refused("proof_age", policy().proof_age(age));
    }
}

#[test]
fn back_off_grows_and_ends_within_a_day() {
    accepted(policy().backoff(100, DAY, DAY));
    accepted(policy().backoff(0, Duration::ZERO, Duration::ZERO));
    for (free, first, longest) in [
        (101, SECOND, DAY),
        (5, SECOND + MORE, DAY),
        (5, SECOND, HOUR + MORE),
        (5, MINUTE, MINUTE - SECOND),
        (5, SECOND, DAY + SECOND),
    ] {
        refused("backoff", policy().backoff(free, first, longest));
    }
}

#[test]
fn the_budget_is_finite() {
    accepted(policy().budget(1, SECOND));
    accepted(policy().budget(1000, 365 * DAY));
    for (burst, refill) in [
        (0, DAY),
        (1001, DAY),
        (20, Duration::ZERO),
        (20, DAY + MORE),
        (20, 365 * DAY + SECOND),
    ] {
        refused("budget", policy().budget(burst, refill));
    }
}

#[test]
fn a_policy_out_of_range_names_its_field() {
    use std::time::Duration;
    let fields = [
        (policy().window(Window::around(11)), "window"),
        (policy().look_ahead(11), "look_ahead"),
        (policy().period(Period::from_secs(121).unwrap()), "period"),
        (policy().max_authenticators(0), "max_authenticators"),
        (policy().enrollment_age(Duration::ZERO), "enrollment_age"),
        (policy().enrollment_tries(0), "enrollment_tries"),
        (policy().proof_age(Duration::from_millis(1500)), "proof_age"),
        (
            policy().backoff(5, Duration::from_secs(60), Duration::from_secs(30)),
            "backoff",
        ),
        (policy().lock_after(101), "lock_after"),
        (policy().budget(0, Duration::from_secs(1)), "budget"),
    ];
    for (builder, field) in fields {
        let error = builder.build().unwrap_err();
        assert_eq!(error.field(), field);
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn work_of_imported_codes_has_whole_milliseconds() {
    let work = |limit| policy().imported_code_work(limit);
    let millisecond = Duration::from_millis(1);
    for limit in [Duration::ZERO, millisecond, 10 * SECOND] {
        accepted(work(limit));
    }
    for limit in [10 * SECOND + millisecond, MORE, SECOND + MORE] {
        refused("imported_code_work", work(limit));
    }
    let standard = policy().build().unwrap();
    assert_eq!(standard.imported_code_work(), Duration::from_millis(1_500));
    assert_eq!(standard.imported_code_shape(), None);
}
