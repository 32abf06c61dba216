//! The attempts of the clients and their results. Each process appends to a file of its own. The
//! file survives the process.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

/// What an attempt tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Try {
    /// The passcode of a time step.
    Passcode(u64),
    /// Consecutive passcodes: the last time step of the row.
    Row(u64),
    /// Consecutive passcodes, of which one is wrong.
    WrongRow,
    /// A wrong passcode or backup code.
    Wrong,
    /// A backup code: the time at which its set was issued, and its position in the set.
    Code(u64, usize),
    /// An issue of backup codes, with the passcode of a time step as the proof.
    Issue(u64),
}

/// The result that the client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Accepted. Contains the backup codes of an issue.
    Accepted(Vec<String>),
    /// Rejected, with the reason.
    Rejected(String),
    /// The error says that the effect is unknown.
    Unsettled,
    /// Another error.
    Failed(String),
}

/// One attempt. Its account and its time identify it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried.
    pub what: Try,
    /// The result that the client got; `None` if the client was killed before.
    pub answer: Option<Answer>,
}

impl Attempt {
    /// Whether the client got the result `Accepted`.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self.answer, Some(Answer::Accepted(_)))
    }

    /// Whether the client got a result that implies a used passcode: accepted, or new backup codes
    /// that were not stored in time.
    #[must_use]
    pub fn uses_passcode(&self) -> bool {
        self.has_passcode() && (self.is_accepted() || self.is_too_late())
    }

    /// Whether the passcode for new backup codes was accepted and the codes were not stored in
    /// time.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        self.is_issue()
            && matches!(&self.answer, Some(Answer::Rejected(why)) if why == "IssueExpired")
    }

    /// Whether the passcode may be used although no result says so. An issue takes two writes, and
    /// an error of the second one does not show the effect of the first.
    #[must_use]
    pub const fn may_use_passcode(&self) -> bool {
        self.has_passcode()
            && (self.is_unknown()
                || self.is_issue() && matches!(self.answer, Some(Answer::Failed(_))))
    }

    /// Whether the client got a failure that counts. Wrong rows do not count.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let counted = ["WrongCode", "BackupCodeUsed"];
        let is_row = matches!(self.what, Try::Row(_) | Try::WrongRow);
        matches!(&self.answer, Some(Answer::Rejected(why)) if counted.contains(&why.as_str()))
            && !is_row
    }

    /// Whether the client was accepted or rejected.
    #[must_use]
    pub const fn has_result(&self) -> bool {
        matches!(self.answer, Some(Answer::Accepted(_) | Answer::Rejected(_)))
    }

    /// Whether no result shows the effect of the attempt.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self.answer, None | Some(Answer::Unsettled))
    }

    /// Whether the attempt uses up a passcode if it is accepted.
    #[must_use]
    pub const fn has_passcode(&self) -> bool {
        matches!(self.what, Try::Passcode(_) | Try::Row(_) | Try::Issue(_))
    }

    /// Whether the attempt issues backup codes if it is accepted.
    #[must_use]
    pub const fn is_issue(&self) -> bool {
        matches!(self.what, Try::Issue(_))
    }
}

/// The attempts of all processes, by account and time.
pub type Attempts = BTreeMap<(usize, u64), Attempt>;

/// The journal of this process.
#[derive(Debug)]
pub struct Journal(Mutex<File>);

impl Journal {
    /// Opens a journal of this name in the directory of a test.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(directory: &Path, name: &str) -> io::Result<Self> {
        let path = directory.join(name).with_extension(EXTENSION);
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self(Mutex::new(file)))
    }

    /// Writes an attempt before it is made.
    pub fn begin(&self, account: usize, at: u64, what: &Try) {
        let what = match what {
            Try::Passcode(step) => format!("passcode {step}"),
            Try::Row(last) => format!("row {last}"),
            Try::WrongRow => "wrong-row".to_owned(),
            Try::Wrong => "wrong".to_owned(),
            Try::Code(set, place) => format!("code {set} {place}"),
            Try::Issue(step) => format!("issue {step}"),
        };
        self.write(&format!("begin {account} {at} {what}\n"));
    }

    /// Writes the result of an attempt.
    pub fn end(&self, account: usize, at: u64, answer: &Answer) {
        let answer = match answer {
            Answer::Accepted(codes) => format!("accepted {}", codes.join(" ")),
            Answer::Rejected(why) => format!("rejected {why}"),
            Answer::Unsettled => "unsettled".to_owned(),
            Answer::Failed(why) => format!("failed {}", why.replace('\n', " ")),
        };
        self.write(&format!("end {account} {at} {answer}\n"));
    }

    /// Writes a line with one system call, so that the line is complete or missing.
    fn write(&self, line: &str) {
        self.0.lock().unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// The number of bytes of all journals of a test. It grows while the clients make progress.
///
/// # Errors
/// If the directory cannot be read.
pub fn length(directory: &Path) -> io::Result<u64> {
    let mut length = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|is| is == EXTENSION) {
            length += entry.metadata()?.len();
        }
    }
    Ok(length)
}

