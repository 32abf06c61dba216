//! Runs the conformance tests on a store of your own. The store is in `redb_store.rs`: two methods
//! over redb, an embedded key-value database.
//!
//! ```text
//! cargo run --example custom_store [DATABASE]
//! ```
//!
//! Prints every case with `ok`, or with what an attacker gains. Without a path it uses a temporary
//! database.

mod redb_store;

use std::io::{Write, stdout};
use std::process::ExitCode;

use countersign::blocking;
use countersign::conformance::{Harness, cases};

use crate::redb_store::RedbStore;

impl Harness for RedbStore {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.clone())
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map(Into::into);
    let store = RedbStore::open(&path.unwrap_or_else(|| directory.path().join("records.redb")))?;
    let mut status = ExitCode::SUCCESS;
    for case in cases() {
        match case.run(&store) {
            Ok(()) => writeln!(stdout(), "{} ... ok", case.name())?,
            Err(failure) => {
                writeln!(stdout(), "FAILED: {failure}")?;
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}
