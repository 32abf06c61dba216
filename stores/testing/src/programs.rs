use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

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
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether this process runs as root. Some servers refuse to run as root.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The number of ports to try for a server.
pub(crate) const PORTS: usize = 5;
