//! Files with secrets in them: for their owner alone, and never over another file without asking.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::terminal::{Stop, Terminal};

/// Saves a file with mode 0600, whole or not at all, and says where. `None`: the person decided against it.
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
                let question = format_args!("{} is there already. Overwrite it?", path.display());
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
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Its mode is 0600 from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let persisted = if overwrite {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    persisted.map(|_| ()).map_err(|error| error.error)
}
