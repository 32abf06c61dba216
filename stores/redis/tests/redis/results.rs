//! The results of a whole verifier when answers are lost: on one server, and on a cluster with a
//! proxy before each node.

use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Actor, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Receipt, Rejection,
    SealingKey, Status, Timestamp, Verifier, VerifierError,
};
use countersign_redis::RedisStore;
use countersign_store_testing::{Durability, Fault, Redis, RedisCluster};

use crate::support::*;

struct Service {
    verifier: Verifier<RedisStore>,
    clock: ManualClock,
    account: AccountId,
}

impl Service {
    fn new(store: &RedisStore, account: &str) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let policy = Policy::builder().code_hash(params).build().unwrap();
        let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
        let verifier = Verifier::builder(store.clone(), keyring, "Tests")
            .policy(policy)
            .clock(clock.clone())
            .build();
        Self {
            verifier: verifier.unwrap(),
            clock,
            account: AccountId::new(account).unwrap(),
        }
    }

    async fn enroll(&self) -> Phone {
        let request = EnrollmentRequest::new("somebody");
        let checked_at = self.clock.now();
        let proof = Proof::Password { checked_at };
        let begun = self
            .verifier
            .begin_enrollment(&self.account, request, proof);
        let enrollment = begun.await.unwrap();
        let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
        let passcode = phone.passcode(self.clock.now());
        let confirmed = self
            .verifier
            .confirm_enrollment(&self.account, enrollment.id(), &passcode);
        let _receipt = confirmed.await.unwrap();
        self.clock.advance(Duration::from_secs(60));
        phone
    }

    async fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        self.verifier.verify(&self.account, code).await
    }

    async fn rejection(&self, code: &str) -> Option<Rejection> {
        self.verify(code).await.unwrap_err().rejection()
    }

    /// A wrong passcode.
    fn wrong(&self, phone: &Phone) -> String {
        let now = self.clock.now().as_unix();
        let right = [now - 30, now, now + 30].map(|at| phone.passcode(Timestamp::from_unix(at)));
        let mut all = (0..).map(|number: u32| format!("{number:06}"));
        all.find(|passcode| !right.contains(passcode)).unwrap()
    }
}

/// Runs the same checks on one server and on a cluster.
macro_rules! on_both {
    ($($name:ident,)+) => {
        mod on_one_server {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                super::$name(&Network::single(shared!(SINGLE)).await).await;
            })+
        }
        /// One test, so that the checks share one cluster.
        #[tokio::test]
        async fn results_hold_on_a_cluster() {
            let cluster = available!(RedisCluster::start(Durability::Fast));
            let network = Network::cluster(cluster).await;
            $(
                $name(&network).await;
                network.stop_faults();
            )+
        }
    };
}

on_both! {
    lost_answers_change_no_result,
    a_failure_with_a_lost_answer_counts_once,
    endless_lost_answers_are_an_error,
    a_silent_connection_changes_no_result,
}

/// Accounts on all nodes of a cluster.
fn accounts(of: &str) -> [String; 6] {
    [0, 1, 2, 3, 4, 5].map(|number| format!("{of} {number}"))
}

async fn lost_answers_change_no_result(network: &Network) {
    let lose = || network.inject(&write_script(), Fault::DropReply);
    for account in accounts("one lost answer") {
        let service = Service::new(&network.store, &account);
        let (verifier, account) = (&service.verifier, &service.account);
        let injected = network.injected();

        // Creation and confirmation.
        lose();
        let request = EnrollmentRequest::new("somebody");
        let checked_at = service.clock.now();
        let proof = Proof::Password { checked_at };
        let enrollment = verifier
            .begin_enrollment(account, request, proof)
            .await
            .unwrap();
        assert!(
            verifier
                .pending_enrollment(account, enrollment.id())
                .await
                .is_ok()
        );
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

        // A backup code is accepted once. Its attempt takes two writes: it is counted first, and
        // then accepted.
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
        let Status::Enabled(status) = verifier.status(account).await.unwrap() else {
            panic!("the factor is not enabled")
        };
        assert_eq!(status.backup_codes.unwrap().remaining, 9);

        // Erasure.
        lose();
        let staff = Actor::new("staff", "a test").unwrap();
        verifier.erase(account, &staff).await.unwrap();
        assert_eq!(verifier.status(account).await.unwrap(), Status::Absent);
        assert_eq!(service.rejection(code).await, Some(Rejection::Absent));
        network.stop_faults();
        assert!(
            network.injected() >= injected + 6,
            "an answer of each write was lost"
        );
    }
}

async fn a_failure_with_a_lost_answer_counts_once(network: &Network) {
    for account in accounts("a failure") {
        let service = Service::new(&network.store, &account);
        let wrong = service.wrong(&service.enroll().await);
        for _ in 0..5 {
            network.inject(&write_script(), Fault::DropReply);
            assert_eq!(service.rejection(&wrong).await, Some(Rejection::WrongCode));
        }
        let rejection = service.rejection(&wrong).await;
        assert!(
            matches!(rejection, Some(Rejection::Waiting { .. })),
            "{rejection:?}"
        );
    }
}

async fn endless_lost_answers_are_an_error(network: &Network) {
    for account in accounts("without end") {
        let service = Service::new(&network.store, &account);
        let phone = service.enroll().await;
        let right = phone.passcode(service.clock.now());
        for code in [right.clone(), service.wrong(&phone)] {
            network.inject_always(Fault::DropReply);
            let denied = service.verify(&code).await.unwrap_err();
            assert!(
                matches!(
                    denied,
                    Denied::Failed(VerifierError::Store(_) | VerifierError::Unsettled(_))
                ),
                "{denied:?}"
            );
            network.stop_faults();
        }
        // Not even the load was answered, so the passcode is not used.
        assert!(service.verify(&right).await.is_ok());
        assert_eq!(service.rejection(&right).await, Some(Rejection::Replayed));
    }
}

async fn a_silent_connection_changes_no_result(network: &Network) {
    let patient = &network.store;
    for account in accounts("a black hole") {
        let hasty = patient.clone().with_timeout(Duration::from_secs(1));
        let service = Service::new(&hasty, &account);
        let phone = service.enroll().await;
        let right = phone.passcode(service.clock.now());
        network.inject(&write_script(), Fault::BlackHole);
        assert!(service.verify(&right).await.is_ok());
        network.stop_faults();
        assert_eq!(service.rejection(&right).await, Some(Rejection::Replayed));
    }
}

#[tokio::test]
async fn appendfsync_always_survives_a_killed_server() {
    let mut server = available!(Redis::start(Durability::Durable));
    let service = Service::new(&store(&server.url()), "killed");
    let phone = service.enroll().await;
    for _ in 0..5 {
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

/// Shows that the test above detects lost writes.
#[tokio::test]
async fn a_server_without_a_file_loses_accounts() {
    let mut server = available!(Redis::start(Durability::Forgetful));
    let store = store(&server.url());
    let service = Service::new(&store, "forgotten");
    let phone = service.enroll().await;
    server.kill9().unwrap();
    server.restart().unwrap();
    let passcode = phone.passcode(service.clock.now());
    assert_eq!(service.rejection(&passcode).await, Some(Rejection::Absent));
}
