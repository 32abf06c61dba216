//! Fuzz targets. `targets/` has the code that runs on an input; `tests/corpus.rs` shares this code.
//! This file adds a check for fuzzing only: no input may be slow.
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

/// The limit on processor time per input. The time of other programs does not count.
const LIMIT: Duration = Duration::from_millis(10);
/// How often an input over the limit runs. A slow input is slow every time.
const RUNS: usize = 5;
/// Whether the program measures its coverage. Such a program is slow on every input.
static MEASURES_COVERAGE: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("LLVM_PROFILE_FILE").is_some());

/// Runs an input of a target.
///
/// # Panics
/// If the input shows a fault, or is slow.
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
