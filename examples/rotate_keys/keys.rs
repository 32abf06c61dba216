//! The keys of the service, and the keyring at each stage. A real service loads its keys from its
//! secret store.

use countersign::runtime::SystemRandom;
use countersign::testing::ManualClock;
use countersign::{KeyId, Keyring, SealingKey, Verifier};

use crate::Failure;

pub(crate) const OLD: KeyId = KeyId::new(1);
pub(crate) const NEW: KeyId = KeyId::new(2);

/// The stage of the change on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The old key alone.
    Before,
    /// The old key encrypts; the new one also decrypts.
    Prepared,
    /// The new key encrypts; the old one also decrypts.
    Changed,
    /// The old key is dropped.
    Dropped,
}

pub(crate) fn keyring(stage: Stage) -> Result<Keyring, Failure> {
    let (old, new) = (
        SealingKey::from_bytes(&[1; 32]),
        SealingKey::from_bytes(&[2; 32]),
    );
    Ok(match stage {
        Stage::Before => Keyring::new(OLD, old),
        Stage::Prepared => Keyring::new(OLD, old).with_retired(NEW, new)?,
        Stage::Changed => Keyring::new(NEW, new).with_retired(OLD, old)?,
        Stage::Dropped => Keyring::new(NEW, new),
    })
}

/// A server at this stage, with a clock that the caller sets.
pub(crate) fn server<S>(
    store: S,
    stage: Stage,
    clock: &ManualClock,
) -> Result<Verifier<S>, Failure> {
    let verifier = Verifier::builder_with_random(store, keyring(stage)?, ISSUER, SystemRandom);
    Ok(verifier.clock(clock.clone()).build()?)
}

pub(crate) const ISSUER: &str = "Example";
