use std::env;

/// How rare a fault of a call may be so that the conformance suite still finds it: one in so many
/// calls. The environment variable `COUNTERSIGN_RAREST_FAULT` sets it, and the default is 200.
///
/// # Panics
/// If the variable is no number.
#[must_use]
#[expect(clippy::panic, reason = "fails the test that calls it")]
pub fn rarest_fault() -> u32 {
    match env::var("COUNTERSIGN_RAREST_FAULT") {
        Err(_) => 200,
        Ok(calls) => match calls.parse() {
            Ok(calls) => calls,
            Err(_) => panic!("COUNTERSIGN_RAREST_FAULT is no number: {calls}"),
        },
    }
}
