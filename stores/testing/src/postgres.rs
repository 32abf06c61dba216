use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{self, Process};
use crate::programs::{self, PORTS};
use crate::server_directory::ServerDirectory;
use crate::{Durability, StartError};

/// A PostgreSQL server, with the superuser `postgres` and the database `postgres`,
/// without passwords.
#[derive(Debug)]
pub struct Postgres {
    // Declared in this order, so that the server ends before its directory is removed.
    process: Option<Process>,
    directory: ServerDirectory,
    programs: PathBuf,
    port: u16,
    durability: Durability,
}

impl Postgres {
    /// Makes a server and waits until it is ready: about 1.5 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(durability: Durability) -> Result<Self, StartError> {
        let programs = programs::postgres().ok_or(StartError::Missing(NAME))?;
        let mut server = Self {
            process: None,
            directory: ServerDirectory::new()?,
            programs,
            port: 0,
            durability,
        };
        server.create()?;
        let mut outcome = Ok(());
        for _ in 0..PORTS {
            server.port = programs::free_port()?;
            outcome = server.run();
            if outcome.is_ok() {
                break;
            }
        }
        outcome.map(|()| server)
    }

    /// `postgres://postgres@127.0.0.1:PORT/postgres`
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The URL through a [`Proxy`](crate::Proxy) at this address.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("postgres://postgres@{address}/postgres")
    }

    /// The address of the server, also while it is stopped.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills the server at once, like a crash.
    ///
    /// # Errors
    /// If the server cannot be killed.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill9)
    }

    /// Shuts the server down. It closes connections and keeps committed data.
    ///
    /// # Errors
    /// If it does not end.
    pub fn stop(&mut self) -> io::Result<()> {
        let process = self.process.take();
        process.map_or(Ok(()), |process| process.stop("INT"))
    }

    /// Starts the server again at the same address with the same data, after [`stop`](Self::stop)
    /// or [`kill9`](Self::kill9). A running server is stopped first.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.stop()?;
        // The processes of a killed server end one after the other. A start fails until the last
        // one has released its shared memory.
        let start = Instant::now();
        loop {
            match self.run() {
                Err(_) if start.elapsed() < RELEASE_LIMIT => thread::sleep(POLL),
                outcome => return outcome,
            }
        }
    }

    fn create(&self) -> Result<(), StartError> {
        let directory = self.directory.path();
        if programs::is_root() {
            let owned = process::run(Command::new("chown").arg(USER).arg(directory));
            owned.map_err(|reason| failed(self, reason))?;
        }
        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(directory.join("data"));
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--no-sync"]);
        process::run(&mut initdb).map_err(|reason| failed(self, reason))
    }

    fn run(&mut self) -> Result<(), StartError> {
        let (directory, port) = (self.directory.path(), self.port.to_string());
        let data = directory.join("data");
        let mut command = self.command("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(&data);
        command.args(["-p", &port, "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "max_connections=200"]);
        let settings: &[&str] = match self.durability {
            // Shortens only the scan of the data directory after a crash.
            Durability::Durable => &["recovery_init_sync_method=syncfs"],
            Durability::Fast => &["fsync=off", "full_page_writes=off"],
            Durability::Forgetful => &["fsync=off", "synchronous_commit=off"],
        };
        for setting in settings {
            command.args(["-c", setting]);
        }
        let mut process = Process::start(&mut command, directory, NAME)?;
        let ready = || {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            process::run(ready.args(["-q", "-h", "127.0.0.1", "-p", &port])).is_ok()
        };
        process
            .wait_until(ready)
            .map_err(|what| failed(self, what))?;
        self.process = Some(process);
        Ok(())
    }

    /// One of the server's programs, run as a user that it accepts.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if programs::is_root() {
            let mut command = Command::new("setpriv");
            let group = format!("--regid={GROUP}");
            command.args([&format!("--reuid={USER}"), &group, "--clear-groups"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .env("HOME", self.directory.path())
            .current_dir(self.directory.path());
        command
    }
}

fn failed(server: &Postgres, what: impl Into<String>) -> StartError {
    process::failed(NAME, what, server.directory.path(), NAME)
}

const NAME: &str = "postgres";
/// PostgreSQL refuses to run as root.
const USER: &str = "nobody";
const GROUP: &str = "nogroup";
/// How long a start may fail after a crash.
const RELEASE_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
