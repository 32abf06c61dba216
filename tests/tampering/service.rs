//! A service with one account that has everything a record can hold.

use crate::controlled_store::ControlledStore;
use countersign::backup::Argon2Params;
use countersign::record::RecordError;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Actor, AuthenticatorId, Denied, Enrollment, EnrollmentRequest, FirstFactor, KeyId,
    Keyring, Policy, Proof, Receipt, SealingKey, ServerClock, Status, Timestamp, Verifier,
    VerifierError,
};
use std::time::Duration;

/// 2027-01-15, at the beginning of a time step.
const START: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(crate) const STEP: Duration = Duration::from_secs(30);
pub(crate) const PRIMARY: KeyId = KeyId::new(1);
/// Differs from the primary id in one bit.
pub(crate) const RETIRED: KeyId = KeyId::new(3);

pub(crate) struct Service {
    pub(crate) store: ControlledStore,
    pub(crate) verifier: Verifier<ControlledStore>,
    pub(crate) clock: ManualClock,
    pub(crate) alice: AccountId,
    pub(crate) phone: Phone,
    pub(crate) codes: Vec<String>,
    pub(crate) pending: Enrollment,
    pub(crate) keys: [SealingKey; 2],
}

impl Service {
    /// The account has an authenticator, backup codes with the first one used, and a pending
    /// enrollment.
    pub(crate) fn new() -> Self {
        let keys = [(); 2].map(|()| SealingKey::generate().unwrap());
        let clock = ManualClock::at(START);
        let store = ControlledStore::default();
        let keyring = Keyring::new(PRIMARY, keys[0].clone());
        let keyring = keyring.with_retired(RETIRED, keys[1].clone()).unwrap();
        let verifier = verifier(&store, keyring, &clock, "");
        let alice = AccountId::new("alice").unwrap();

        let request = || EnrollmentRequest::new("alice@example.com");
        let password = Proof::Password { checked_at: START };
        let begun = block_on(verifier.begin_enrollment(&alice, request(), password)).unwrap();
        let phone = Phone::scan(begun.key_uri().to_secret_text().expose()).unwrap();
        let passcode = phone.passcode(START);
        let confirmed = verifier.confirm_enrollment(&alice, begun.id(), &passcode);
        let receipt = block_on(confirmed).unwrap();
        let receipt = verifier.seal_receipt(&receipt);
        let proof = || Proof::Reauthenticated {
            first_factor: FirstFactor::password(START),
            receipt: &receipt,
        };
        let codes = block_on(verifier.issue_backup_codes(&alice, proof())).unwrap();
        let codes: Vec<String> = codes.iter().map(String::from).collect();
        let pending = block_on(verifier.begin_enrollment(&alice, request(), proof())).unwrap();
        let _receipt = block_on(verifier.verify(&alice, &codes[0])).unwrap();
        clock.advance(STEP * 2);
        Self {
            store,
            verifier,
            clock,
            alice,
            phone,
            codes,
            pending,
            keys,
        }
    }

    /// Another verifier on the same store.
    pub(crate) fn with(&self, keyring: Keyring, namespace: &str) -> Verifier<ControlledStore> {
        verifier(&self.store, keyring, &self.clock, namespace)
    }

    /// What the phone shows now.
    pub(crate) fn passcode(&self) -> String {
        self.phone.passcode(self.clock.now())
    }

    pub(crate) fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        block_on(self.verifier.verify(&self.alice, code))
    }

    pub(crate) fn authenticators(&self) -> Vec<AuthenticatorId> {
        match block_on(self.verifier.status(&self.alice)).unwrap() {
            Status::Enabled(enabled) => enabled
                .authenticators
                .iter()
                .map(|active| active.id)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Makes every call that decrypts a record, with right codes and valid proofs. Each call must
    /// fail with this error and write nothing.
    pub(crate) fn every_call_fails(
        &self,
        verifier: &Verifier<ControlledStore>,
        account: &AccountId,
        expected: RecordError,
    ) {
        let writes = self.store.writes();
        let passcode = self.passcode();
        let proof = || Proof::Code(&passcode);
        let request = || EnrollmentRequest::new("alice");
        let id = "0123456789abcdef".parse().unwrap();
        let denied = |outcome: Result<(), Denied>| match outcome {
            Err(Denied::Failed(error)) => Err(error),
            other => panic!("{other:?} instead of {expected:?}"),
        };
        let (v, a) = (verifier, account);
        block_on(async {
            let outcomes: [(&str, Result<(), VerifierError>); 12] = [
                (
                    "verify a passcode",
                    denied(v.verify(a, &passcode).await.map(drop)),
                ),
                (
                    "verify a backup code",
                    denied(v.verify(a, &self.codes[1]).await.map(drop)),
                ),
                ("status", v.status(a).await.map(drop)),
                ("reseal", v.reseal(a).await.map(drop)),
                (
                    "pending_enrollment",
                    denied(v.pending_enrollment(a, self.pending.id()).await.map(drop)),
                ),
                (
                    "confirm_enrollment",
                    denied(
                        v.confirm_enrollment(a, self.pending.id(), &passcode)
                            .await
                            .map(drop),
                    ),
                ),
                (
                    "begin_enrollment",
                    denied(v.begin_enrollment(a, request(), proof()).await.map(drop)),
                ),
                (
                    "issue_backup_codes",
                    denied(v.issue_backup_codes(a, proof()).await.map(drop)),
                ),
                (
                    "remove_authenticator",
                    denied(v.remove_authenticator(a, id, proof()).await.map(|_| ())),
                ),
                ("disable", denied(v.disable(a, proof()).await.map(drop))),
                ("force_disable", denied(v.force_disable(a, &staff()).await)),
                (
                    "unlock",
                    denied(v.unlock(a, ServerClock::Unconfirmed, &staff()).await),
                ),
            ];
            for (call, outcome) in outcomes {
                match outcome {
                    Err(VerifierError::Record(error)) => assert_eq!(error, expected, "{call}"),
                    other => panic!("{call}: {other:?} instead of {expected:?}"),
                }
            }
        });
        assert_eq!(self.store.writes(), writes, "a call wrote to the store");
    }
}

fn verifier(
    store: &ControlledStore,
    keyring: Keyring,
    clock: &ManualClock,
    namespace: &str,
) -> Verifier<ControlledStore> {
    let cheap_hash = Argon2Params::new(8, 1, 1).unwrap();
    let policy = Policy::builder().code_hash(cheap_hash).build().unwrap();
    Verifier::builder(store.clone(), keyring, "Example")
        .policy(policy)
        .clock(clock.clone())
        .namespace(namespace)
        .build()
        .unwrap()
}

/// A person who acts without a proof.
pub(crate) fn staff() -> Actor {
    Actor::new("staff", "a test").unwrap()
}
