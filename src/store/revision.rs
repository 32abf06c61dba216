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
    /// use countersign::Revision;
    ///
    /// let revision = Revision::from_i64(4_611_686_018_427_387_904)?;
    /// assert_eq!(revision.as_i64(), 4_611_686_018_427_387_904);
    /// assert!(Revision::from_i64(0).is_err());
    /// # Ok::<(), countersign::RevisionError>(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

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
