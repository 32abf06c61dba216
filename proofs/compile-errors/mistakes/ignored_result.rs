//! A result that the program ignores.
#![deny(unused_must_use)]
use countersign::store::MemoryStore;
use countersign::{AccountId, Verifier};

pub async fn sign_in(verifier: &Verifier<MemoryStore>, account: &AccountId, typed: &str) {
    verifier.verify(account, typed).await;
}

fn main() {}
