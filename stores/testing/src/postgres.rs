use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::process::{self, Process};
use crate::programs::{self, PORTS};
use crate::{Durability, StartError};

/// A PostgreSQL server, with the superuser `postgres` and the database `postgres`, without passwords.
#[derive(Debug)]
pub struct Postgres {
    // In this order: the server ends before its folder does.
    process: Option<Process>,
    folder: Folder,
    programs: PathBuf,
    port: u16,
    durability: Durability,
}

impl Postgres {
    /// Makes a server and waits until it answers: about 1.5 seconds.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not come up.
    pub fn start(durability: Durability) -> Result<Self, StartError> {
        let programs = programs::postgres().ok_or(StartError::Missing(NAME))?;
        let mut server = Self {
            process: None,
            folder: Folder::new()?,
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

    /// The same through a [`Proxy`](crate::Proxy).
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("postgres://postgres@{address}/postgres")
    }

    /// Where it listens, also while it does not run.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills it at once, as a crash would.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill9)
    }

    /// Shuts it down: connections are cut, what was committed is kept.
    ///
    /// # Errors
    /// If it does not end.
    pub fn stop(&mut self) -> io::Result<()> {
        let process = self.process.take();
        process.map_or(Ok(()), |process| process.stop("INT"))
    }

    /// Starts it again at the same address with the same data, after [`stop`](Self::stop) or [`kill9`](Self::kill9), or
    /// stops it first.
    ///
    /// # Errors
    /// [`StartError`] if it does not come up.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.stop()?;
        // The processes of a killed server end one after the other, and until the last has, its memory is in the way.
        let begun = Instant::now();
        loop {
            match self.run() {
                Err(_) if begun.elapsed() < IN_THE_WAY => thread::sleep(POLL),
                outcome => return outcome,
            }
        }
    }

    fn create(&self) -> Result<(), StartError> {
        let folder = self.folder.path();
        if programs::is_root() {
            let owned = process::run(Command::new("chown").arg(USER).arg(folder));
            owned.map_err(|reason| failed(self, reason))?;
        }
        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(folder.join("data"));
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--no-sync"]);
        process::run(&mut initdb).map_err(|reason| failed(self, reason))
    }

    fn run(&mut self) -> Result<(), StartError> {
        let (folder, port) = (self.folder.path(), self.port.to_string());
        let data = folder.join("data");
        let mut command = self.command("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(&data);
        command.args(["-p", &port, "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "max_connections=200"]);
        let settings: &[&str] = match self.durability {
            // Only the scan of the data folder after a crash is made shorter.
            Durability::Durable => &["recovery_init_sync_method=syncfs"],
            Durability::Fast => &["fsync=off", "full_page_writes=off"],
            Durability::Forgetful => &["fsync=off", "synchronous_commit=off"],
        };
        for setting in settings {
            command.args(["-c", setting]);
        }
        let mut process = Process::start(&mut command, folder, NAME)?;
        let ready = || {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            process::run(ready.args(["-q", "-h", "127.0.0.1", "-p", &port])).is_ok()
        };
        process.until(ready).map_err(|what| failed(self, what))?;
        self.process = Some(process);
        Ok(())
    }

    /// One of its programs, as the user it may run as.
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
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        command
    }
}

fn failed(server: &Postgres, what: impl Into<String>) -> StartError {
    process::failed(NAME, what, server.folder.path(), NAME)
}

const NAME: &str = "postgres";
/// PostgreSQL refuses to run as root.
const USER: &str = "nobody";
const GROUP: &str = "nogroup";
/// How long a start may fail after a crash.
const IN_THE_WAY: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
