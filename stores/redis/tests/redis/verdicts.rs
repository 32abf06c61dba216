//! What a whole verifier says when answers are lost: on one server, and on a cluster with a proxy before each node.

use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Receipt, Rejection,
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
        let digest = Argon2Params::new(8, 1, 1).unwrap();
        let policy = Policy::builder().code_hash(digest).build().unwrap();
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

    /// A passcode that nothing accepts.
    fn wrong(&self, phone: &Phone) -> String {
        let now = self.clock.now().as_unix();
        let right = [now - 30, now, now + 30].map(|at| phone.passcode(Timestamp::from_unix(at)));
        let mut all = (0..).map(|number: u32| format!("{number:06}"));
        all.find(|passcode| !right.contains(passcode)).unwrap()
    }
}

/// The same on both.
macro_rules! on_both {
    ($($name:ident,)+) => {
        mod on_one_server {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                super::$name(&Network::single(shared!(SINGLE)).await).await;
            })+
        }
        /// In one test, for one cluster.
        #[tokio::test]
        async fn on_a_cluster() {
            let cluster = available!(RedisCluster::start(Durability::Fast));
            let network = Network::cluster(cluster).await;
            $(
                $name(&network).await;
                network.heal();
            )+
        }
    };
}

on_both! {
    one_lost_answer_a_write_changes_no_verdict,
    a_failure_whose_answer_is_lost_counts_once,
    lost_answers_without_end_are_no_verdict_and_no_login,
    a_black_hole_changes_no_verdict,
}

/// Accounts that lie on all nodes of a cluster.
fn accounts(of: &str) -> [String; 6] {
    [0, 1, 2, 3, 4, 5].map(|number| format!("{of} {number}"))
}

async fn one_lost_answer_a_write_changes_no_verdict(network: &Network) {
    let lose = || network.strike(&write(), Fault::DropReply);
    for account in accounts("one lost answer") {
        let service = Service::new(&network.store, &account);
        let (verifier, account) = (&service.verifier, &service.account);
        let struck = network.struck();

        // Creation, confirmation.
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

        // A passcode, once.
        service.clock.advance(Duration::from_secs(60));
        let passcode = phone.passcode(service.clock.now());
        lose();
        assert!(service.verify(&passcode).await.is_ok());
        assert_eq!(
            service.rejection(&passcode).await,
            Some(Rejection::Replayed)
        );

        // Backup codes, and one of them, once: an attempt that is reserved and then settled.
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
            panic!("it is enabled")
        };
        assert_eq!(status.backup_codes.unwrap().remaining, 9);

        // Erasure.
        lose();
        verifier.erase(account).await.unwrap();
        assert_eq!(verifier.status(account).await.unwrap(), Status::Absent);
        assert_eq!(service.rejection(code).await, Some(Rejection::Absent));
        network.heal();
        assert!(
            network.struck() >= struck + 6,
            "of each write the answer was lost"
        );
    }
}

async fn a_failure_whose_answer_is_lost_counts_once(network: &Network) {
    for account in accounts("a failure") {
        let service = Service::new(&network.store, &account);
        let wrong = service.wrong(&service.enroll().await);
        for _ in 0..5 {
            network.strike(&write(), Fault::DropReply);
            assert_eq!(service.rejection(&wrong).await, Some(Rejection::WrongCode));
        }
        let waits = service.rejection(&wrong).await;
        assert!(
            matches!(waits, Some(Rejection::Waiting { .. })),
            "{waits:?}"
        );
    }
}

async fn lost_answers_without_end_are_no_verdict_and_no_login(network: &Network) {
    for account in accounts("without end") {
        let service = Service::new(&network.store, &account);
        let phone = service.enroll().await;
        let right = phone.passcode(service.clock.now());
        for code in [right.clone(), service.wrong(&phone)] {
            network.strike_all(Fault::DropReply);
            let denied = service.verify(&code).await.unwrap_err();
            assert!(
                matches!(
                    denied,
                    Denied::Failed(VerifierError::Store(_) | VerifierError::Unsettled(_))
                ),
                "{denied:?}"
            );
            network.heal();
        }
        // Not even the load was answered, so nothing is used up.
        assert!(service.verify(&right).await.is_ok());
        assert_eq!(service.rejection(&right).await, Some(Rejection::Replayed));
    }
}

async fn a_black_hole_changes_no_verdict(network: &Network) {
    let patient = &network.store;
    for account in accounts("a black hole") {
        let hasty = patient.clone().with_timeout(Duration::from_secs(1));
        let service = Service::new(&hasty, &account);
        let phone = service.enroll().await;
        let right = phone.passcode(service.clock.now());
        network.strike(&write(), Fault::BlackHole);
        assert!(service.verify(&right).await.is_ok());
        network.heal();
        assert_eq!(service.rejection(&right).await, Some(Rejection::Replayed));
    }
}

#[tokio::test]
async fn a_server_that_is_killed_in_between_forgets_nothing_with_appendfsync_always() {
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

/// That the test above would see what is forgotten.
#[tokio::test]
async fn a_server_that_keeps_no_file_forgets_and_the_account_is_absent() {
    let mut server = available!(Redis::start(Durability::Forgetful));
    let store = store(&server.url());
    let service = Service::new(&store, "forgotten");
    let phone = service.enroll().await;
    server.kill9().unwrap();
    server.restart().unwrap();
    let passcode = phone.passcode(service.clock.now());
    assert_eq!(service.rejection(&passcode).await, Some(Rejection::Absent));
}
