//! What clients tried, and what they were told: files that are only appended to, one for each process, and so survive it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Try {
    /// The passcode of a time step.
    Passcode(u64),
    /// A code that is wrong, whatever it looks like.
    Wrong,
    /// A backup code: the time at which its set was issued, and its place in it.
    Code(u64, usize),
    /// Backup codes are issued, with the passcode of a time step as the proof.
    Issue(u64),
}

/// What the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was accepted. With a set of codes if that was asked for.
    Accepted(Vec<String>),
    /// It was rejected, and why.
    Rejected(String),
    /// It cannot be known what became of it.
    Unsettled,
    /// It failed in another way.
    Failed(String),
}

/// One attempt. It is named by its account and by the time at which it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried.
    pub what: Try,
    /// What the client was told; `None` if it was killed before.
    pub answer: Option<Answer>,
}

impl Attempt {
    /// The client was told that it is accepted.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self.answer, Some(Answer::Accepted(_)))
    }

    /// The client was told of an answer that stands for a passcode that is spent: that it is accepted, or that the codes
    /// for which it was the proof came too late.
    #[must_use]
    pub fn spends_passcode(&self) -> bool {
        self.has_passcode() && (self.is_accepted() || self.is_too_late())
    }

    /// The proof for new codes was accepted, and the codes were not stored in time.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        self.is_issue()
            && matches!(&self.answer, Some(Answer::Rejected(why)) if why == "IssueExpired")
    }

    /// Nobody was told whether the passcode is spent. Codes are issued by two writes, and the second one's error does not
    /// tell what became of the first.
    #[must_use]
    pub const fn may_spend_passcode(&self) -> bool {
        self.has_passcode()
            && (self.is_unknown()
                || self.is_issue() && matches!(self.answer, Some(Answer::Failed(_))))
    }

    /// The client was told of a failure that is counted.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let counted = ["WrongCode", "BackupCodeUsed"];
        matches!(&self.answer, Some(Answer::Rejected(why)) if counted.contains(&why.as_str()))
    }

    /// The client was told a verdict.
    #[must_use]
    pub const fn has_verdict(&self) -> bool {
        matches!(self.answer, Some(Answer::Accepted(_) | Answer::Rejected(_)))
    }

    /// Nobody was told whether it had an effect.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self.answer, None | Some(Answer::Unsettled))
    }

    /// A passcode was spent, if it was accepted.
    #[must_use]
    pub const fn has_passcode(&self) -> bool {
        matches!(self.what, Try::Passcode(_) | Try::Issue(_))
    }

    /// Codes were issued, if it was accepted.
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
    /// Opens a journal of this name in the folder of a storm.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name).with_extension(EXTENSION);
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self(Mutex::new(file)))
    }

    /// Notes what is about to be tried.
    pub fn begin(&self, account: usize, at: u64, what: &Try) {
        let what = match what {
            Try::Passcode(step) => format!("passcode {step}"),
            Try::Wrong => "wrong".to_owned(),
            Try::Code(set, place) => format!("code {set} {place}"),
            Try::Issue(step) => format!("issue {step}"),
        };
        self.write(&format!("begin {account} {at} {what}\n"));
    }

    /// Notes what came of it.
    pub fn end(&self, account: usize, at: u64, answer: &Answer) {
        let answer = match answer {
            Answer::Accepted(codes) => format!("accepted {}", codes.join(" ")),
            Answer::Rejected(why) => format!("rejected {why}"),
            Answer::Unsettled => "unsettled".to_owned(),
            Answer::Failed(why) => format!("failed {}", why.replace('\n', " ")),
        };
        self.write(&format!("end {account} {at} {answer}\n"));
    }

    /// One call of the system for a line, so that a line is there or not.
    fn write(&self, line: &str) {
        self.0.lock().unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// How many bytes the journals of a storm have: it grows as long as the storm gets on.
///
/// # Errors
/// If the folder cannot be read.
pub fn length(folder: &Path) -> io::Result<u64> {
    let mut length = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|is| is == EXTENSION) {
            length += entry.metadata()?.len();
        }
    }
    Ok(length)
}

/// Reads all journals of a storm.
///
/// # Errors
/// If they cannot be read.
pub fn read(folder: &Path) -> io::Result<Attempts> {
    let mut attempts = Attempts::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|is| is == EXTENSION) {
            parse(&fs::read_to_string(path)?, &mut attempts);
        }
    }
    Ok(attempts)
}

fn parse(text: &str, attempts: &mut Attempts) {
    // A line that its process could not finish is as good as none: what it tells of had not begun, or was not told.
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
    fn what_is_written_is_read_and_a_torn_line_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), "1").unwrap();
        let other = Journal::open(folder.path(), "2").unwrap();
        let codes = vec!["12345678".to_owned(), "23456789".to_owned()];
        let tries = [
            (Try::Passcode(7), Some(Answer::Accepted(vec![]))),
            (Try::Wrong, Some(Answer::Rejected("WrongCode".into()))),
            (Try::Code(5, 9), Some(Answer::Unsettled)),
            (Try::Issue(8), Some(Answer::Accepted(codes))),
            (Try::Wrong, Some(Answer::Failed("no server".into()))),
            (Try::Passcode(9), None),
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
        assert_eq!(read(folder.path()).unwrap(), expected);
        assert!(length(folder.path()).unwrap() > 100);
    }
}
