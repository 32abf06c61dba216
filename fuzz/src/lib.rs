//! Fuzz targets. What is done with an input stands in `targets/`, which `tests/corpus.rs` shares; here is what
//! only fuzzing asks for: that no input is slow.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a finding is a panic"
)]

mod targets;

use rustix::time::{ClockId, clock_gettime};
use std::sync::LazyLock;
use std::time::Duration;

/// The longest that an input may keep the processor busy. Other programs' time does not count.
const LIMIT: Duration = Duration::from_millis(10);
/// How often an input is run that takes longer. A slow one is slow every time.
const RUNS: usize = 5;
/// A program that measures its coverage is slow all over.
static MEASURES_COVERAGE: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("LLVM_PROFILE_FILE").is_some());

/// Runs an input of a target.
///
/// # Panics
/// If it brings a fault to light, or is slow.
pub fn run(target: &str, input: &[u8]) {
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        let begin = busy();
        targets::run(target, input);
        fastest = fastest.min(busy().saturating_sub(begin));
        if fastest <= LIMIT || *MEASURES_COVERAGE {
            return;
        }
    }
    panic!("a slow input: {fastest:?}");
}

/// How long this thread has kept the processor busy.
fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("time since the thread began")
}
