//! What the benchmarks beside peers share. All contenders of a run take turns, so that what else the machine does, and
//! how fast its clock runs at the moment, falls on all of them alike: a benchmark harness that measures one after the other
//! (criterion, divan) gives ratios that change by more than what is to be shown.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a benchmark ends at the first surprise, and says where"
)]

mod arguments;
mod goal;
mod memory;
mod race;
mod stamp;

pub use arguments::Arguments;
pub use goal::{Goal, write_goals};
pub use memory::{available, resident};
pub use race::{Contender, Effort, Figures, Race};
pub use stamp::stamp;

/// Whatever ends a benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
