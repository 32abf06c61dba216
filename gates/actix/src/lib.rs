//! x
#![allow(missing_docs)]

mod access;
#[cfg(feature = "actix-session")]
mod actix_sessions;
mod app;
mod door;
mod exchange;
mod extract;
mod gated;
mod noted;
mod pages;
mod session;

#[cfg(feature = "actix-session")]
pub use actix_sessions::{ChosenKeys, GateSessions, KeyChoice, RandomKeys, SaveAs};
pub use app::{Endpoint, GateApp};
pub use door::Door;
pub use extract::{Fresh, HalfSignedIn, SignedIn};
pub use gated::{AppService, Gated};
pub use noted::{Noted, NotedRoutes};
pub use session::{GateSession, Renewal};

/// The gate, and what you build it from.
pub use countersign_gate;
/// The second factor itself.
pub use countersign_gate::countersign;
