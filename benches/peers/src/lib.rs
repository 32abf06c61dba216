//! Shared code of the benchmarks that compare candidates. All candidates of a run take turns. So
//! other work of the computer, and changes of the processor's clock rate, affect all candidates
//! alike. If a harness measures one candidate after the other (criterion, divan), the ratios vary
//! by more than the differences between the candidates.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a benchmark stops at the first error, and says where"
)]

mod cli;
mod enroll;
mod header;
mod target;
mod timer;

pub use cli::Arguments;
pub use enroll::{Enrolled, wrong_code};
pub use header::write_header;
pub use target::{Target, write_targets};
pub use timer::{Candidate, Effort, Timer, Timings};

/// Any error that stops a benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
