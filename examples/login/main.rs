//! The whole flow in a terminal: sign up with a password, enroll an authenticator app, and sign in
//! with both.
//!
//! ```text
//! cargo run --example login -- [--db PATH] [--qr PNG]
//! ```
//!
//! The program is a small service. `users` is its own table next to countersign's, and `store`
//! writes both tables in one transaction. `key_file` is its secret store, and `terminal` its pages.
//! The program stores every step before it reports the step, so you can kill it at any moment and
//! continue from there.

mod backup_codes;
mod enroll;
mod manage;
mod menu;
mod messages;
mod proof;
mod save;
mod sign_in;
mod terminal;
mod users;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use countersign::blocking::Verifier;
use countersign::{KeyId, Keyring};
use countersign_login::{AppStore, key_file, private_file};
use countersign_rusqlite::{OneConnection, configure};
use rusqlite::Connection;

use crate::terminal::Terminal;
use crate::users::Users;

/// Sign up, enroll an authenticator app, and sign in with it.
#[derive(Parser)]
#[command(name = "login")]
struct Arguments {
    /// The SQLite database. The encryption key is in a file next to it, with `.key` added to the
    /// name.
    #[arg(long, value_name = "PATH", default_value = "countersign-login.db")]
    db: PathBuf,
    /// Also write the QR code of an enrollment to this PNG file.
    #[arg(long, value_name = "PNG")]
    qr: Option<PathBuf>,
}

/// The parts of the service.
struct App {
    terminal: Terminal,
    users: Users,
    verifier: Verifier<AppStore>,
    qr: Option<PathBuf>,
}

/// The name of the service, as the authenticator app shows it.
const SERVICE: &str = "Example";

fn main() -> ExitCode {
    let mut app = match open(Arguments::parse()) {
        Ok(app) => app,
        Err(error) => {
            eprintln!("login: {}", messages::chain(&*error));
            return ExitCode::FAILURE;
        }
    };
    // Runs until the user quits or the input ends.
    _ = sign_in::run(&mut app);
    ExitCode::SUCCESS
}

fn open(arguments: Arguments) -> Result<App, Box<dyn Error + Send + Sync>> {
    // The key comes first, so that no database exists without it.
    let key_path = key_file::path_for(&arguments.db);
    let key = key_file::open_or_create(&key_path, &arguments.db)?;
    let keyring = Keyring::new(KeyId::new(1), key);

    let connection = connect(&arguments.db)
        .map_err(|error| format!("{}: {}", arguments.db.display(), messages::chain(&*error)))?;
    let store = AppStore::new(connection.clone());
    store.create_table()?;
    let users = Users::open(connection)?;

    let verifier = Verifier::builder(store, keyring, SERVICE)
        .namespace("login-example")
        .build_blocking()?;

    let mut terminal = Terminal::new();
    _ = terminal.say(format_args!(
        "{SERVICE}: accounts in {}, encryption key in {}.",
        arguments.db.display(),
        key_path.display()
    ));
    Ok(App {
        terminal,
        users,
        verifier,
        qr: arguments.qr,
    })
}

fn connect(path: &Path) -> Result<OneConnection, Box<dyn Error + Send + Sync>> {
    private_file::create_if_missing(path)?;
    let connection = Connection::open(path)?;
    configure(&connection)?;
    Ok(OneConnection::new(connection))
}
