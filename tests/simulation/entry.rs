//! What one operation of a client came to.

use crate::operation::{Answer, Operation};
use countersign::store::WriteKind;
use countersign::{Rejection, Timestamp};

/// One operation of a client.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) client: usize,
    pub(crate) operation: Operation,
    /// How far the machine was with the change of keys.
    pub(crate) stage: usize,
    pub(crate) running: bool,
    /// Whether the caller was killed, or told that the effect is unknown.
    pub(crate) in_doubt: bool,
    pub(crate) told_of_success: bool,
    pub(crate) told_rejection: Option<Rejection>,
    pub(crate) told_failure: bool,
    /// The time of its last load.
    pub(crate) loaded_at: Timestamp,
    pub(crate) landed: Vec<Write>,
    /// The number of the write that used its proof up, or that its enrollment was confirmed by.
    pub(crate) proven_at: Option<usize>,
    /// What it was proven by.
    pub(crate) grounds: Option<Grounds>,
    /// The number of the write that was its success.
    pub(crate) succeeded_at: Option<usize>,
    /// Whether it created the record.
    pub(crate) has_created: bool,
    /// A driver sent one of its swaps twice.
    pub(crate) duplicated: bool,
    /// Whether there was no record when it began.
    pub(crate) begun_absent: bool,
    /// How many writes had landed when it began.
    pub(crate) begun_at: usize,
}

impl Entry {
    pub(crate) fn new(client: usize, stage: usize, operation: Operation) -> Self {
        Self {
            client,
            operation,
            stage,
            running: true,
            in_doubt: false,
            told_of_success: false,
            told_rejection: None,
            told_failure: false,
            loaded_at: Timestamp::UNIX_EPOCH,
            landed: Vec::new(),
            proven_at: None,
            grounds: None,
            succeeded_at: None,
            has_created: false,
            duplicated: false,
            begun_absent: false,
            begun_at: 0,
        }
    }

    pub(crate) fn wrote(&self, kinds: &[WriteKind]) -> bool {
        self.landed.iter().any(|write| kinds.contains(&write.kind))
    }

    /// Whether it has a right to issue codes on record, and no codes.
    pub(crate) fn left_the_old_set(&self) -> bool {
        self.wrote(&[WriteKind::Issuing]) && !self.wrote(&[WriteKind::Issued])
    }

    /// Whether its proof may be used up though nothing came of it: an issue of codes that ended between its writes.
    pub(crate) fn is_told_between_writes(&self) -> bool {
        let told = matches!(
            self.told_rejection,
            Some(Rejection::IssueExpired | Rejection::Disabled | Rejection::Absent)
        );
        self.wrote(&[WriteKind::Issuing]) && (told || self.told_failure)
    }

    /// Whether what it was told can be the effect of its own write.
    pub(crate) fn is_told_of_own_write(&self) -> bool {
        matches!(
            self.told_rejection,
            Some(
                Rejection::Replayed
                    | Rejection::BackupCodeUsed
                    | Rejection::Disabled
                    | Rejection::NoEnrollment
                    | Rejection::UnknownAuthenticator
                    | Rejection::TooManyEnrollments { .. }
                    | Rejection::TooManyIssues { .. }
                    | Rejection::IssueExpired
            )
        )
    }

    /// Whether it ends in doubt, and its right to issue codes is on record, but no codes are.
    pub(crate) fn in_doubt_between_writes(&self, answer: &Answer) -> bool {
        matches!(answer, Answer::Killed | Answer::Unsettled) && self.left_the_old_set()
    }
}

/// What a receipt of an operation stands for.
#[derive(Clone)]
pub(crate) enum Grounds {
    /// The phones, by their places, that showed the passcode: one, but for an odd chance.
    Phones(Vec<usize>),
    /// The set of codes, by the operation that issued it.
    Set(usize),
}

/// One write of an operation, and its number among all that landed.
#[derive(Clone, Copy)]
pub(crate) struct Write {
    pub(crate) kind: WriteKind,
    pub(crate) at: Timestamp,
    pub(crate) number: usize,
}
