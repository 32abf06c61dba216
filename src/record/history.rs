use crate::store::Revision;

/// The last revisions of a record, oldest first.
///
/// Every write copies these revisions and appends its own. If the answer to a write was lost, the
/// history shows whether the write is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct History {
    /// Each place after the last revision has `UNUSED`.
    places: [Revision; Self::LENGTH],
    length: usize,
    from_creation: bool,
}

/// The outcome of an earlier write, as a history shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// The write is stored, perhaps followed by others.
    Stored,
    /// The write is not stored, and never will be: another write replaced the expected revision.
    Superseded,
    /// The history does not reach back far enough.
    Unknown,
}

impl History {
    /// The most revisions in a history.
    pub(crate) const LENGTH: usize = 8;

    const UNUSED: Revision = Revision::from_random([0; 8]);

    /// The history of a record that does not exist yet.
    pub(crate) const fn new() -> Self {
        Self {
            places: [Self::UNUSED; Self::LENGTH],
            length: 0,
            from_creation: true,
        }
    }

    /// Reads `length` revisions, if their number is possible.
    pub(super) fn read<E>(
        length: usize,
        from_creation: bool,
        mut read: impl FnMut() -> Result<Revision, E>,
    ) -> Result<Option<Self>, E> {
        let mut history = Self {
            length,
            from_creation,
            ..Self::new()
        };
        let Some(places) = history.places.get_mut(..length) else {
            return Ok(None);
        };
        for place in places {
            *place = read()?;
        }
        Ok(Some(history).filter(|_| length > 0))
    }

    /// Returns this history with one more write.
    pub(crate) fn followed_by(&self, revision: Revision) -> Self {
        let mut next = *self;
        match next.places.get_mut(self.length) {
            Some(place) => {
                *place = revision;
                next.length = next.length.saturating_add(1);
            }
            None => {
                next.places.rotate_left(1);
                let [.., last] = &mut next.places;
                *last = revision;
                next.from_creation = false;
            }
        }
        next
    }

    /// Whether the next write drops a revision, so that the history grows no more.
    pub(super) const fn is_full(&self) -> bool {
        self.length == Self::LENGTH
    }

    /// The revisions, oldest first.
    pub(super) fn revisions(&self) -> &[Revision] {
        self.places.get(..self.length).unwrap_or_default()
    }

    /// Whether the first revision is the one that created the record.
    pub(super) const fn reaches_creation(&self) -> bool {
        self.from_creation
    }

    /// The revision of the record itself.
    pub(super) fn current(&self) -> Option<Revision> {
        self.revisions().last().copied()
    }

    /// Returns what this history shows about a write of `revision` that expected `expected`.
    pub(crate) fn outcome_of(
        &self,
        revision: Revision,
        expected: Option<Revision>,
    ) -> WriteOutcome {
        if self.revisions().contains(&revision) {
            return WriteOutcome::Stored;
        }
        let superseded = match expected {
            None => self.from_creation,
            Some(expected) => {
                self.revisions().contains(&expected) && self.current() != Some(expected)
            }
        };
        if superseded {
            WriteOutcome::Superseded
        } else {
            WriteOutcome::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(n: i64) -> Revision {
        Revision::from_i64(n).unwrap()
    }

    fn after(writes: i64) -> History {
        (1..=writes).fold(History::new(), |history, n| {
            history.followed_by(revision(n))
        })
    }

    /// Returns the outcome of a write, as the history of `writes` writes shows it.
    fn outcome(writes: i64, write: i64, expected: Option<i64>) -> WriteOutcome {
        after(writes).outcome_of(revision(write), expected.map(revision))
    }

    #[test]
    fn a_history_keeps_the_last_eight_revisions() {
        assert_eq!(after(8).revisions().len(), 8);
        assert!(after(8).reaches_creation());
        assert_eq!(after(9).revisions().first(), Some(&revision(2)));
        assert!(!after(9).reaches_creation());
    }

    #[test]
    fn a_write_in_the_history_is_stored() {
        for writes in 3..=10 {
            assert_eq!(outcome(writes, 3, Some(2)), WriteOutcome::Stored);
        }
        assert_eq!(outcome(11, 3, Some(2)), WriteOutcome::Unknown);
    }

    #[test]
    fn a_write_whose_expected_revision_was_replaced_is_superseded() {
        assert_eq!(outcome(5, 99, Some(3)), WriteOutcome::Superseded);
        assert_eq!(outcome(11, 99, Some(3)), WriteOutcome::Unknown);
    }

    #[test]
    fn only_another_creation_supersedes_a_creation() {
        assert_eq!(outcome(1, 99, None), WriteOutcome::Superseded);
        assert_eq!(outcome(8, 99, None), WriteOutcome::Superseded);
        assert_eq!(outcome(9, 99, None), WriteOutcome::Unknown);
    }

    #[test]
    fn a_refused_current_revision_shows_nothing() {
        assert_eq!(outcome(5, 99, Some(5)), WriteOutcome::Unknown);
    }
}
