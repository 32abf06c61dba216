//! A generator of `rand_core` instead of a random source.
use countersign::rand_core::CryptoRng;
use countersign::store::MemoryStore;
use countersign::{Keyring, Verifier};

pub fn build(keyring: Keyring, generator: impl CryptoRng + Send + Sync + 'static) {
    let builder = Verifier::builder(MemoryStore::new(), keyring, "Example");
    let _builder = builder.random(generator);
}

fn main() {}
