//! Saves files that contain secrets: only their owner can read them, and no other file is
//! overwritten without asking.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::terminal::{Stop, Terminal};

/// Saves a complete file with mode 0600, and returns its path. `None`: the user chose not to save.
pub(crate) fn save(
    terminal: &mut Terminal,
    path: &Path,
    bytes: &[u8],
) -> Result<Option<PathBuf>, Stop> {
    let mut path = path.to_owned();
    let mut overwrite = false;
    loop {
        match write(&path, bytes, overwrite) {
            Ok(()) => return Ok(Some(path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let question = format_args!("{} exists already. Overwrite it?", path.display());
                if terminal.confirm(question)? {
                    overwrite = true;
                    continue;
                }
            }
            Err(error) => terminal.say(format_args!(
                "{} cannot be written: {error}.",
                path.display()
            ))?,
        }
        match terminal.ask_or_back("Another file name (empty: do not save it): ")? {
            Some(name) => (path, overwrite) = (PathBuf::from(name), false),
            None => return Ok(None),
        }
    }
}

fn write(path: &Path, bytes: &[u8], overwrite: bool) -> io::Result<()> {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    // The file has mode 0600 from the start.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let persisted = if overwrite {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    persisted.map(|_| ()).map_err(|error| error.error)
}
