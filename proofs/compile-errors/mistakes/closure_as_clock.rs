//! A closure instead of a clock.
use countersign::store::MemoryStore;
use countersign::{Keyring, Timestamp, Verifier};

pub fn build(keyring: Keyring) {
    let builder = Verifier::builder(MemoryStore::new(), keyring, "Example");
    let _builder = builder.clock(|| Timestamp::now());
}

fn main() {}
