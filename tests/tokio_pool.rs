//! Slow digests off the executor's threads.
#![cfg(feature = "tokio")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use countersign::runtime::{HashExecutor, HashExecutorError, InlineExecutor, TokioPool};
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier,
    VerifierError,
};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::{Builder, Runtime};

fn on_one_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn pool(limit: usize) -> TokioPool {
    TokioPool::new(NonZeroUsize::new(limit).unwrap())
}

struct Service {
    verifier: Verifier<MemoryStore>,
    alice: AccountId,
    codes: Vec<String>,
}

impl Service {
    /// With codes that were issued by another verifier, which digests inline.
    fn new(hash_executor: impl HashExecutor + 'static) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let (store, key) = (MemoryStore::new(), SealingKey::generate().unwrap());
        let builder =
            |keyring| Verifier::builder(store.clone(), keyring, "Example").clock(clock.clone());
        let issuing = builder(Keyring::new(KeyId::new(1), key.clone()))
            .build()
            .unwrap();
        let alice = AccountId::new("alice").unwrap();
        let codes = block_on(async {
            let proof = Proof::Password {
                checked_at: clock.now(),
            };
            let request = EnrollmentRequest::new("alice");
            let enrollment = issuing
                .begin_enrollment(&alice, request, proof)
                .await
                .unwrap();
            let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
            let passcode = phone.passcode(clock.now());
            let receipt = issuing
                .confirm_enrollment(&alice, enrollment.id(), &passcode)
                .await
                .unwrap();
            let receipt = issuing.seal_receipt(&receipt);
            let proof = Proof::Reauthenticated {
                password_checked_at: clock.now(),
                receipt: &receipt,
            };
            issuing.issue_backup_codes(&alice, proof).await.unwrap()
        });
        let verifier = builder(Keyring::new(KeyId::new(1), key))
            .hash_executor(hash_executor)
            .build()
            .unwrap();
        Self {
            verifier,
            alice,
            codes: codes.iter().map(String::from).collect(),
        }
    }

    /// How often another task of the same thread ran while a backup code was verified.
    fn ticks_meanwhile(&self) -> usize {
        let ticks = Arc::new(AtomicUsize::new(0));
        on_one_thread().block_on(async {
            let counter = Arc::clone(&ticks);
            tokio::spawn(async move {
                loop {
                    counter.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            });
            let _receipt = self
                .verifier
                .verify(&self.alice, &self.codes[0])
                .await
                .unwrap();
            ticks.load(Ordering::Relaxed)
        })
    }
}

#[test]
fn other_tasks_run_while_a_digest_is_computed() {
    assert!(Service::new(pool(1)).ticks_meanwhile() > 0);
    assert_eq!(
        Service::new(InlineExecutor).ticks_meanwhile(),
        0,
        "inline, they do not"
    );
}

#[test]
fn more_digests_than_the_limit_wait_their_turn() {
    let service = Service::new(pool(1));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let attempts: Vec<_> = service.codes[..4]
            .iter()
            .map(|code| {
                let (verifier, alice, code) = (
                    service.verifier.clone(),
                    service.alice.clone(),
                    code.clone(),
                );
                tokio::spawn(async move { verifier.verify(&alice, &code).await })
            })
            .collect();
        for attempt in attempts {
            let _receipt = attempt.await.unwrap().unwrap();
        }
    });
}

#[test]
fn outside_a_runtime_it_is_an_error_that_says_so() {
    let service = Service::new(pool(1));
    match block_on(service.verifier.verify(&service.alice, &service.codes[0])) {
        Err(Denied::Failed(VerifierError::HashExecutor(HashExecutorError::Worker(source)))) => {
            assert!(
                source.to_string().contains("no reactor running"),
                "{source}"
            );
        }
        other => panic!("{other:?}"),
    }
}
