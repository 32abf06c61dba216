//! The backup codes of an account, where every process finds them.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::backup::BackupCodes;

/// A set of backup codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// When it was issued, which tells sets of one account apart.
    pub issued_at: u64,
    /// The codes, without spaces.
    pub codes: Vec<String>,
}

impl Sheet {
    /// A set that was issued at a time.
    #[must_use]
    pub fn new(issued_at: u64, codes: &BackupCodes) -> Self {
        let codes = codes.iter().map(|code| code.replace(' ', "")).collect();
        Self { issued_at, codes }
    }

    /// Puts it where every process finds it, unless a later one is there.
    pub fn publish(&self, folder: &Path, account: usize) {
        let path = path(folder, account);
        if path.exists() && Self::read(folder, account).issued_at > self.issued_at {
            return;
        }
        let draft = path.with_extension(self.issued_at.to_string());
        let text = format!("{} {}", self.issued_at, self.codes.join(" "));
        fs::write(&draft, text).unwrap();
        fs::rename(draft, path).unwrap();
    }

    /// The set that was published last.
    #[must_use]
    pub fn read(folder: &Path, account: usize) -> Self {
        let text = fs::read_to_string(path(folder, account)).unwrap();
        let mut words = text.split(' ').map(str::to_owned);
        Self {
            issued_at: words.next().unwrap().parse().unwrap(),
            codes: words.collect(),
        }
    }
}

fn path(folder: &Path, account: usize) -> PathBuf {
    folder.join(format!("sheet-{account}"))
}
