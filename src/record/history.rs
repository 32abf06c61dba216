use crate::store::Revision;
use alloc::vec::Vec;

/// The last revisions of a record, oldest first, which every writer carries on. It tells whether a write
/// whose answer was lost has landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    revisions: Vec<Revision>,
    from_creation: bool,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is on record, perhaps built upon since.
    Landed,
    /// It is not, and can no longer be: somebody else's write took its place.
    Overtaken,
    /// The history does not reach back far enough to tell.
    Unknown,
}

impl History {
    /// How many revisions are kept.
    pub(crate) const LENGTH: usize = 8;

    /// The history of a record that does not exist yet.
    pub(crate) const fn new() -> Self {
        Self {
            revisions: Vec::new(),
            from_creation: true,
        }
    }

    /// Takes a history over that was read from a record.
    pub(super) fn from_parts(revisions: Vec<Revision>, from_creation: bool) -> Option<Self> {
        (1..=Self::LENGTH)
            .contains(&revisions.len())
            .then_some(Self {
                revisions,
                from_creation,
            })
    }

    /// This history with one more write.
    pub(crate) fn followed_by(&self, revision: Revision) -> Self {
        let excess = self
            .revisions
            .len()
            .saturating_add(1)
            .saturating_sub(Self::LENGTH);
        let mut revisions = Vec::with_capacity(Self::LENGTH);
        revisions.extend_from_slice(self.revisions.get(excess..).unwrap_or_default());
        revisions.push(revision);
        Self {
            revisions,
            from_creation: self.from_creation && excess == 0,
        }
    }

    /// The revisions, oldest first.
    pub(super) fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// Whether the first revision is the one that created the record.
    pub(super) const fn reaches_creation(&self) -> bool {
        self.from_creation
    }

    /// The revision of the record itself.
    pub(super) fn current(&self) -> Option<Revision> {
        self.revisions.last().copied()
    }

    /// What became of a write of `ours` over `expected`, as the record that is there now tells.
    pub(crate) fn fate(&self, ours: Revision, expected: Option<Revision>) -> Fate {
        if self.revisions.contains(&ours) {
            return Fate::Landed;
        }
        let overtaken = match expected {
            None => self.from_creation,
            Some(expected) => {
                let place = self
                    .revisions
                    .iter()
                    .position(|revision| *revision == expected);
                place.is_some() && self.current() != Some(expected)
            }
        };
        if overtaken {
            Fate::Overtaken
        } else {
            Fate::Unknown
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

    #[test]
    fn it_keeps_the_last_eight_and_forgets_the_creation() {
        assert_eq!(after(8).revisions().len(), 8);
        assert!(after(8).reaches_creation());
        assert_eq!(after(9).revisions().first(), Some(&revision(2)));
        assert!(!after(9).reaches_creation());
    }

    #[test]
    fn a_write_in_the_history_has_landed() {
        for writes in 3..=10 {
            assert_eq!(
                after(writes).fate(revision(3), Some(revision(2))),
                Fate::Landed
            );
        }
        assert_eq!(
            after(11).fate(revision(3), Some(revision(2))),
            Fate::Unknown
        );
    }

    #[test]
    fn a_write_whose_place_was_taken_is_overtaken() {
        let ours = revision(99);
        assert_eq!(after(5).fate(ours, Some(revision(3))), Fate::Overtaken);
        assert_eq!(after(11).fate(ours, Some(revision(3))), Fate::Unknown);
    }

    #[test]
    fn a_creation_is_overtaken_by_another_creation_only() {
        let ours = revision(99);
        assert_eq!(after(1).fate(ours, None), Fate::Overtaken);
        assert_eq!(after(8).fate(ours, None), Fate::Overtaken);
        assert_eq!(after(9).fate(ours, None), Fate::Unknown);
    }

    #[test]
    fn a_store_that_refuses_the_current_revision_contradicts_itself() {
        assert_eq!(
            after(5).fate(revision(99), Some(revision(5))),
            Fate::Unknown
        );
    }
}
