//! The files of the program.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use countersign::runtime::{Clock, SystemClock};

use crate::program::{PASSCODE, SIGN_UP, Talk, phone, program};

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

/// The program in a directory that its user owns. Root can open every directory, so that user is not
/// root.
fn program_without_root(directory: &Path) -> Command {
    let program = program(directory);
    if fs::metadata(directory).unwrap().uid() != 0 {
        return program;
    }
    chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    // Other users may not reach the directory with the examples.
    let copy = directory.join("login");
    let mut copying = Command::new("cp");
    copying.arg(program.get_program()).arg(&copy);
    assert!(copying.status().unwrap().success());
    let mut command = Command::new(copy);
    command.args(program.get_args()).current_dir(directory);
    command.uid(NOBODY).gid(NOBODY);
    command
}

const NOBODY: u32 = 65534;

#[test]
fn codes_are_saved_only_in_a_synced_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = program_without_root(directory.path());
    // The program can create files in this directory, and cannot open it to sync it.
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let owner = fs::metadata(directory.path()).unwrap();
    chown(&closed, Some(owner.uid()), Some(owner.gid())).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o300)).unwrap();

    let mut alice = Talk::start(&mut program);
    alice.type_lines(&[&SIGN_UP[..], &["enroll", ""]].concat());
    let phone = phone(&alice.until(PASSCODE));
    alice.type_lines(&[&phone.passcode(SystemClock.now()), "codes", "first.txt"]);
    alice.until("Saved in first.txt.");
    alice.type_lines(&["codes", "closed/second.txt", "", "quit"]);
    let shown = alice.end();

    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(shown.contains("cannot be synced"), "{shown}");
    assert!(
        shown.contains("Your earlier codes work until you use one of these."),
        "{shown}"
    );
    assert_eq!(fs::read_dir(&closed).unwrap().count(), 0);
}
