/// A random source failed, so nothing was made that would have to be unguessable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the random source failed")]
#[non_exhaustive]
pub struct RandomError;

impl RandomError {
    /// The error, for random sources that a host implements.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}
