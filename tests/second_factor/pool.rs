//! A verifier with the thread pool for password hashes.
#![cfg(feature = "tokio")]

use crate::world::World;
use countersign::runtime::TokioPool;
use countersign::testing::block_on;
use std::num::NonZeroUsize;
use tokio::runtime::Builder;

#[test]
fn a_pool_works_with_any_limit() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let world = World::new();
    let phone = world.enroll();
    for limit in [NonZeroUsize::MIN, NonZeroUsize::MAX] {
        let server = world.server(|builder| builder.hash_executor(TokioPool::new(limit)));
        let verifier = &server.verifier;

        let receipt = world.log_in(&phone);
        let proof = world.reauthenticated(&receipt);
        let issued = verifier.issue_backup_codes(&world.alice, proof);
        let codes = runtime.block_on(issued).unwrap();
        let code = codes.iter().next().unwrap();
        let _receipt = runtime
            .block_on(verifier.verify(&world.alice, code))
            .unwrap();
        // Outside the runtime, the pool computes no hash, so the verifier accepts no code.
        let code = codes.iter().nth(1).unwrap();
        assert!(block_on(verifier.verify(&world.alice, code)).is_err());
        assert_eq!(world.codes_left(), 9);
    }
}
