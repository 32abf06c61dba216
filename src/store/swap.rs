use core::fmt;

use super::{Revision, Summary, SwapKind};

/// One conditional write: what must be there, and what is to be there instead.
///
/// ```
/// use countersign::{KeyId, Revision, Summary, Swap, SwapKind};
///
/// let (old, new) = (Revision::from_i64(41)?, Revision::from_i64(1_000_003)?);
/// let summary = Summary::new(true, 10, KeyId::new(1));
/// let swap = Swap::write(Some(old), new, b"sealed", SwapKind::Accepted, summary);
/// assert_eq!(swap.expected(), Some(old));
/// assert_eq!(swap.record(), Some(&b"sealed"[..]));
/// # Ok::<(), countersign::RevisionError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Swap<'a> {
    expected: Option<Revision>,
    revision: Revision,
    record: Option<&'a [u8]>,
    kind: SwapKind,
    summary: Summary,
}

impl<'a> Swap<'a> {
    /// Writes `record` under `revision` if the account's revision is `expected` (`None`: if it has no record).
    #[must_use]
    pub const fn write(
        expected: Option<Revision>,
        revision: Revision,
        record: &'a [u8],
        kind: SwapKind,
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
            kind: SwapKind::Erased,
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
    pub const fn kind(&self) -> SwapKind {
        self.kind
    }

    /// What may be kept in plain columns beside the record.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }
}

impl fmt::Debug for Swap<'_> {
    /// Shows the length of the record, not its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Swap");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyId;
    use std::format;

    #[test]
    fn debug_shows_no_bytes_of_the_record() {
        let revision = Revision::from_i64(7).unwrap();
        let summary = Summary::new(true, 3, KeyId::new(1));
        let swap = Swap::write(None, revision, &[113; 5], SwapKind::Enrolling, summary);
        let debug = format!("{swap:?}");
        assert!(debug.contains("5 bytes"), "{debug}");
        assert!(!debug.contains("113"), "{debug}");
    }
}
