use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use crate::process;

/// The path of a program: in `PATH`, or in the directories where Debian installs administrator
/// programs.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/bin".into()])
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// The directory with the programs of the newest installed PostgreSQL. Debian does not add it to
/// `PATH`.
pub(crate) fn postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .flatten()
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .filter(|(_, directory)| has_postgres(directory))
        .max();
    let in_path = || find("initdb")?.parent().map(Path::to_owned);
    newest
        .map(|(_, directory)| directory)
        .or_else(in_path)
        .filter(|directory| has_postgres(directory))
}

fn has_postgres(directory: &Path) -> bool {
    ["initdb", "postgres", "pg_isready"]
        .iter()
        .all(|name| directory.join(name).is_file())
}

/// A port that was free a moment ago. If it is in use by then, the caller tries another one.
pub(crate) fn free_port() -> io::Result<u16> {
    let [port] = free_ports()?;
    Ok(port)
}

/// Several ports that were free a moment ago.
pub(crate) fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        // Keeps the port until all are chosen, so that no two are equal.
        listeners.push(listener);
    }
    Ok(ports)
}

/// A program, run as another user if this process runs as root. Some servers refuse to run as root.
pub(crate) fn unprivileged(command: Command) -> Command {
    if !is_root() {
        return command;
    }
    let mut as_user = Command::new("setpriv");
    as_user.args([&format!("--reuid={USER}"), &format!("--regid={GROUP}")]);
    as_user.arg("--clear-groups").arg(command.get_program());
    as_user
}

/// Gives a directory to the user of [`unprivileged`] programs.
pub(crate) fn give_away(directory: &Path) -> Result<(), String> {
    if !is_root() {
        return Ok(());
    }
    process::run(Command::new("chown").arg(USER).arg(directory))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

const USER: &str = "nobody";
const GROUP: &str = "nogroup";

/// The number of ports to try for a server.
pub(crate) const PORTS: usize = 5;
