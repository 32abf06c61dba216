//! The whole second factor. The comments number the invariants as DESIGN.md does.
#![cfg(feature = "verifier")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod backup_codes;
mod blocking;
mod clock_offset;
mod clocks;
mod conflicts;
mod consecutive;
mod counters;
mod device_events;
mod devices;
mod enrollment;
mod enrollment_limits;
mod erasing;
#[cfg(feature = "conformance")]
mod event_faults;
mod events;
mod import;
mod issuing;
mod keys;
mod limits;
mod long_codes;
mod lost_answers;
mod names;
mod passcodes;
mod pending_codes;
mod policy;
mod pool;
mod prepared_import;
mod proofs;
mod random;
mod rate_limit;
mod receipts;
mod request_faults;
mod requests;
mod salts;
mod secrecy;
mod slow_hashes;
mod vigilance;
mod world;
mod write_order;
mod writes;
