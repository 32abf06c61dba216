//! Sessions of tower-sessions 0.15.
//!
//! Wrap your store once: `SessionManagerLayer::new(GateSessions::new(store))`.

use tower_sessions_015 as tower_sessions;

#[allow(
    clippy::duplicate_mod,
    reason = "the two versions differ in their crate only"
)]
#[path = "over_tower_sessions.rs"]
mod over;

pub use over::GateSessions;
