//! The results of a whole verifier, when answers are lost and when many use one code.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Actor, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Receipt, Rejection,
    SealingKey, Status, Timestamp, Verifier, VerifierError,
};
use countersign_etcd::{Error, EtcdStore};
use countersign_store_testing::{Etcd, Fault, Proxy};

use crate::support::*;

/// Several servers of one service, each with a verifier on a store of its own.
struct Service<S = EtcdStore> {
    verifiers: Vec<Verifier<S>>,
    clock: ManualClock,
    account: AccountId,
}

impl<S: Store + Clone> Service<S> {
    fn new(stores: &[S], account: &str) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let policy = Policy::builder().code_hash(params).build().unwrap();
        let keyring = || Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let verifier = |store: &S| {
            Verifier::builder(store.clone(), keyring(), "Tests")
                .policy(policy.clone())
                .clock(clock.clone())
                .build()
                .unwrap()
        };
        Self {
            verifiers: stores.iter().map(verifier).collect(),
            clock,
            account: AccountId::new(account).unwrap(),
        }
    }

    async fn enroll(&self) -> Phone {
        let verifier = &self.verifiers[0];
        let request = EnrollmentRequest::new("somebody");
        let checked_at = self.clock.now();
        let proof = Proof::Password { checked_at };
        let begun = verifier.begin_enrollment(&self.account, request, proof);
        let enrollment = begun.await.unwrap();
        let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
        let passcode = phone.passcode(self.clock.now());
        let confirmed = verifier.confirm_enrollment(&self.account, enrollment.id(), &passcode);
        let _receipt = confirmed.await.unwrap();
        self.clock.advance(Duration::from_secs(60));
        phone
    }

    async fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        self.verifiers[0].verify(&self.account, code).await
    }

    async fn rejection(&self, code: &str) -> Option<Rejection> {
        self.verify(code).await.unwrap_err().rejection()
    }
}

#[tokio::test]
async fn lost_answers_change_no_result() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let service = Service::new(&[store_behind(&proxy, server)], "lost answers");
    let (verifier, account) = (&service.verifiers[0], &service.account);
    let lose = || proxy.inject(WRITE, Fault::DropReply);

    // Creation and confirmation.
    lose();
    let request = EnrollmentRequest::new("somebody");
    let checked_at = service.clock.now();
    let proof = Proof::Password { checked_at };
    let begun = verifier.begin_enrollment(account, request, proof).await;
    let enrollment = begun.unwrap();
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
    let passcode = phone.passcode(service.clock.now());
    lose();
    let confirmed = verifier
        .confirm_enrollment(account, enrollment.id(), &passcode)
        .await;
    assert_eq!(confirmed.unwrap().account(), account);
    assert_eq!(
        service.rejection(&passcode).await,
        Some(Rejection::Replayed)
    );

    // A passcode is accepted once.
    service.clock.advance(Duration::from_secs(60));
    let passcode = phone.passcode(service.clock.now());
    lose();
    assert!(service.verify(&passcode).await.is_ok());
    assert_eq!(
        service.rejection(&passcode).await,
        Some(Rejection::Replayed)
    );

    // A backup code is accepted once. Its attempt takes two writes.
    service.clock.advance(Duration::from_secs(60));
    let passcode = phone.passcode(service.clock.now());
    lose();
    let codes = verifier
        .issue_backup_codes(account, Proof::Code(&passcode))
        .await
        .unwrap();
    let code = codes.iter().next().unwrap();
    lose();
    assert!(service.verify(code).await.is_ok());
    assert_eq!(
        service.rejection(code).await,
        Some(Rejection::BackupCodeUsed)
    );

    // Erasure.
    lose();
    let staff = Actor::new("staff", "a test").unwrap();
    verifier.erase(account, &staff).await.unwrap();
    assert_eq!(verifier.status(account).await.unwrap(), Status::Absent);
    assert_eq!(proxy.injected(), 6, "an answer of each write was lost");
}

