//! What one operation of a client came to.

use crate::operation::Operation;
use countersign::{SwapKind, Timestamp};

/// One operation of a client.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) client: usize,
    pub(crate) operation: Operation,
    /// How far the machine was with the change of keys.
    pub(crate) stage: usize,
    pub(crate) running: bool,
    /// Whether the caller was killed, or told that the effect is unknown.
    pub(crate) in_doubt: bool,
    pub(crate) told_of_success: bool,
    /// The times of its loads, and of the one that a slow digest was computed for in between.
    pub(crate) loads: Vec<Timestamp>,
    pub(crate) frozen: Option<Timestamp>,
    pub(crate) sent_since_load: bool,
    pub(crate) landed: Vec<Write>,
    /// The number of the write that was its success.
    pub(crate) succeeded_at: Option<usize>,
    /// Whether it created the record.
    pub(crate) has_created: bool,
    /// A driver sent one of its swaps twice.
    pub(crate) duplicated: bool,
    /// Whether there was no record when it began.
    pub(crate) begun_absent: bool,
    /// How many writes had landed when it began.
    pub(crate) begun_at: usize,
}

impl Entry {
    pub(crate) fn new(client: usize, stage: usize, operation: Operation) -> Self {
        Self {
            client,
            operation,
            stage,
            running: true,
            in_doubt: false,
            told_of_success: false,
            loads: Vec::new(),
            frozen: None,
            sent_since_load: false,
            landed: Vec::new(),
            succeeded_at: None,
            has_created: false,
            duplicated: false,
            begun_absent: false,
            begun_at: 0,
        }
    }
}

/// One write of an operation, and its number among all that landed.
#[derive(Clone, Copy)]
pub(crate) struct Write {
    pub(crate) kind: SwapKind,
    pub(crate) at: Timestamp,
    pub(crate) number: usize,
}
