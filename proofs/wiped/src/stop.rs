//! Where a scenario ends: what comes later would overwrite what is left behind before.

use std::cell::Cell;
use std::error::Error;
use std::fmt;

/// Ends a scenario after so many operations.
#[derive(Debug)]
pub(crate) struct Stop(Cell<usize>);

impl Stop {
    /// Ends after `operations`.
    pub(crate) const fn after(operations: usize) -> Self {
        Self(Cell::new(operations))
    }

    /// To be called after each operation.
    ///
    /// # Errors
    /// [`Stopped`], when the scenario is to end here.
    pub(crate) fn here(&self) -> Result<(), Stopped> {
        match self.0.get().checked_sub(1) {
            None => Err(Stopped),
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
        }
    }
}

/// The scenario ends here.
#[derive(Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl Error for Stopped {}
