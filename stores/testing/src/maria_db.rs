use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::process::{self, Process};
use crate::programs::{self, PORTS};
use crate::server_directory::ServerDirectory;
use crate::{Durability, StartError};

/// A MariaDB server, with the user `root` without a password and the database `test`.
#[derive(Debug)]
pub struct MariaDb {
    // Declared in this order, so that the server ends before its directory is removed.
    process: Option<Process>,
    directory: ServerDirectory,
    programs: Programs,
    port: u16,
    durability: Durability,
    options: Vec<String>,
}

#[derive(Debug)]
struct Programs {
    server: PathBuf,
    install: PathBuf,
    admin: PathBuf,
    client: PathBuf,
}

impl MariaDb {
    /// Makes a server and waits until it is ready: 2 to 3 seconds, and 114 MB of disk.
    ///
    /// # Errors
    /// [`StartError`] if it is not installed or does not become ready.
    pub fn start(durability: Durability) -> Result<Self, StartError> {
        let mut server = Self::prepare(durability)?;
        server.install()?;
        let mut outcome = Ok(());
        for _ in 0..PORTS {
            server.port = programs::free_port()?;
            outcome = server.run(&[], is_up);
            if outcome.is_ok() {
                break;
            }
        }
        outcome?;
        server.create_database()?;
        Ok(server)
    }

    /// An empty directory for a server.
    pub(crate) fn prepare(durability: Durability) -> Result<Self, StartError> {
        let program = |name| programs::find(name).ok_or(StartError::Missing(NAME));
        let programs = Programs {
            server: program("mariadbd")?,
            install: program("mariadb-install-db")?,
            admin: program("mariadb-admin")?,
            client: program("mariadb")?,
        };
        let server = Self {
            process: None,
            directory: ServerDirectory::new()?,
            programs,
            port: 0,
            durability,
            options: Vec::new(),
        };
        fs::create_dir(server.temporary())?;
        for directory in [server.directory.path(), &server.temporary()] {
            programs::give_away(directory).map_err(|reason| failed(&server, reason))?;
        }
        Ok(server)
    }

    /// Sets the port and more options of the server's program.
    pub(crate) fn set_options(&mut self, port: u16, options: Vec<String>) {
        self.port = port;
        self.options = options;
    }

    /// `mysql://root@127.0.0.1:PORT/test`
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The URL through a [`Proxy`](crate::Proxy) at this address.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("mysql://root@{address}/test")
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

    /// Shuts the server down. It closes connections and keeps committed data. The shutdown takes a
    /// second.
    ///
    /// # Errors
    /// If it does not end.
    pub fn stop(&mut self) -> io::Result<()> {
        let process = self.process.take();
        process.map_or(Ok(()), |process| process.stop("TERM"))
    }

    /// Starts the server again at the same address with the same data, after [`stop`](Self::stop)
    /// or [`kill9`](Self::kill9). A running server is stopped first.
    ///
    /// # Errors
    /// [`StartError`] if it does not become ready.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.stop()?;
        self.run(&[], is_up)
    }

    /// Stops the process of the server, like a virtual machine that is paused.
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

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// The value of a status variable.
    pub(crate) fn status(&self, name: &str) -> Option<String> {
        let status = process::output(self.admin().arg("extended-status")).ok()?;
        // A line is `| name | value |`.
        let value = |line: &str| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            (cells.next() == Some(name)).then(|| cells.next().unwrap_or_default().to_owned())
        };
        status.lines().find_map(value)
    }

    /// Runs statements as the user `root`.
    pub(crate) fn run_sql(&self, statements: &str) -> Result<(), StartError> {
        let mut command = self.as_root(&self.programs.client);
        command.args(["-e", statements]);
        process::run(&mut command).map_err(|reason| failed(self, reason))
    }

    pub(crate) fn create_database(&self) -> Result<(), StartError> {
        let created = process::run(self.admin().args(["create", "test"]));
        created.map_err(|reason| failed(self, reason))
    }

    pub(crate) fn install(&self) -> Result<(), StartError> {
        let mut install = self.command(&self.programs.install);
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        process::run(&mut install).map_err(|reason| failed(self, reason))
    }

    /// Starts the server, with options for this start only, and waits until it is ready.
    pub(crate) fn run(
        &mut self,
        options: &[&str],
        is_ready: fn(&Self) -> bool,
    ) -> Result<(), StartError> {
        let directory = self.directory.path();
        let mut command = self.command(&self.programs.server);
        command.arg(format!("--port={}", self.port));
        command.arg(format!("--socket={}", self.socket().display()));
        command.arg(format!(
            "--pid-file={}",
            directory.join("own-pid").display()
        ));
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve"]);
        command.arg("--max-connections=300");
        command.args(match self.durability {
            Durability::Durable => &["--innodb-flush-log-at-trx-commit=1"][..],
            Durability::Fast => &[
                "--innodb-flush-log-at-trx-commit=2",
                "--innodb-flush-method=nosync",
                "--innodb-doublewrite=0",
            ],
            Durability::Forgetful => &["--innodb-flush-log-at-trx-commit=0"],
        });
        command.args(&self.options).args(options);
        let mut process = Process::start(&mut command, directory, NAME)?;
        process
            .wait_until(|| is_ready(self))
            .map_err(|what| failed(self, what))?;
        self.process = Some(process);
        Ok(())
    }

    fn admin(&self) -> Command {
        self.as_root(&self.programs.admin)
    }

    fn as_root(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "-u", "root", "-S"]);
        command.arg(self.socket());
        command
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn temporary(&self) -> PathBuf {
        self.directory.path().join("temporary")
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = programs::unprivileged(Command::new(program));
        // `--no-defaults` must be the first argument.
        command.arg("--no-defaults");
        command.arg(format!("--datadir={}", self.data().display()));
        // At its start a server deletes the temporary tables that it finds, even those of another
        // server.
        command.env("TMPDIR", self.temporary());
        command
    }
}

fn is_up(server: &MariaDb) -> bool {
    process::run(server.admin().arg("ping")).is_ok()
}

pub(crate) fn failed(server: &MariaDb, what: impl Into<String>) -> StartError {
    process::failed(NAME, what, server.directory.path(), NAME)
}

const NAME: &str = "mariadb";
