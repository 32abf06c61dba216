//! The keys of the service, and the keyring at each stage. A real service has its keys from where it keeps its secrets.

use countersign::runtime::SystemRandom;
use countersign::testing::ManualClock;
use countersign::{KeyId, Keyring, SealingKey, Verifier};

use crate::Failure;

pub(crate) const OLD: KeyId = KeyId::new(1);
pub(crate) const NEW: KeyId = KeyId::new(2);

/// How far a machine of the service is with the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before: the old key alone.
    Before,
    /// The old key seals, the new one opens too.
    Prepared,
    /// The new key seals, the old one opens too.
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

/// A machine of the service at this stage, whose clock the caller sets.
pub(crate) fn machine<S>(
    store: S,
    stage: Stage,
    clock: &ManualClock,
) -> Result<Verifier<S>, Failure> {
    let verifier = Verifier::builder_with_random(store, keyring(stage)?, ISSUER, SystemRandom);
    Ok(verifier.clock(clock.clone()).build()?)
}

pub(crate) const ISSUER: &str = "Example";
