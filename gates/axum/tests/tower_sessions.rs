//! The gate over both versions of tower-sessions.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod service;

/// The same tests over each version.
macro_rules! over {
    ($version:ident, $gate_sessions:path) => {
        mod $version {
            use super::service::{router, service};
            use $gate_sessions as GateSessions;
            use $version::{MemoryStore, Session, SessionManagerLayer};

            include!("service/tests.rs");
        }
    };
}

over!(
    tower_sessions_014,
    countersign_axum::tower_sessions_014::GateSessions
);
over!(
    tower_sessions_015,
    countersign_axum::tower_sessions_015::GateSessions
);
