//! The random source (invariant 6): its output, its failures, and output that repeats itself.

use crate::world::{STEP, World, policy, scan, staff};
use countersign::otp::{Algorithm, RandomError};
use countersign::runtime::{RandomSource, SystemRandom};
use countersign::testing::block_on;
use countersign::{Denied, EnrollmentRequest, Proof, Status, VerifierError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Always returns the same byte.
struct Stuck(u8);

impl RandomSource for Stuck {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        buffer.fill(self.0);
        Ok(())
    }
}

/// The random source of the operating system. It records its output, and fails on demand.
#[derive(Clone, Default)]
struct Source {
    given: Arc<Mutex<Vec<Vec<u8>>>>,
    fails: Arc<AtomicBool>,
}

impl RandomSource for Source {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(RandomError::new());
        }
        SystemRandom.fill(buffer)?;
        self.given.lock().unwrap().push(buffer.to_vec());
        Ok(())
    }
}

#[test]
fn a_secret_is_as_long_as_its_hash() {
    for (algorithm, bytes) in [
        (Algorithm::Sha1, 20),
        (Algorithm::Sha256, 32),
        (Algorithm::Sha512, 64),
    ] {
        let source = Source::default();
        let world = World::with_policy(policy().algorithm(algorithm).build().unwrap());
        let world = world.server(|builder| builder.random(source.clone()));
        let secrets = [(), ()].map(|()| {
            let request = EnrollmentRequest::new("alice");
            let enrollment = world.begin(request, world.password()).unwrap();
            let secret = enrollment.key_uri().secret().expose().to_vec();
            assert_eq!(secret.len(), bytes, "{algorithm}");
            let given = source.given.lock().unwrap();
            assert!(
                given.contains(&secret),
                "{algorithm}: the secret is one output of the random source"
            );
            secret
        });
        assert_ne!(secrets[0], secrets[1]);
    }
}

#[test]
fn no_call_succeeds_without_random_bytes() {
    let (world, phone) = World::enrolled();
    let source = Source::default();
    let world = world.server(|builder| builder.random(source.clone()));
    let receipt = world.log_in(&phone);
    let proof = world.reauthenticated(&receipt);
    let request = || EnrollmentRequest::new("alice");
    let pending = world.begin(request(), proof.clone()).unwrap();
    world.clock.advance(STEP);
    let (verifier, alice) = (&world.verifier, &world.alice);
    let before = world.record();

    source.fails.store(true, Ordering::SeqCst);
    let outcomes = [
        world.verify(&world.now(&phone)).map(drop),
        world.verify(&world.wrong(&phone)).map(drop),
        world.begin(request(), proof.clone()).map(drop),
        world
            .confirm(&pending, &world.now(&scan(&pending)))
            .map(drop),
        block_on(verifier.issue_backup_codes(alice, proof.clone())).map(drop),
        block_on(verifier.disable(alice, proof)).map(drop),
        block_on(verifier.erase(alice, &staff())).map_err(Denied::Failed),
    ];
    for (place, outcome) in outcomes.into_iter().enumerate() {
        assert!(
            matches!(outcome, Err(Denied::Failed(VerifierError::Random(_)))),
            "call {place}: {outcome:?}"
        );
    }
    assert_eq!(world.record(), before);
    assert!(matches!(world.status(), Status::Enabled(_)));

    source.fails.store(false, Ordering::SeqCst);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn a_repeating_random_source_issues_no_codes() {
    let (world, phone) = World::enrolled();
    for byte in [0, 7, 249, 255] {
        let stuck = world.server(|builder| builder.random(Stuck(byte)));
        world.clock.advance(STEP);
        let code = world.now(&phone);
        let issued = block_on(
            stuck
                .verifier
                .issue_backup_codes(&world.alice, Proof::Code(&code)),
        );
        assert!(
            matches!(issued, Err(Denied::Failed(VerifierError::Random(_)))),
            "{byte}: {issued:?}"
        );
    }
    match world.status() {
        Status::Enabled(enabled) => assert_eq!(enabled.backup_codes, None),
        other => panic!("{other:?}"),
    }
}
