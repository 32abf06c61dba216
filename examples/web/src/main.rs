//! The program that runs the service; the library describes it.

mod key;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use countersign::runtime::SystemClock;
use countersign::{KeyId, Keyring};
use countersign_web::{App, BoxError, Database, Settings, TerminalMailer, log_filter};
use tokio::net::TcpListener;

/// A web service with a complete second factor.
#[derive(Parser)]
#[command(name = "countersign-web")]
struct Arguments {
    /// The address to listen on. Port 0 takes any free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The database: sqlite:PATH or postgres://...
    #[arg(
        long,
        value_name = "URL",
        env = "COUNTERSIGN_WEB_DATABASE",
        default_value = "sqlite:countersign-web.db",
        hide_env_values = true
    )]
    database: String,
    /// The file with the encryption key. It is created if there are no records yet.
    #[arg(long, value_name = "PATH", default_value = "countersign-web.key")]
    key: PathBuf,
    /// The address of the service for browsers, if there is a proxy in front of it.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// The email address of a user who may see /admin after signing in with a second factor. You
    /// can repeat this option.
    #[arg(long = "operator", value_name = "EMAIL")]
    operators: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let asked = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(log_filter(&asked))
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                error = &*error as &(dyn std::error::Error + 'static),
                "stopped"
            );
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), BoxError> {
    let database = Database::open(&arguments.database).await?;
    let key = key::open(&arguments.key, &database).await?;
    let listener = TcpListener::bind(arguments.listen).await?;
    let address = listener.local_addr()?;
    let origin = arguments.origin;
    let origin = origin.unwrap_or_else(|| format!("http://{address}"));
    let app = App::new(Settings {
        database,
        keyring: Keyring::new(KeyId::new(1), key),
        origin: origin.trim_end_matches('/').to_owned(),
        operators: arguments.operators,
        mailer: Arc::new(TerminalMailer),
        clock: Arc::new(SystemClock),
    })
    .await?;
    tokio::spawn(purge_regularly(app.clone()));
    tracing::info!("open {origin} (mails are printed here)");
    let service = app
        .service()
        .into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service);
    Ok(served.with_graceful_shutdown(interrupted()).await?)
}

async fn purge_regularly(app: App) {
    let mut interval = tokio::time::interval(Duration::from_secs(10 * 60));
    loop {
        interval.tick().await;
        if let Err(error) = app.purge().await {
            tracing::warn!(%error, "expired sessions and tokens could not be deleted");
        }
    }
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "Ctrl-C cannot be handled");
        std::future::pending::<()>().await;
    }
}
