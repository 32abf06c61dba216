//! The program that an earlier version was built into.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

pub(crate) struct EarlierBuild(OsString);

impl EarlierBuild {
    /// The program, or `None` if it was not built.
    pub(crate) fn find() -> Option<Self> {
        let program = env::var_os("COUNTERSIGN_EARLIER");
        if program.is_none() {
            eprintln!("skipped: run tests/compatibility/run, which builds an earlier version");
        }
        program.map(Self)
    }

    /// The records that it writes.
    pub(crate) fn write(&self) -> String {
        self.run("write", "")
    }

    /// What it reads in these records.
    pub(crate) fn open(&self, lines: &str) -> String {
        self.run("open", lines)
    }

    fn run(&self, task: &str, input: &str) -> String {
        let mut program = Command::new(&self.0)
            .arg(task)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = program.stdin.take().unwrap();
        let output = thread::scope(|scope| {
            // A thread of its own writes, so that no full pipe stops both programs.
            scope.spawn(move || stdin.write_all(input.as_bytes()).unwrap());
            program.wait_with_output().unwrap()
        });
        assert!(output.status.success(), "{:?}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }
}
