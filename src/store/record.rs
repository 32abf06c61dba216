use crate::KeyId;
use core::fmt;
use std::vec::Vec;

/// A record as it was loaded, with the revision it was written under.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The bytes, exactly as they were written.
    pub record: Vec<u8>,
    /// The revision of that same write.
    pub revision: Revision,
}

impl StoredRecord {
    /// A record and its revision, both read in one step.
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

/// The token that a store compares before it swaps a record.
///
/// It is drawn anew from 63 random bits for every write, so a revision that was once replaced never comes back (no ABA),
/// and it fits a signed 64-bit column. It is not a secret and carries no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(i64);

/// A number that cannot be a [`Revision`]: zero or negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a revision is from 1 to 2^63 - 1, not {0}")]
pub struct RevisionError(i64);

impl Revision {
    /// The revision that a database column holds.
    ///
    /// ```
    /// use countersign::store::Revision;
    ///
    /// let revision = Revision::from_i64(4_611_686_018_427_387_904)?;
    /// assert_eq!(revision.as_i64(), 4_611_686_018_427_387_904);
    /// assert!(Revision::from_i64(0).is_err());
    /// # Ok::<(), countersign::store::RevisionError>(())
    /// ```
    ///
    /// # Errors
    /// [`RevisionError`] if the number is not positive.
    pub const fn from_i64(revision: i64) -> Result<Self, RevisionError> {
        if revision > 0 {
            Ok(Self(revision))
        } else {
            Err(RevisionError(revision))
        }
    }

    /// The number to keep in a signed 64-bit column, from 1 to `i64::MAX`.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The revision of 8 random bytes: the top bit is dropped, and zero, which is no revision, counts as one.
    #[cfg(feature = "verifier")]
    pub(crate) const fn from_random(bytes: [u8; 8]) -> Self {
        match i64::from_be_bytes(bytes) & i64::MAX {
            0 => Self(1),
            number => Self(number),
        }
    }
}

/// What a store may keep in plain columns beside the sealed record, for queries and reports.
///
/// It is not authenticated: whoever can write to the database can change it, and so can a faulty store. Count accounts
/// with it, remind people who run out of codes, find the records that wait for [`KeyId`] to be retired. Never decide with
/// it whether somebody may log in. No trigger or query may set your `enrolled` flag from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Summary {
    /// Whether at least one authenticator is active.
    pub enabled: bool,
    /// How many backup codes are unused.
    pub codes_left: u32,
    /// The key that sealed the record.
    pub key: KeyId,
}

impl Summary {
    /// A summary of a record. The verifier makes them; a store's own tests may too.
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
    use std::string::ToString;
    use std::{format, vec};

    #[test]
    fn debug_shows_no_bytes_of_the_record() {
        let stored = StoredRecord::new(vec![113; 3], Revision::from_i64(5).unwrap());
        let debug = format!("{stored:?}");
        assert!(debug.contains("3 bytes"), "{debug}");
        assert!(!debug.contains("113"), "{debug}");
    }

    #[test]
    fn only_positive_numbers_are_revisions() {
        for bad in [0, -1, i64::MIN] {
            assert_eq!(Revision::from_i64(bad), Err(RevisionError(bad)));
        }
        for good in [1, i64::MAX] {
            assert_eq!(Revision::from_i64(good).unwrap().as_i64(), good);
        }
        assert_eq!(
            RevisionError(-5).to_string(),
            "a revision is from 1 to 2^63 - 1, not -5"
        );
    }

    #[test]
    #[cfg(feature = "verifier")]
    fn any_8_random_bytes_are_a_revision() {
        assert_eq!(Revision::from_random([0; 8]).as_i64(), 1);
        assert_eq!(
            Revision::from_random([0x80, 0, 0, 0, 0, 0, 0, 0]).as_i64(),
            1
        );
        assert_eq!(Revision::from_random([0xFF; 8]).as_i64(), i64::MAX);
        assert_eq!(
            Revision::from_random([0, 0, 0, 0, 0, 0, 1, 2]).as_i64(),
            258
        );
    }
}
