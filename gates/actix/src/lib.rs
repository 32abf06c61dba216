#![doc = include_str!("../README.md")]

mod access;
#[cfg(feature = "actix-session")]
mod actix_sessions;
mod app;
mod door;
mod exchange;
mod extract;
mod gated;
mod message;
mod pages;
mod session;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "actix-session")]
pub use actix_sessions::{ChosenKeys, GateSessions, KeyChoice, RandomKeys, SaveAs};
pub use app::{Endpoint, GateApp};
pub use door::Door;
pub use extract::{Fresh, HalfSignedIn, NotOurForm, SignedIn};
pub use gated::{AppService, Gated};
pub use message::GateMessage;
pub use session::GateSession;

/// The gate itself: its builder, and the traits that your application implements.
pub use countersign_gate as gate;
/// What every service with a gate writes.
pub use countersign_gate::{
    Accounts, Gate, NotedRoute, PasswordCheck, Renewal, countersign::FirstFactorKind,
};
