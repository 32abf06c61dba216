//! The issued backup codes of the accounts, in files that every process can read.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::backup::BackupCodes;

/// An issued set of backup codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCodes {
    /// The time of the issue, which identifies the sets of one account.
    pub issued_at: u64,
    /// The codes, without spaces.
    pub codes: Vec<String>,
}

impl IssuedCodes {
    /// The set that was issued at this time.
    #[must_use]
    pub fn new(issued_at: u64, codes: &BackupCodes) -> Self {
        let codes = codes.iter().map(|code| code.replace(' ', "")).collect();
        Self { issued_at, codes }
    }

    /// Writes the set into the directory, unless a later set is there.
    pub fn publish(&self, directory: &Path, account: usize) {
        let path = path(directory, account);
        if path.exists() && Self::read(directory, account).issued_at > self.issued_at {
            return;
        }
        let draft = path.with_extension(self.issued_at.to_string());
        let text = format!("{} {}", self.issued_at, self.codes.join(" "));
        fs::write(&draft, text).unwrap();
        fs::rename(draft, path).unwrap();
    }

    /// Reads the latest set.
    #[must_use]
    pub fn read(directory: &Path, account: usize) -> Self {
        let text = fs::read_to_string(path(directory, account)).unwrap();
        let mut words = text.split(' ').map(str::to_owned);
        Self {
            issued_at: words.next().unwrap().parse().unwrap(),
            codes: words.collect(),
        }
    }
}

fn path(directory: &Path, account: usize) -> PathBuf {
    directory.join(format!("backup-codes-{account}"))
}
