//! The files of the program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::program::{SIGN_UP, Talk, program};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_can_read_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let program = program(directory.path());
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"umask 022; exec "$0" "$@""#])
        .arg(program.get_program())
        .args(program.get_args());
    let mut alice = Talk::start(&mut command);
    alice.type_lines(&SIGN_UP);
    alice.until("what next? ");
    for name in ["login.db", "login.db-wal", "login.db-shm", "login.db.key"] {
        assert_eq!(mode(&directory.path().join(name)), 0o600, "{name}");
    }
    alice.end();
}
