use crate::KeyId;
#[cfg(feature = "verifier")]
use crate::event::Event;
use crate::ids::Revision;
use core::fmt;
use std::vec::Vec;

/// One conditional write: the revision that the store must find, and the record to store instead.
///
/// ```
/// use countersign::KeyId;
/// use countersign::store::{ConditionalWrite, Revision, Summary, WriteKind};
///
/// let (old, new) = (Revision::from_i64(41)?, Revision::from_i64(1_000_003)?);
/// let summary = Summary::new(true, 10, KeyId::new(1));
/// let write = ConditionalWrite::put(Some(old), new, b"encrypted", WriteKind::Accepted, summary);
/// assert_eq!(write.expected(), Some(old));
/// assert_eq!(write.record(), Some(&b"encrypted"[..]));
/// # Ok::<(), countersign::store::RevisionError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConditionalWrite<'a> {
    expected: Option<Revision>,
    revision: Revision,
    record: Option<&'a [u8]>,
    kind: WriteKind,
    summary: Summary,
    #[cfg(feature = "verifier")]
    event: Option<&'a Event<'a>>,
}

impl<'a> ConditionalWrite<'a> {
    /// Stores `record` under `revision` if the account's revision is `expected`.
    ///
    /// If `expected` is `None`, the account must have no record.
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
            #[cfg(feature = "verifier")]
            event: None,
        }
    }

    /// Erases the account's record if its revision is `expected`.
    ///
    /// `revision` names this write. No row keeps it.
    #[must_use]
    pub const fn erase(expected: Revision, revision: Revision, summary: Summary) -> Self {
        Self {
            expected: Some(expected),
            revision,
            record: None,
            kind: WriteKind::Erased,
            summary,
            #[cfg(feature = "verifier")]
            event: None,
        }
    }

    /// Adds the event of this write. The verifier adds it, and the tests of a store may do so too.
    #[cfg(feature = "verifier")]
    #[must_use]
    pub const fn with_event(mut self, event: &'a Event<'a>) -> Self {
        self.event = Some(event);
        self
    }

    /// The revision that the account's record must have, or `None` if there must be no record.
    #[must_use]
    pub const fn expected(&self) -> Option<Revision> {
        self.expected
    }

    /// The revision of the record after the write.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The bytes to store, or `None` to erase the record.
    #[must_use]
    pub const fn record(&self) -> Option<&'a [u8]> {
        self.record
    }

    /// The effect of the write on the second factor. A store may add rows of your own for it.
    #[must_use]
    pub const fn kind(&self) -> WriteKind {
        self.kind
    }

    /// Returns the facts that a store may keep in plain columns next to the record.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// The event of the write: what it makes true of the account.
    ///
    /// Insert the event into an outbox table in the transaction of the record, with account and
    /// revision as its key. Then each event is in the table **exactly once**: the same write can
    /// arrive again, but it is `Done` once. A refused write inserts nothing.
    ///
    /// `None` for [`WriteKind::Resealed`] and [`WriteKind::Joined`], which change nothing that a
    /// user would notice.
    #[cfg(feature = "verifier")]
    #[must_use]
    pub const fn event(&self) -> Option<&'a Event<'a>> {
        self.event
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

/// The effect of a conditional write on an account's second factor.
///
/// A store compares, writes and answers in the same way for every kind. It may also write rows of
/// your own **in the same transaction**, so that both are stored or neither is. Follow three rules:
///
/// - Commit exactly when the write is [`Done`](WriteResult::Done). If a
///   [`Rejected`](Self::Rejected) or [`Reserved`](Self::Reserved) write is rolled back together
///   with something else, an attacker gets a free guess.
/// - The same write can arrive again after a lost answer. Commit your rows only together with the
///   write.
/// - A committed write is not yet an answer. Your application may still get an error if the answer
///   was lost. So a session row that you insert here must be useless until the verifier returns
///   the receipt. Hand out the session's token only then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteKind {
    /// A pending enrollment began, changed or ended, or a wrong passcode was counted against it. Or
    /// `Verifier::import` made the first of its two writes.
    ///
    /// No authenticator became active, so do not change your `enrolled` flag. Only this kind
    /// creates a record, except for `Verifier::import_in_transaction`, which creates it by
    /// [`Enrolled`](Self::Enrolled).
    Enrolling,
    /// An authenticator became active: the first one, a further one, or a replacement.
    ///
    /// You may set your `enrolled` flag.
    Enrolled,
    /// An attempt was counted as failed before its password hash is computed.
    ///
    /// There is nothing for you to do. [`Accepted`](Self::Accepted) follows if the code was right.
    /// Nothing follows if the code was wrong.
    Reserved,
    /// A repeat of a counted request computes the password hash too. Nothing is counted.
    ///
    /// There is nothing for you to do.
    Joined,
    /// A passcode or a backup code was accepted, and is used up.
    ///
    /// You may insert the session. The session must be useless until the verifier returns the
    /// receipt.
    Accepted,
    /// A wrong code was counted as a failure.
    ///
    /// You may write your audit log, and must commit.
    Rejected,
    /// The proof for a new set of backup codes was accepted. If the proof was a code, it is used
    /// up.
    ///
    /// The set follows as [`Issued`](Self::Issued) or [`IssuedPending`](Self::IssuedPending) when
    /// its password hashes are computed, or never.
    Issuing,
    /// A new set of backup codes is the current one. It is the first set, or it replaced the old
    /// one and a pending one at once.
    Issued,
    /// A new set of backup codes is pending next to the current one. It replaced an earlier pending
    /// set.
    IssuedPending,
    /// The user has saved the pending set of backup codes, which replaced the current one.
    ///
    /// The first accepted code of a pending set does the same, in the write that accepts the code.
    CodesConfirmed,
    /// The pending set of backup codes was discarded. The current set stays.
    CodesDiscarded,
    /// An authenticator was removed, and another one is still active.
    Removed,
    /// The last authenticator was removed, together with all backup codes and any pending
    /// enrollment.
    ///
    /// You may clear your `enrolled` flag.
    Disabled,
    /// Your staff unlocked the account after they made sure who asked.
    Unlocked,
    /// A device is known from now on, because the user just entered a code on it.
    ///
    /// There is nothing for you to do.
    DeviceRemembered,
    /// A trusted device signed in without a code.
    ///
    /// You may insert the session. The session must be useless until the verifier returns its
    /// answer.
    DeviceTrusted,
    /// An old token of a device was shown, so there is a copy of it. The device is forgotten.
    ///
    /// Tell the user by mail.
    DeviceSuspected,
    /// One device or all devices are forgotten, because your application asked for it.
    DevicesForgotten,
    /// Your application said that the password changed. All devices, a pending enrollment and
    /// pending backup codes ended.
    PasswordChanged,
    /// The same second factor was encrypted again, under the primary key.
    Resealed,
    /// The record was erased, because your application deleted the account.
    Erased,
}

