//! Runs the service of `countersign-web` for tests, on a free port: with a clock that the browser
//! tests set, or with many users for the load test.
//!
//! The first line of standard output is the address. The mails follow.
#![allow(clippy::expect_used, reason = "tests")]

mod users;

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use countersign::runtime::{Clock, SystemClock};
use countersign::{KeyId, Keyring, SealingKey, Timestamp};
use countersign_store_testing::{Durability, Postgres};
use countersign_web::{App, BoxError, Database, Settings, TerminalMailer, log_filter};
use tokio::net::TcpListener;

/// countersign-web for tests.
#[derive(Parser)]
struct Arguments {
    /// The database: sqlite:PATH, postgres://..., or `postgres` for a temporary server.
    #[arg(long, value_name = "URL")]
    database: String,
    /// A file with the time of the service, in seconds since 1970. Without it: the system's time.
    #[arg(long, value_name = "PATH")]
    clock: Option<PathBuf>,
    /// The email address of a user who may see /admin.
    #[arg(long = "operator", value_name = "EMAIL")]
    operators: Vec<String>,
    #[command(flatten)]
    users: users::TestUsers,
}

/// A clock that stands still until a test writes the next time.
struct ClockOfTests(PathBuf);

impl Clock for ClockOfTests {
    fn now(&self) -> Timestamp {
        let seconds = fs::read_to_string(&self.0).expect("the file of the clock is readable");
        let seconds = seconds.parse().expect("the file of the clock has a number");
        Timestamp::from_unix(seconds)
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let asked = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(log_filter(&asked))
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    let arguments = Arguments::parse();
    let server = match &*arguments.database {
        "postgres" => Some(Postgres::start(Durability::Durable)?),
        _ => None,
    };
    let url = server.as_ref().map_or(arguments.database, Postgres::url);
    let database = Database::open(&url).await?;
    let key = SealingKey::generate()?;
    let keyring = || Keyring::new(KeyId::new(1), SealingKey::from_bytes(key.expose()));
    users::create(&arguments.users, &database, keyring()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let app = App::new(Settings {
        database,
        keyring: keyring(),
        origin: origin.clone(),
        operators: arguments.operators,
        mailer: Arc::new(TerminalMailer),
        clock: match arguments.clock {
            Some(file) => Arc::new(ClockOfTests(file)),
            None => Arc::new(SystemClock),
        },
    })
    .await?;
    writeln!(io::stdout(), "{origin}")?;
    let service = app.service();
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).await?)
}
