//! `TokioPool` computes password hashes (Argon2id) outside the threads that run async tasks.
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
    AccountId, Denied, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, SealingKey,
    Timestamp, Verifier, VerifierError,
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
    /// Another verifier, which hashes inline, issues the codes.
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
                first_factor: FirstFactor::password(clock.now()),
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

    /// The number of times that another task of the same thread ran during the verification of a
    /// backup code.
    fn ticks_during_verification(&self) -> usize {
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
fn other_tasks_run_during_a_password_hash() {
    assert!(Service::new(pool(1)).ticks_during_verification() > 0);
    assert_eq!(
        Service::new(InlineExecutor).ticks_during_verification(),
        0,
        "no other task runs during an inline hash"
    );
}

#[test]
fn hashes_beyond_the_limit_wait() {
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
fn the_pool_needs_a_tokio_runtime() {
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
