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
//! - `routes`: the gate in front of all routes, and the headers.
//! - `pages::sign_in`, `pages::link`, `pages::api`: three first factors, which enter by one door.
//! - `owners`: what the gate asks the service about its users, and tells them.
//! - `database`: the store of the records and sign-ins.

mod app;
mod assets;
mod database;
mod events;
mod failure;
mod layout;
mod logs;
mod mail;
mod mail_links;
mod owners;
mod pages;
mod passwords;
mod routes;
mod token;
mod users;

pub use app::{App, Settings};
pub use database::Database;
pub use logs::log_filter;
pub use mail::{Mail, Mailer, TerminalMailer};

/// The name of the service on pages and in authenticator apps.
pub const SERVICE: &str = "Example";

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
