//! A limit instead of a pool.
use countersign::store::MemoryStore;
use countersign::{Keyring, Verifier};

pub fn build(keyring: Keyring) {
    let builder = Verifier::builder(MemoryStore::new(), keyring, "Example");
    let _builder = builder.hash_executor(4);
}

fn main() {}
