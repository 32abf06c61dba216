//! Saves files that contain secrets: only their owner can read them, and no other file is
//! overwritten without asking.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use countersign_login::private_file::{self, Existing};

use crate::terminal::{Stop, Terminal};

/// Saves a complete file with mode 0600, which survives a power failure. Returns its path, or `None`
/// if the user chose not to save.
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
            Err(error) => {
                terminal.say(format_args!("{} cannot be saved: {error}.", path.display()))?;
            }
        }
        match terminal.ask_or_back("Another file name (empty: do not save it): ")? {
            Some(name) => (path, overwrite) = (PathBuf::from(name), false),
            None => return Ok(None),
        }
    }
}

fn write(path: &Path, bytes: &[u8], overwrite: bool) -> io::Result<()> {
    // A file with these bytes is written again, because others may be able to read it.
    let existing = match overwrite || fs::read(path).is_ok_and(|found| found == bytes) {
        true => Existing::Replace,
        false => Existing::Keep,
    };
    private_file::write(path, bytes, existing)?;
    private_file::sync_directory(path).map_err(|error| {
        // The caller says that the file is not saved.
        _ = fs::remove_file(path);
        io::Error::other(format!(
            "a power failure could remove it, because its directory cannot be synced ({error})"
        ))
    })
}
