//! The pool for slow digests behind a verifier.
#![cfg(feature = "tokio")]

use crate::world::{World, policy};
use countersign::runtime::TokioPool;
use countersign::store::MemoryStore;
use countersign::testing::block_on;
use countersign::{KeyId, Keyring, Verifier};
use std::num::NonZeroUsize;
use tokio::runtime::Builder;

#[test]
fn a_pool_takes_any_limit() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let world = World::new();
    let phone = world.enroll();
    for limit in [NonZeroUsize::MIN, NonZeroUsize::MAX] {
        let keyring = Keyring::new(KeyId::new(1), world.key.clone());
        let store: MemoryStore = world.verifier.store().clone();
        let builder = Verifier::builder(store, keyring, "Example")
            .policy(policy().build().unwrap())
            .clock(world.clock.clone());
        let verifier = builder
            .hash_executor(TokioPool::new(limit))
            .build()
            .unwrap();

        let receipt = world.log_in(&phone);
        let proof = world.reauthenticated(&receipt);
        let issued = verifier.issue_backup_codes(&world.alice, proof);
        let codes = runtime.block_on(issued).unwrap();
        let code = codes.iter().next().unwrap();
        let _receipt = runtime
            .block_on(verifier.verify(&world.alice, code))
            .unwrap();
        // Outside of the runtime nobody computes anything, and nobody is let in.
        let code = codes.iter().nth(1).unwrap();
        assert!(block_on(verifier.verify(&world.alice, code)).is_err());
        assert_eq!(world.codes_left(), 9);
    }
}
