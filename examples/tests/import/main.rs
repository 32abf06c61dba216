//! The example `import`: its report and exit statuses, its key file, the lines that it refuses, and
//! runs that are killed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod files;
#[cfg(feature = "slow-tests")]
mod kills;
mod pskc;
mod refusals;
mod sign_in;
#[path = "../support/mod.rs"]
mod support;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use countersign::Timestamp;
use countersign::otp::{Algorithm, Digits, Period, Totp};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::example;

/// A directory with a database and its key.
struct Directory(TempDir);

/// What a run printed.
struct Output {
    status: i32,
    report: Value,
    errors: String,
    /// Standard output and standard error.
    all: String,
}

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn db(&self) -> PathBuf {
        self.file("accounts.db")
    }

    fn key(&self) -> PathBuf {
        self.file("accounts.key")
    }

    /// The program on this database, with the lines as standard input.
    fn command(&self, lines: &str) -> Command {
        let mut rows = File::create(self.file("rows.jsonl")).unwrap();
        rows.write_all(lines.as_bytes()).unwrap();
        let mut command = example("import");
        command
            .arg("--db")
            .arg(self.db())
            .arg("--key")
            .arg(self.key())
            .stdin(File::open(self.file("rows.jsonl")).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn import(&self, lines: &str) -> Output {
        run(&mut self.command(lines))
    }

    fn check(&self, account: &str, time: u64, code: &str) -> Output {
        let mut command = example("import");
        command
            .args(["check", "--account", account, "--time", &time.to_string()])
            .arg("--db")
            .arg(self.db())
            .arg("--key")
            .arg(self.key())
            .args(["--", code]);
        run(&mut command)
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let last = printed.lines().last().unwrap_or_default();
    Output {
        status: output.status.code().unwrap(),
        report: serde_json::from_str(last).unwrap_or_default(),
        all: format!("{printed}{errors}"),
        errors,
    }
}

/// The report of a run that refused nothing.
fn report(imported: u64, already: u64) -> Value {
    json!({"imported": imported, "already": already, "refused": []})
}

/// The secret of an account.
fn secret(number: u32) -> [u8; 20] {
    let mut secret = [0x5a; 20];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    secret
}

/// A line with one authenticator.
fn line(number: u32) -> String {
    let secret = BASE32_NOPAD.encode(&secret(number));
    let phone = json!({
        "type": "totp", "secret": secret, "name": "phone", "added_at": 1_600_000_000,
        "last_step": 1000,
    });
    let line = json!({"account": number.to_string(), "authenticators": [phone]});
    format!("{line}\n")
}

fn lines(numbers: impl IntoIterator<Item = u32>) -> String {
    numbers.into_iter().map(line).collect()
}

/// The time of the sign-ins, long after the imports.
const NOW: u64 = 4_000_000_000;

fn passcode(number: u32, time: u64) -> String {
    let (algorithm, digits) = (Algorithm::Sha1, Digits::SIX);
    let totp = Totp::new(&secret(number), algorithm, digits, Period::THIRTY_SECONDS);
    let passcode = totp.generate(Timestamp::from_unix(time));
    passcode.expose().to_owned()
}

#[test]
fn a_second_run_imports_nothing() {
    let directory = Directory::new();
    let first = directory.import(&lines(0..2500));
    assert_eq!((first.status, first.report), (0, report(2500, 0)));
    let second = directory.import(&lines(0..2501));
    assert_eq!((second.status, second.report), (0, report(1, 2500)));
    assert_eq!(second.errors, "");
}

#[test]
fn an_account_in_two_lines_is_imported_once() {
    let directory = Directory::new();
    let other = line(1).replace(r#""phone""#, r#""old phone""#);
    let output = directory.import(&format!("{}{}{other}", line(1), line(1)));
    assert_eq!(output.status, 1);
    assert_eq!(output.report["imported"], 1);
    assert_eq!(output.report["already"], 1);
    let refused = output.report["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&refused[0]["line"], &refused[0]["account"]),
        (&json!(3), &json!("1"))
    );
    let error = refused[0]["error"].as_str().unwrap();
    assert!(error.starts_with("account: the account has"), "{error}");
}

#[test]
fn wrong_arguments_are_status_2() {
    let directory = Directory::new();
    for arguments in [
        vec![],
        vec!["--db", "x"],
        vec!["--db", "x", "--key", "y", "--min-bits", "7"],
        vec!["--db", "x", "--key", "y", "--min-bits", "129"],
        vec!["--db", "x", "--key", "y", "--dry"],
        vec!["check", "--db", "x", "--key", "y", "123456"],
        vec![
            "check",
            "--db",
            "x",
            "--key",
            "y",
            "--account",
            "",
            "123456",
        ],
        vec![
            "check",
            "--db",
            "x",
            "--key",
            "y",
            "--account",
            "1",
            "--time",
            "noon",
            "1",
        ],
        vec!["check", "--db", "x", "--key", "y", "--account", "1"],
    ] {
        let mut command = example("import");
        command
            .args(&arguments)
            .stdin(Stdio::null())
            .current_dir(directory.0.path());
        let output = run(&mut command);
        assert_eq!(output.status, 2, "{arguments:?}: {}", output.errors);
        assert!(!directory.file("x").exists() && !directory.file("y").exists());
    }
}
