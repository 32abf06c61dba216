//! A store in a `Box`.
use countersign::store::MemoryStore;
use countersign::{Keyring, Verifier};

pub fn build(keyring: Keyring) {
    let builder = Verifier::builder(Box::new(MemoryStore::new()), keyring, "Example");
    let _verifier = builder.build();
}

fn main() {}
