//! A small web service with a complete second factor. It shows how to wire countersign into your
//! application.
//!
//! ```text
//! cargo run -p countersign-web
//! ```
//!
//! It is a library with a program, so that tests can use it without a socket and with a test clock.
//! Where to look:
//!
//! - `store`: countersign's store in the application's own transaction; it inserts the sign-in with
//!   the accepted code.
//! - `pages::code`: the second page of a sign-in; `session`: the pages that each stage of a session
//!   may reach.
//! - `cookie`: how an answer changes the session cookie when requests overtake each other.
//! - `pages::setup`: enrollment; `pages::backup_codes`; `pages::prove`: the proof for a change.
//! - `routes`: the headers, and the two defences against forged forms.

mod app;
mod assets;
mod clock;
mod cookie;
mod database;
mod events;
mod failure;
mod form;
mod layout;
mod logs;
mod mail;
mod messages;
mod pages;
mod passwords;
mod routes;
mod session;
mod session_store;
mod sign_ups;
mod store;
mod time_format;
mod token;
mod users;

pub use app::{App, Settings};
pub use clock::SharedClock;
pub use database::Database;
pub use logs::log_filter;
pub use mail::{Mail, Mailer, TerminalMailer};
pub use store::AppStore;

/// The name of the service on pages and in authenticator apps.
pub const SERVICE: &str = "Example";

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
