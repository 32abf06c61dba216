//! Random sources that fail in silence.

use crate::world::{STEP, World, policy};
use countersign::otp::RandomError;
use countersign::runtime::RandomSource;
use countersign::testing::block_on;
use countersign::{Denied, KeyId, Keyring, Proof, Status, Verifier, VerifierError};

/// Gives the same byte for ever.
struct Stuck(u8);

impl RandomSource for Stuck {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        buffer.fill(self.0);
        Ok(())
    }
}

#[test]
fn a_random_source_that_repeats_itself_issues_no_backup_codes() {
    let (world, phone) = World::enrolled();
    for byte in [0, 7, 249, 255] {
        let keyring = Keyring::new(KeyId::new(1), world.key.clone());
        let stuck = Verifier::builder(world.verifier.store().clone(), keyring, "Example")
            .policy(policy().build().unwrap())
            .clock(world.clock.clone())
            .random(Stuck(byte))
            .build()
            .unwrap();
        world.clock.advance(STEP);
        let typed = world.now(&phone);
        let issued = block_on(stuck.issue_backup_codes(&world.alice, Proof::Code(&typed)));
        assert!(
            matches!(issued, Err(Denied::Failed(VerifierError::Random(_)))),
            "{byte}: {issued:?}"
        );
    }
    match block_on(world.verifier.status(&world.alice)).unwrap() {
        Status::Enabled(enabled) => assert_eq!(enabled.backup_codes, None),
        other => panic!("{other:?}"),
    }
}
