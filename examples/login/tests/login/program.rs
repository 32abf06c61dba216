//! The program with a database of its own, and a user who types.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use countersign::testing::Phone;

use crate::support::example;

pub(crate) const PASSWORD: &str = "correct horse";

/// The lines that sign Alice up.
pub(crate) const SIGN_UP: [&str; 4] = ["up", "alice", PASSWORD, PASSWORD];

/// The prompt for the first passcode of a new authenticator.
pub(crate) const PASSCODE: &str = "for the new entry (empty: later): ";

/// The program on the database `login.db` of this directory.
pub(crate) fn program(directory: &Path) -> Command {
    let mut command = example("login");
    command
        .arg("--db")
        .arg(directory.join("login.db"))
        .current_dir(directory);
    command
}

/// One run of the program.
pub(crate) struct Talk {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Talk {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: child.stdout.take().unwrap(),
            child,
        }
    }

    pub(crate) fn type_lines(&mut self, lines: &[&str]) {
        let typed: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.input.write_all(typed.as_bytes()).unwrap();
    }

    /// Returns what the program shows up to a prompt.
    pub(crate) fn until(&mut self, prompt: &str) -> String {
        let mut shown = Vec::new();
        let mut byte = [0];
        while !shown.ends_with(prompt.as_bytes()) {
            let read = self.output.read(&mut byte).unwrap();
            assert_eq!(read, 1, "{}", String::from_utf8_lossy(&shown));
            shown.extend(byte);
        }
        String::from_utf8(shown).unwrap()
    }

    /// Ends the input, and returns what the program shows until it ends.
    pub(crate) fn end(self) -> String {
        let Self {
            mut child,
            input,
            mut output,
        } = self;
        drop(input);
        let mut shown = String::new();
        output.read_to_string(&mut shown).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{status:?}");
        shown
    }
}

/// Types these lines, and returns what the program shows.
pub(crate) fn run(command: &mut Command, lines: &[&str]) -> String {
    let mut talk = Talk::start(command);
    talk.type_lines(lines);
    talk.end()
}

/// A phone that has scanned the last link that the program showed.
pub(crate) fn phone(shown: &str) -> Phone {
    let mut lines = shown.lines().map(str::trim);
    let uri = lines.rfind(|line| line.starts_with("otpauth://"));
    Phone::scan(uri.unwrap_or_else(|| panic!("{shown}"))).unwrap()
}
