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
    /// `name=value`
    settings: Vec<String>,
}

impl Postgres {
    /// Makes a server and waits until it is ready: about 1.5 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(durability: Durability) -> Result<Self, StartError> {
        Self::start_with(durability, &[])
    }

    /// Starts a server with more settings, each `name=value`.
    ///
    /// # Errors
    /// [`StartError`] as for [`start`](Self::start).
    pub fn start_with(durability: Durability, settings: &[&str]) -> Result<Self, StartError> {
        let mut server = Self::prepare(durability)?;
        let settings = settings.iter().map(|&setting| setting.to_owned());
        server.settings = settings.collect();
        let mut initdb = server.command("initdb");
        initdb.arg("-D").arg(server.data());
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--no-sync"]);
        process::run(&mut initdb).map_err(|reason| failed(&server, reason))?;
        server.run_for_the_first_time()
    }

    /// Starts a standby of the server at this address, and waits until it follows. The standby
    /// calls itself `name`.
    pub(crate) fn standby_of(
        primary: SocketAddr,
        name: &str,
        durability: Durability,
    ) -> Result<Self, StartError> {
        let server = Self::prepare(durability)?;
        let (host, port) = (primary.ip(), primary.port());
        let source = format!("host={host} port={port} user=postgres application_name={name}");
        let mut copy = server.command("pg_basebackup");
        copy.arg("-D").arg(server.data()).args(["-d", &source]);
        copy.args(["-R", "-X", "stream", "--no-sync", "-c", "fast"]);
        process::run(&mut copy).map_err(|reason| failed(&server, reason))?;
        let server = server.run_for_the_first_time()?;
        let follows =
            || process::has_logged(server.directory.path(), NAME, "started streaming WAL");
        process::wait_for(follows)
            .map_err(|()| failed(&server, "the standby does not follow its primary"))?;
        Ok(server)
    }

    /// An empty directory for a server.
    fn prepare(durability: Durability) -> Result<Self, StartError> {
        let programs = programs::postgres().ok_or(StartError::Missing(NAME))?;
        let server = Self {
            process: None,
            directory: ServerDirectory::new()?,
            programs,
            port: 0,
            durability,
            settings: Vec::new(),
        };
        let given = programs::give_away(server.directory.path());
        given.map_err(|reason| failed(&server, reason))?;
        Ok(server)
    }

    fn run_for_the_first_time(mut self) -> Result<Self, StartError> {
        let mut outcome = Ok(());
        for _ in 0..PORTS {
            self.port = programs::free_port()?;
            outcome = self.run();
            if outcome.is_ok() {
                break;
            }
        }
        outcome.map(|()| self)
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

    /// Kills all processes of the server at the same moment, like a loss of power.
    /// [`kill9`](Self::kill9) kills the first one, and the others answer for a moment.
    ///
    /// # Errors
    /// If the server cannot be killed.
    pub fn kill9_all(&mut self) -> io::Result<()> {
        let process = self.process.take();
        process.map_or(Ok(()), Process::kill9_with_children)
    }

    /// Stops all processes of the server, like a virtual machine that is paused.
    ///
    /// # Errors
    /// If the server cannot be paused.
    pub fn pause(&self) -> io::Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::pause)
    }

    /// Continues a paused server.
    ///
    /// # Errors
    /// If the server cannot be continued.
    pub fn resume(&self) -> io::Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::resume)
    }

    /// Makes a standby a primary.
    pub(crate) fn promote(&self) -> Result<(), StartError> {
        let mut promote = self.command("pg_ctl");
        promote.args(["promote", "-w", "-D"]).arg(self.data());
        process::run(&mut promote).map_err(|reason| failed(self, reason))
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

    fn run(&mut self) -> Result<(), StartError> {
        let (directory, port) = (self.directory.path(), self.port.to_string());
        let data = self.data();
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
        let more = self.settings.iter().map(String::as_str);
        for setting in settings.iter().copied().chain(more) {
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

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// One of the server's programs, run as a user that it accepts.
    fn command(&self, program: &str) -> Command {
        let mut command = programs::unprivileged(Command::new(self.programs.join(program)));
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
/// How long a start may fail after a crash.
const RELEASE_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
