//! The tests of countersign-rusqlite with the newest rusqlite.