/// The store's answer to a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a `Stale` write changed nothing: check for `WriteResult::Done`"]
pub enum WriteResult {
    /// The write is durable, and every later load sees it.
    Done,
    /// The account's revision was not the expected one. Nothing changed, and this write changes
    /// nothing later.
    Stale,
}

/// A loaded record with its revision.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The bytes, exactly as they were written.
    pub record: Vec<u8>,
    /// The revision of the write that stored these bytes.
    pub revision: Revision,
}

impl StoredRecord {
    /// Takes a record and its revision, both read in one step.
    #[must_use]
    pub const fn new(record: Vec<u8>, revision: Revision) -> Self {
        Self { record, revision }
    }
}

impl fmt::Debug for StoredRecord {
    /// Shows the length of the record, not its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRecord")
            .field("record", &format_args!("{} bytes", self.record.len()))
            .field("revision", &self.revision)
            .finish()
    }
}

/// Facts that a store may keep in plain columns next to the encrypted record.
///
/// Use them for queries and reports: count accounts, remind users who run out of codes, or find the
/// records that still use an old key.
///
/// A summary is not authenticated. Anyone who can write to the database can change it, and so can a
/// faulty store. Never use a summary to decide whether a user may log in. No trigger or query may
/// set your `enrolled` flag from a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Summary {
    /// Whether at least one authenticator is active.
    pub enabled: bool,
    /// The number of unused backup codes, without those of a pending set.
    pub codes_left: u32,
    /// The key that encrypts the record.
    pub key: KeyId,
}

impl Summary {
    /// Makes a summary of a record. The verifier makes summaries, and the tests of a store may make
    /// them too.
    #[must_use]
    pub const fn new(enabled: bool, codes_left: u32, key: KeyId) -> Self {
        Self {
            enabled,
            codes_left,
            key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec};

    #[test]
    fn debug_shows_no_bytes_of_the_record() {
        let revision = Revision::from_i64(7).unwrap();
        let summary = Summary::new(true, 3, KeyId::new(1));
        let write = ConditionalWrite::put(None, revision, &[113; 5], WriteKind::Enrolling, summary);
        let stored = StoredRecord::new(vec![113; 5], revision);
        for debug in [format!("{write:?}"), format!("{stored:?}")] {
            assert!(debug.contains("5 bytes"), "{debug}");
            assert!(!debug.contains("113"), "{debug}");
        }
    }
}
