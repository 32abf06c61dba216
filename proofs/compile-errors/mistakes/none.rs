//! No mistake: the other programs are variants of this program.
use countersign::runtime::{InlineExecutor, SystemClock, SystemRandom};
use countersign::store::{BoxStore, MemoryStore};
use countersign::{AccountId, Denied, Keyring, Receipt, Verifier};

pub fn verifier(keyring: Keyring) -> Verifier<BoxStore> {
    Verifier::builder(BoxStore::new(MemoryStore::new()), keyring, "Example")
        .clock(SystemClock)
        .random(SystemRandom)
        .hash_executor(InlineExecutor)
        .build()
        .unwrap()
}

pub async fn sign_in(
    verifier: &Verifier<BoxStore>,
    account: &AccountId,
    typed: &str,
) -> Result<Receipt, Denied> {
    verifier.verify(account, typed).await
}

fn main() {}
