use super::{Revision, Summary};
use core::fmt;

/// One conditional write: what must be there, and what is to be there instead.
///
/// ```
/// use countersign::KeyId;
/// use countersign::store::{ConditionalWrite, Revision, Summary, WriteKind};
///
/// let (old, new) = (Revision::from_i64(41)?, Revision::from_i64(1_000_003)?);
/// let summary = Summary::new(true, 10, KeyId::new(1));
/// let swap = ConditionalWrite::put(Some(old), new, b"sealed", WriteKind::Accepted, summary);
/// assert_eq!(swap.expected(), Some(old));
/// assert_eq!(swap.record(), Some(&b"sealed"[..]));
/// # Ok::<(), countersign::store::RevisionError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConditionalWrite<'a> {
    expected: Option<Revision>,
    revision: Revision,
    record: Option<&'a [u8]>,
    kind: WriteKind,
    summary: Summary,
}

impl<'a> ConditionalWrite<'a> {
    /// Writes `record` under `revision` if the account's revision is `expected` (`None`: if it has no record).
    #[must_use]
    pub const fn put(
        expected: Option<Revision>,
        revision: Revision,
        record: &'a [u8],
        kind: WriteKind,
        summary: Summary,
    ) -> Self {
        Self {
            expected,
            revision,
            record: Some(record),
            kind,
            summary,
        }
    }

    /// Erases the account's record if its revision is `expected`. `revision` names this write, and is kept by no row.
    #[must_use]
    pub const fn erase(expected: Revision, revision: Revision, summary: Summary) -> Self {
        Self {
            expected: Some(expected),
            revision,
            record: None,
            kind: WriteKind::Erased,
            summary,
        }
    }

    /// The revision that the account's record must have, or `None` if there must be no record.
    #[must_use]
    pub const fn expected(&self) -> Option<Revision> {
        self.expected
    }

    /// The revision of the record after the swap.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The bytes to keep, or `None` to erase the record.
    #[must_use]
    pub const fn record(&self) -> Option<&'a [u8]> {
        self.record
    }

    /// What the swap does, for the host's own transaction.
    #[must_use]
    pub const fn kind(&self) -> WriteKind {
        self.kind
    }

    /// What may be kept in plain columns beside the record.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }
}

impl fmt::Debug for ConditionalWrite<'_> {
    /// Shows the length of the record, not its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ConditionalWrite");
        debug
            .field("expected", &self.expected)
            .field("revision", &self.revision);
        match self.record {
            Some(record) => debug.field("record", &format_args!("{} bytes", record.len())),
            None => debug.field("record", &format_args!("none")),
        };
        debug
            .field("kind", &self.kind)
            .field("summary", &self.summary)
            .finish()
    }
}

/// What a swap does to an account's second factor, for a store that works in the host's own transaction.
///
/// A store must treat every kind alike: compare, swap, answer. Beside that it may write rows of the host's own **in the
/// same transaction**, so that both are there or neither is. Three rules keep that safe:
///
/// - Commit exactly when the swap is `Done`. A [`Rejected`](Self::Rejected) or [`Reserved`](Self::Reserved) swap that is
///   rolled back together with something else is a free guess for an attacker.
/// - The same swap can arrive again after a lost answer. What the transaction inserts must stand or fall with the swap.
/// - A committed swap is not yet an answer. The caller may still see an error (the answer was lost and could not be
///   settled), so a session row that was inserted here must be of no use to anybody until the verifier returned the
///   receipt: hand its token out only then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteKind {
    /// A pending enrollment was begun, changed or dropped, or a wrong passcode was counted against it. No factor became
    /// active, so the host's own flag must not change. Only this kind creates a record, or an import that says
    /// [`Enrolled`](Self::Enrolled).
    Enrolling,
    /// An authenticator became active, alone, beside others or in the place of another. The host may set its own
    /// "enrolled" flag.
    Enrolled,
    /// An attempt was counted as failed before its slow digest is computed. There is nothing for the host to do: it is
    /// followed by [`Accepted`](Self::Accepted) if the code was right, and by nothing if it was wrong.
    Reserved,
    /// A passcode or a backup code was accepted and is used up. The host may insert the session, unusable until the
    /// receipt is returned.
    Accepted,
    /// An attempt was wrong and is counted. The host may write its audit log, and must commit.
    Rejected,
    /// The proof for a new set of backup codes was accepted, and is used up if it was a code. The set follows
    /// as [`Issued`](Self::Issued) when its digests are computed, or never.
    Issuing,
    /// A new set of backup codes replaced the old one.
    Issued,
    /// An authenticator was removed, and another is still active.
    Removed,
    /// The last authenticator is gone, and with it codes, pending enrollment and devices. The host may clear its own
    /// "enrolled" flag.
    Disabled,
    /// The wait or the lock was ended by the host's staff, after they made sure who asked.
    Unlocked,
    /// The same second factor, sealed under the primary key.
    Resealed,
    /// The record is to be erased: the account is gone for good.
    Erased,
}

/// What became of a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a swap that is stale changed nothing"]
pub enum WriteResult {
    /// The swap is durable, and every later load sees it.
    Done,
    /// The account's revision was not the expected one. Nothing changed, and nothing will.
    Stale,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyId;
    use std::format;

    #[test]
    fn debug_shows_no_bytes_of_the_record() {
        let revision = Revision::from_i64(7).unwrap();
        let summary = Summary::new(true, 3, KeyId::new(1));
        let swap = ConditionalWrite::put(None, revision, &[113; 5], WriteKind::Enrolling, summary);
        let debug = format!("{swap:?}");
        assert!(debug.contains("5 bytes"), "{debug}");
        assert!(!debug.contains("113"), "{debug}");
    }
}
