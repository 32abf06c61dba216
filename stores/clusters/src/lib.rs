//! Races of conditional writes on clusters whose nodes fail, and a consistency check afterwards.
//! For Linux; not published.
//!
//! In a [`race`], many clients load accounts and write them, on all nodes of a real cluster and
//! through the stores of this project. Meanwhile a node is killed, paused or cut off. The race logs
//! every load and every write. Afterwards the [`check`] compares the log with the stored rows:
//!
//! - *Twice*: two writes that replaced the same revision were both answered with `Done`. So a code
//!   can be accepted twice.
//! - *Lost*: the stored row does not descend from a write that was answered with `Done`. So a used
//!   code can be used again.
//! - *Old*: a load that began after a `Done` returned an earlier revision. A conditional write on
//!   top of it is `Stale`, but [`status`](countersign::Verifier::status) is wrong.
//!
//! | content | module |
//! |---|---|
//! | clients that load and write at the same time | [`race`] |
//! | the consistency check | [`check`] |
//! | the clusters, their settings and their faults | [`galera`], [`postgres`], [`sentinel`], [`redis_cluster`] |
//! | the faults of a race, and its times | [`settings`] |
//! | all races of the documentation, and their table | [`scenarios`], [`report`] |
//!
//! `stores/clusters/run` runs all races and prints their table.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: an error fails the test"
)]

pub mod check;
pub mod galera;
pub mod postgres;
pub mod race;
pub mod redis_cluster;
pub mod report;
pub mod scenarios;
pub mod sentinel;
pub mod settings;

pub use check::CheckReport;
pub use race::{Fault, Race, RaceLog};
