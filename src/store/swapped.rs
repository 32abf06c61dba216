/// What became of a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a swap that is stale changed nothing"]
pub enum Swapped {
    /// The swap is durable, and every later load sees it.
    Done,
    /// The account's revision was not the expected one. Nothing changed, and nothing will.
    Stale,
}
