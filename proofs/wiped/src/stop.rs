//! Stops a scenario early, because later operations would overwrite secrets that earlier operations
//! left in memory.

use std::cell::Cell;
use std::error::Error;
use std::fmt;

/// Stops a scenario after a number of operations.
#[derive(Debug)]
pub(crate) struct Stop(Cell<usize>);

impl Stop {
    /// Stops after `operations`.
    pub(crate) const fn after(operations: usize) -> Self {
        Self(Cell::new(operations))
    }

    /// Call this after each operation.
    ///
    /// # Errors
    /// [`Stopped`], if the scenario stops here.
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

/// The scenario stops here.
#[derive(Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl Error for Stopped {}