/// Reads all journals of a test.
///
/// # Errors
/// If they cannot be read.
pub fn read(directory: &Path) -> io::Result<Attempts> {
    let mut attempts = Attempts::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|is| is == EXTENSION) {
            parse(&fs::read_to_string(path)?, &mut attempts);
        }
    }
    Ok(attempts)
}

fn parse(text: &str, attempts: &mut Attempts) {
    // Ignores an incomplete last line: its attempt had not begun, or its client had not got the
    // result.
    for line in text
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
    {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let mut word = || words.next().unwrap_or_default();
        let number = |word: &str| word.parse::<u64>().unwrap_or_else(|_| panic!("{line}"));
        let (entry, account, at) = (word(), number(word()), number(word()));
        let key = (usize::try_from(account).unwrap(), at);
        match (entry, word()) {
            ("begin", kind) => {
                let what = match kind {
                    "passcode" => Try::Passcode(number(word())),
                    "row" => Try::Row(number(word())),
                    "wrong-row" => Try::WrongRow,
                    "wrong" => Try::Wrong,
                    "code" => Try::Code(number(word()), usize::try_from(number(word())).unwrap()),
                    "issue" => Try::Issue(number(word())),
                    _ => panic!("{line}"),
                };
                let attempt = Attempt { what, answer: None };
                assert_eq!(attempts.insert(key, attempt), None, "a second {line}");
            }
            ("end", answer) => {
                let rest: Vec<_> = words.map(str::to_owned).collect();
                let answer = match answer {
                    "accepted" => Answer::Accepted(rest),
                    "rejected" => Answer::Rejected(rest.join(" ")),
                    "unsettled" => Answer::Unsettled,
                    "failed" => Answer::Failed(rest.join(" ")),
                    _ => panic!("{line}"),
                };
                attempts.get_mut(&key).unwrap().answer = Some(answer);
            }
            _ => panic!("{line}"),
        }
    }
}

const EXTENSION: &str = "journal";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_reads_back_without_torn_lines() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal::open(directory.path(), "1").unwrap();
        let other = Journal::open(directory.path(), "2").unwrap();
        let codes = vec!["12345678".to_owned(), "23456789".to_owned()];
        let tries = [
            (Try::Passcode(7), Some(Answer::Accepted(vec![]))),
            (Try::Wrong, Some(Answer::Rejected("WrongCode".into()))),
            (Try::Code(5, 9), Some(Answer::Unsettled)),
            (Try::Issue(8), Some(Answer::Accepted(codes))),
            (Try::Wrong, Some(Answer::Failed("no server".into()))),
            (Try::Passcode(9), None),
            (Try::Row(12), Some(Answer::Accepted(vec![]))),
            (Try::WrongRow, Some(Answer::Rejected("WrongCode".into()))),
        ];
        let mut expected = Attempts::new();
        for (at, (what, answer)) in (1..).zip(tries) {
            journal.begin(3, at, &what);
            if let Some(answer) = &answer {
                journal.end(3, at, answer);
            }
            expected.insert((3, at), Attempt { what, answer });
        }
        other.write("begin 2 1 wrong\nend 2 1 accep");
        let what = Try::Wrong;
        expected.insert((2, 1), Attempt { what, answer: None });
        assert_eq!(read(directory.path()).unwrap(), expected);
        assert!(length(directory.path()).unwrap() > 100);
    }
}
