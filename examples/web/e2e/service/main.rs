//! The service of `countersign-web` with a clock that the browser tests shift, on a database and a port of its own.
//!
//! ```text
//! shifted DATABASE CLOCK [OPERATOR]
//! ```
//!
//! The file CLOCK says by how many seconds it is ahead. Standard output has the address in the first line, and then the
//! mails.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use countersign::{Clock, KeyId, Keyring, SealingKey, SystemClock, Timestamp};
use countersign_web::{App, BoxError, Database, Settings, SharedClock, TerminalMailer};
use tokio::net::TcpListener;

struct ShiftedClock(PathBuf);

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let shift = fs::read_to_string(&self.0).ok();
        let shift = shift.and_then(|text| text.trim().parse().ok());
        SystemClock.now().saturating_add(shift.unwrap_or_default())
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    let mut arguments = env::args().skip(1);
    let database = arguments.next().ok_or("which database?")?;
    let clock = arguments.next().ok_or("which file has the clock?")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let app = App::new(Settings {
        database: Database::open(&database).await?,
        keyring: Keyring::new(KeyId::new(1), SealingKey::generate()?),
        origin: origin.clone(),
        operators: arguments.collect(),
        mailer: Arc::new(TerminalMailer),
        clock: SharedClock::new(ShiftedClock(clock.into())),
    })
    .await?;
    writeln!(io::stdout(), "{origin}")?;
    Ok(axum::serve(listener, app.router()).await?)
}
