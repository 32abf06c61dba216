//! A small web service with a complete second factor: how to wire countersign into a host.
//!
//! ```text
//! cargo run -p countersign-web
//! ```
//!
//! It is a library with a program, so that its tests drive it without a socket and with a clock of their own. Where to look:
//!
//! - `store`: countersign's store in the host's own transaction; the sign-in is inserted with the accepted code.
//! - `pages::code`: the second page of a sign-in, and `visitor`: what a session that is half signed in can reach.
//! - `cookie`: what an answer does to the session's cookie, when requests overtake each other.
//! - `pages::setup`: enrolling an app; `pages::backup_codes`; `pages::prove`: the proof of a change.
//! - `routes`: the headers, and where the defences against forged forms stand.

mod app;
mod clock;
mod cookie;
mod database;
mod events;
mod failure;
mod form;
mod frame;
mod logs;
mod mail;
mod pages;
mod passwords;
mod routes;
mod sessions;
mod sign_ups;
mod statics;
mod store;
mod token;
mod users;
mod visitor;
mod when;
mod words;

pub use app::{App, Settings};
pub use clock::SharedClock;
pub use database::Database;
pub use logs::log_filter;
pub use mail::{Mail, Mailer, TerminalMailer};
pub use store::HostStore;

/// The name of the service, as pages and authenticator apps show it.
pub const SERVICE: &str = "Example";

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