#[tokio::test]
async fn endless_lost_answers_are_an_error() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let service = Service::new(&[store_behind(&proxy, server)], "without end");
    let right = service.enroll().await.passcode(service.clock.now());
    proxy.inject_always(Fault::DropReply);
    let denied = service.verify(&right).await.unwrap_err();
    assert!(
        matches!(denied, Denied::Failed(VerifierError::Store(_))),
        "{denied:?}"
    );
    proxy.stop_faults();
    // Not even the load was answered, so the passcode is not used.
    assert!(service.verify(&right).await.is_ok());
    assert_eq!(service.rejection(&right).await, Some(Rejection::Replayed));
}

#[tokio::test]
async fn a_silent_connection_changes_no_result() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = HastyOnce {
        store: store_behind(&proxy, server),
        hasty: Arc::default(),
    };
    let service = Service::new(slice::from_ref(&store), "a black hole");
    let right = service.enroll().await.passcode(service.clock.now());
    proxy.inject(WRITE, Fault::BlackHole);
    store.hasty.store(true, Ordering::SeqCst);
    assert!(service.verify(&right).await.is_ok());
    assert!(!store.hasty.load(Ordering::SeqCst), "a write timed out");
    assert_eq!(service.rejection(&right).await, Some(Rejection::Replayed));
}

/// A patient store, on which one write has a short time limit.
#[derive(Clone)]
struct HastyOnce {
    store: EtcdStore,
    /// Whether the next write has the short limit.
    hasty: Arc<AtomicBool>,
}

impl Store for HastyOnce {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        self.store.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        if !self.hasty.swap(false, Ordering::SeqCst) {
            return self.store.compare_and_swap(account, write).await;
        }
        let hasty = self.store.clone().with_timeout(Duration::from_secs(1));
        let answer = hasty.compare_and_swap(account, write).await;
        assert!(matches!(answer, Err(Error::Timeout { .. })), "{answer:?}");
        answer
    }
}

#[tokio::test]
async fn a_killed_server_keeps_answered_writes() {
    let mut server = available!(Etcd::start());
    let service = Service::new(&[store([server.url()])], "killed");
    let phone = service.enroll().await;
    for _ in 0..3 {
        let passcode = phone.passcode(service.clock.now());
        assert!(service.verify(&passcode).await.is_ok());
        server.kill9().unwrap();
        let denied = service.verify(&passcode).await.unwrap_err();
        assert!(
            matches!(denied, Denied::Failed(VerifierError::Store(_))),
            "{denied:?}"
        );
        server.restart().unwrap();
        assert_eq!(
            service.rejection(&passcode).await,
            Some(Rejection::Replayed)
        );
        service.clock.advance(Duration::from_secs(30));
    }
}

/// 64 tasks on all members of a cluster use each code at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_accepts_a_code_once() {
    let urls = shared!(CLUSTER).urls();
    let prefix = new_prefix();
    let stores = urls.map(|url| {
        let store = EtcdStore::new([url]).unwrap().with_prefix(&prefix).unwrap();
        store.with_timeout(PATIENT)
    });
    let service = Arc::new(Service::new(&stores, "raced"));
    let phone = service.enroll().await;
    for round in 0..10 {
        let passcode = phone.passcode(service.clock.now());
        let attempts: Vec<_> = (0..64)
            .map(|task| {
                let (service, passcode) = (service.clone(), passcode.clone());
                tokio::spawn(async move {
                    let verifier = &service.verifiers[task % 3];
                    verifier.verify(&service.account, &passcode).await
                })
            })
            .collect();
        let mut accepted = 0;
        for attempt in attempts {
            match attempt.await.unwrap() {
                Ok(_) => accepted += 1,
                Err(denied) => assert!(
                    matches!(denied.rejection(), Some(Rejection::Replayed))
                        || matches!(denied, Denied::Failed(VerifierError::Contended)),
                    "round {round}: {denied:?}"
                ),
            }
        }
        assert_eq!(accepted, 1, "round {round}");
        service.clock.advance(Duration::from_secs(30));
    }
}
