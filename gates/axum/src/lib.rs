#![doc = include_str!("../README.md")]

mod door;
mod exchange;
mod extract;
mod guard;
mod late;
mod pages;
mod router;
mod service;
mod session;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tower-sessions-014")]
pub mod tower_sessions_014;
#[cfg(feature = "tower-sessions-015")]
pub mod tower_sessions_015;

pub use door::Door;
pub use extract::{Fresh, GateMessage, HalfSignedIn, NotOurForm, Rejection, SignedIn};
pub use router::GateRouter;
pub use service::GateService;
pub use session::GateSession;

/// The gate itself: its builder, and the traits that your application implements.
pub use countersign_gate as gate;
/// What every service with a gate writes.
pub use countersign_gate::{
    Accounts, Gate, NotedRoute, PasswordCheck, Renewal, countersign::FirstFactorKind,
};
