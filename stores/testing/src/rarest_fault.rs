use std::env;

/// How rare a fault of a call may be so that the conformance suite still finds it: one in so many
/// calls. It is `usual` unless the environment variable `COUNTERSIGN_RAREST_FAULT` sets a number.
///
/// # Panics
/// If the variable is no number.
#[must_use]
#[expect(clippy::panic, reason = "fails the test that calls it")]
pub fn rarest_fault(usual: u32) -> u32 {
    match env::var("COUNTERSIGN_RAREST_FAULT") {
        Err(_) => usual,
        Ok(calls) => match calls.parse() {
            Ok(calls) => calls,
            Err(_) => panic!("COUNTERSIGN_RAREST_FAULT is no number: {calls}"),
        },
    }
}
