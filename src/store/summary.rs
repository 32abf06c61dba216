use super::KeyId;

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
