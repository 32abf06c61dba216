use core::fmt;
use std::vec::Vec;

use super::Revision;

/// A record as it was loaded, with the revision it was written under.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The bytes, exactly as they were written.
    pub record: Vec<u8>,
    /// The revision of that same write.
    pub revision: Revision,
}

impl Stored {
    /// A record and its revision, both read in one step.
    #[must_use]
    pub const fn new(record: Vec<u8>, revision: Revision) -> Self {
        Self { record, revision }
    }
}

impl fmt::Debug for Stored {
    /// Shows the length of the record, not its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("record", &format_args!("{} bytes", self.record.len()))
            .field("revision", &self.revision)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec};

    #[test]
    fn debug_shows_no_bytes_of_the_record() {
        let stored = Stored::new(vec![113; 3], Revision::from_i64(5).unwrap());
        let debug = format!("{stored:?}");
        assert!(debug.contains("3 bytes"), "{debug}");
        assert!(!debug.contains("113"), "{debug}");
    }
}
