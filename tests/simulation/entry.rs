//! What one operation of a client did, and its answer.

use crate::operation::{Answer, Operation};
use countersign::store::WriteKind;
use countersign::{Rejection, Timestamp};

/// One operation of a client.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) client: usize,
    pub(crate) operation: Operation,
    /// The stage of the server's key rotation.
    pub(crate) stage: usize,
    pub(crate) running: bool,
    /// Whether the caller was killed, or the answer was that the effect is unknown.
    pub(crate) in_doubt: bool,
    pub(crate) answered_success: bool,
    pub(crate) answered_rejection: Option<Rejection>,
    pub(crate) answered_failure: bool,
    /// The time of its last load.
    pub(crate) loaded_at: Timestamp,
    pub(crate) landed: Vec<Write>,
    /// The number of the write that used up the proof, or that confirmed the enrollment.
    pub(crate) proven_at: Option<usize>,
    /// What the proof was.
    pub(crate) grounds: Option<Grounds>,
    /// The number of the write that completed the operation.
    pub(crate) succeeded_at: Option<usize>,
    /// Whether the operation created the record.
    pub(crate) has_created: bool,
    /// Whether a driver sent one of the writes twice.
    pub(crate) duplicated: bool,
    /// Whether there was no record when the operation began.
    pub(crate) begun_absent: bool,
    /// How many writes had landed when the operation began.
    pub(crate) begun_at: usize,
    /// What the counted attempt took.
    pub(crate) charge: Charge,
    /// The device and the number of the token that the answer carries.
    pub(crate) next: Option<(usize, u32)>,
}

/// What a counted attempt took: a guess of the budget, or a failure of this device.
#[derive(Clone, Copy)]
pub(crate) enum Charge {
    Budget,
    Device(Option<usize>),
}

impl Entry {
    pub(crate) fn new(client: usize, stage: usize, operation: Operation) -> Self {
        Self {
            client,
            operation,
            stage,
            running: true,
            in_doubt: false,
            answered_success: false,
            answered_rejection: None,
            answered_failure: false,
            loaded_at: Timestamp::UNIX_EPOCH,
            landed: Vec::new(),
            proven_at: None,
            grounds: None,
            succeeded_at: None,
            has_created: false,
            duplicated: false,
            begun_absent: false,
            begun_at: 0,
            charge: Charge::Budget,
            next: None,
        }
    }

    pub(crate) fn wrote(&self, kinds: &[WriteKind]) -> bool {
        self.landed.iter().any(|write| kinds.contains(&write.kind))
    }

    /// Whether the operation has stored a right to issue codes, but no codes.
    pub(crate) fn stored_only_the_right(&self) -> bool {
        self.wrote(&[WriteKind::Issuing])
            && !self.wrote(&[WriteKind::Issued, WriteKind::IssuedPending])
    }

    /// Whether the proof may be used up without success: an issue of codes that ended between its
    /// writes.
    pub(crate) fn is_answered_between_writes(&self) -> bool {
        let has_ended = matches!(
            self.answered_rejection,
            Some(Rejection::IssueExpired | Rejection::Disabled | Rejection::Absent)
        );
        self.wrote(&[WriteKind::Issuing]) && (has_ended || self.answered_failure)
    }

    /// Whether the operation's own write can have caused the answer.
    pub(crate) fn is_answered_by_own_write(&self) -> bool {
        matches!(
            self.answered_rejection,
            Some(
                Rejection::Replayed
                    | Rejection::ReplayedAhead { .. }
                    | Rejection::BackupCodeUsed
                    | Rejection::Disabled
                    | Rejection::NoEnrollment
                    | Rejection::UnknownAuthenticator
                    | Rejection::TooManyEnrollments { .. }
                    | Rejection::TooManyIssues { .. }
                    | Rejection::IssueExpired
                    | Rejection::UnknownDevice
                    | Rejection::NoPendingCodes
            )
        )
    }

    /// Whether the effect is unknown to the caller, and a right to issue is stored but no codes
    /// are.
    pub(crate) fn in_doubt_between_writes(&self, answer: &Answer) -> bool {
        matches!(answer, Answer::Killed | Answer::Unsettled) && self.stored_only_the_right()
    }
}

/// What the accepted code of an operation came from.
#[derive(Clone)]
pub(crate) enum Grounds {
    /// The indices of the phones that showed the passcode. Two phones rarely show the same one.
    Phones(Vec<usize>),
    /// The set of codes, by the operation that issued it.
    Set(usize),
}

/// One write of an operation, and its number among all landed writes.
#[derive(Clone, Copy)]
pub(crate) struct Write {
    pub(crate) kind: WriteKind,
    pub(crate) at: Timestamp,
    pub(crate) number: usize,
}
