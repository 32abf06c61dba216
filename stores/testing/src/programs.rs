use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where a program is: in the path, or where Debian keeps what only the administrator runs.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/bin".into()])
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// The folder of PostgreSQL's programs, of the newest version that is installed. Debian does not put them in the path.
pub(crate) fn postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .flatten()
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .filter(|(_, folder)| has_postgres(folder))
        .max();
    let in_path = || find("initdb")?.parent().map(Path::to_owned);
    newest
        .map(|(_, folder)| folder)
        .or_else(in_path)
        .filter(|folder| has_postgres(folder))
}

fn has_postgres(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_isready"]
        .iter()
        .all(|name| folder.join(name).is_file())
}

/// A port that was free a moment ago. Whoever uses it tries another when it is taken by then.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether this process may do anything, which some servers refuse to.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// How often a server is started on another port.
pub(crate) const PORTS: usize = 5;
