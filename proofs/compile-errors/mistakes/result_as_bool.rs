//! A result instead of a `bool`.
use countersign::store::MemoryStore;
use countersign::{AccountId, Verifier};

pub async fn sign_in(verifier: &Verifier<MemoryStore>, account: &AccountId, typed: &str) -> bool {
    verifier.verify(account, typed).await
}

fn main() {}
