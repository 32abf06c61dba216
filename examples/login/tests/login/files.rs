//! The files of the program.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::runtime::{Clock, SystemClock};
use countersign::testing::Phone;
use tempfile::TempDir;

use crate::connect;
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

/// Alice looks at the QR code of her enrollment. The image is in `qr.png`.
struct Scanning {
    directory: TempDir,
    alice: Talk,
    phone: Phone,
}

impl Scanning {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut alice = Talk::start(program(directory.path()).args(["--qr", "qr.png"]));
        alice.type_lines(&[&SIGN_UP[..], &["enroll", ""]].concat());
        let shown = alice.until(PASSCODE);
        assert!(shown.contains("The file is removed when"), "{shown}");
        let scanning = Self {
            phone: phone(&shown),
            directory,
            alice,
        };
        assert_eq!(mode(&scanning.image()), 0o600);
        scanning
    }

    fn image(&self) -> PathBuf {
        self.directory.path().join("qr.png")
    }

    fn code(&self) -> String {
        self.phone.passcode(SystemClock.now())
    }

    /// Types these lines. Returns what the program shows until it ends, and whether the image is
    /// still there.
    fn end(mut self, lines: &[&str]) -> (String, bool) {
        let image = self.image();
        self.alice.type_lines(lines);
        (self.alice.end(), image.exists())
    }
}

#[test]
fn a_failing_statement_does_not_keep_the_image() {
    let scanning = Scanning::new();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE OF enrollment ON users BEGIN
        SELECT RAISE(ABORT, 'refused by the test'); END";
    let connection = connect(scanning.directory.path());
    connection.execute_batch(refuse).unwrap();
    let code = scanning.code();
    let (shown, image_stays) = scanning.end(&[&code]);
    assert!(shown.contains("refused by the test"), "{shown}");
    assert!(shown.contains("Confirmed."), "{shown}");
    assert!(!image_stays);
}

#[test]
fn the_user_reads_that_an_image_stays() {
    let scanning = Scanning::new();
    fs::remove_file(scanning.image()).unwrap();
    fs::create_dir(scanning.image()).unwrap();
    let code = scanning.code();
    let (shown, _) = scanning.end(&[&code]);
    assert!(shown.contains("qr.png cannot be removed"), "{shown}");
    assert!(shown.contains("Confirmed."), "{shown}");
}

#[test]
fn a_removed_image_is_no_error() {
    let scanning = Scanning::new();
    fs::remove_file(scanning.image()).unwrap();
    let code = scanning.code();
    let (shown, _) = scanning.end(&[&code]);
    assert!(!shown.contains("cannot be removed"), "{shown}");
    assert!(shown.contains("Confirmed."), "{shown}");
}

#[test]
fn no_image_stays_when_the_user_goes_back() {
    let scanning = Scanning::new();
    let (_, image_stays) = scanning.end(&[""]);
    assert!(!image_stays);
}

#[test]
fn no_image_stays_when_the_input_ends() {
    let (_, image_stays) = Scanning::new().end(&[]);
    assert!(!image_stays);
}

#[test]
fn an_image_that_others_can_read_is_replaced() {
    let mut scanning = Scanning::new();
    let image = fs::read(scanning.image()).unwrap();
    scanning.alice.type_lines(&[""]);
    scanning.alice.until("what next? ");
    // As after a kill, if the user then lets others read the file.
    fs::write(scanning.image(), image).unwrap();
    fs::set_permissions(scanning.image(), fs::Permissions::from_mode(0o644)).unwrap();
    scanning.alice.type_lines(&["confirm"]);
    scanning.alice.until(PASSCODE);
    assert_eq!(mode(&scanning.image()), 0o600);
}
