/// What a ledger holds for a digest. The index counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A code that was not used.
    Unused(usize),
    /// A code that was used.
    Used(usize),
    /// No code of this set.
    Nothing,
}
