//! A blocking store, without its adapter.
use countersign::store::{ConditionalWrite, StoredRecord, WriteResult};
use countersign::{AccountId, Keyring, Verifier, blocking};
use std::io::Error;

pub struct Database;

impl blocking::Store for Database {
    type Error = Error;

    fn load(&self, _: &AccountId) -> Result<Option<StoredRecord>, Error> {
        Ok(None)
    }

    fn compare_and_swap(&self, _: &AccountId, _: ConditionalWrite<'_>) -> Result<WriteResult, Error> {
        Ok(WriteResult::Stale)
    }
}

pub fn build(keyring: Keyring) {
    let _builder = Verifier::builder(Database, keyring, "Example");
}

fn main() {}
