//! The store of `host_transaction` passes the conformance tests, and a session exists if and only
//! if a login was accepted.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

#[path = "../host_transaction/store.rs"]
mod store;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign::conformance::{Effort, Fault, Faults, Faulty, Harness};
use countersign::event::Event;
use countersign::store::WriteKind;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Proof, Rejection, SealingKey, Timestamp,
    Verifier,
};
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::store::{NewSession, RequestStore};

/// SQLite serves the clients that wait for its lock in no order, and a busy disk is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service with a temporary database. Every store that it opens is for a different request.
struct Service {
    runtime: Runtime,
    pool: SqlitePool,
    requests: AtomicUsize,
    _directory: TempDir,
}

impl Service {
    fn new() -> Self {
        let (runtime, directory) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let options = SqliteStore::connect_options(directory.path().join("service.db"));
        let options = options.busy_timeout(PATIENCE);
        let pool = runtime.block_on(async {
            let pool = SqlitePoolOptions::new().max_connections(8);
            let pool = pool.connect_with(options).await.unwrap();
            let store = RequestStore::new(pool.clone(), None);
            store.create_tables().await.unwrap();
            pool
        });
        Self {
            runtime,
            pool,
            requests: AtomicUsize::new(0),
            _directory: directory,
        }
    }

    fn count(&self, sql: &'static str) -> i64 {
        let query = sqlx::query_scalar(sql).fetch_one(&self.pool);
        self.runtime.block_on(query).unwrap()
    }
}

impl Harness for Service {
    type Store = RequestStore;

    fn open(&self) -> RequestStore {
        let token = self.requests.fetch_add(1, Ordering::SeqCst).to_string();
        let mut store = RequestStore::new(self.pool.clone(), Some(NewSession { token }));
        store.records = SqliteStore::new(self.pool.clone()).with_timeout(2 * PATIENCE);
        store.limit = 2 * PATIENCE;
        store
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(100)
    }
}

mod conformance {
    use super::Service;

    countersign::conformance_tests!(Service::new());
}

/// A service with one account that has a second factor.
struct Enrolled {
    service: Service,
    verifier: Verifier<RequestStore>,
    account: AccountId,
    phone: Phone,
    clock: ManualClock,
}

impl Enrolled {
    fn new() -> Self {
        let service = Service::new();
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
        let verifier = Verifier::builder(service.open(), keyring, "Example")
            .clock(clock.clone())
            .build()
            .unwrap();
        let account = AccountId::from(1_u32);
        let phone = service.runtime.block_on(async {
            let request = EnrollmentRequest::new("alice");
            let proof = Proof::Password {
                checked_at: clock.now(),
            };
            let enrollment = verifier.begin_enrollment(&account, request, proof).await;
            let enrollment = enrollment.unwrap();
            let uri = enrollment.key_uri().to_secret_text();
            let phone = Phone::scan(uri.expose()).unwrap();
            let passcode = phone.passcode(clock.now());
            verifier
                .confirm_enrollment(&account, enrollment.id(), &passcode)
                .await
                .map(|_receipt| ())
                .unwrap();
            phone
        });
        clock.advance(Duration::from_secs(60));
        Self {
            service,
            verifier,
            account,
            phone,
            clock,
        }
    }

    fn log_in(&self, store: RequestStore, code: &str) -> Result<(), Denied> {
        let verifier = self.verifier.with_store(store);
        let verified = self.service.block_on(verifier.verify(&self.account, code));
        verified.map(|_receipt| ())
    }

    fn passcode(&self) -> String {
        self.phone.passcode(self.clock.now())
    }

    /// A passcode that the phone does not show.
    fn wrong_passcode(&self) -> String {
        let number = self.passcode().parse::<u32>().unwrap();
        format!("{:06}", (number + 1) % 1_000_000)
    }

    fn sessions(&self) -> i64 {
        self.service.count("SELECT count(*) FROM sessions")
    }

    fn accepted(&self) -> i64 {
        self.service
            .count("SELECT count(*) FROM outbox WHERE event ->> 'event_type' = 'accepted'")
    }
}

#[test]
fn only_an_accepted_passcode_has_a_session() {
    let alice = Enrolled::new();
    assert_eq!(alice.sessions(), 0, "a confirmation is not a login");
    let wrong = alice.log_in(alice.service.open(), &alice.wrong_passcode());
    assert_eq!(wrong.unwrap_err().rejection(), Some(Rejection::WrongCode));
    assert_eq!(alice.sessions(), 0);

    alice
        .log_in(alice.service.open(), &alice.passcode())
        .unwrap();
    let replayed = alice.log_in(alice.service.open(), &alice.passcode());
    assert_eq!(replayed.unwrap_err().rejection(), Some(Rejection::Replayed));
    assert_eq!((alice.sessions(), alice.accepted()), (1, 1));
}

#[test]
fn one_passcode_in_thirty_requests_leaves_one_session() {
    let alice = Enrolled::new();
    let passcode = alice.passcode();
    let accepted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                if alice.log_in(alice.service.open(), &passcode).is_ok() {
                    accepted.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(accepted.into_inner(), 1);
    assert_eq!((alice.sessions(), alice.accepted()), (1, 1));
}

#[test]
fn a_failure_is_committed_with_its_event() {
    let alice = Enrolled::new();
    for _ in 0..5 {
        _ = alice.log_in(alice.service.open(), &alice.wrong_passcode());
    }
    let rejected = "SELECT count(*) FROM outbox WHERE event ->> 'event_type' = 'rejected'";
    assert_eq!(alice.service.count(rejected), 5);
    let refused = alice.log_in(alice.service.open(), &alice.passcode());
    let rejection = refused.unwrap_err().rejection();
    assert!(
        matches!(rejection, Some(Rejection::Waiting { .. })),
        "{rejection:?}"
    );
    assert_eq!(alice.sessions(), 0);
}

#[test]
fn a_failed_session_insert_leaves_the_passcode_unused() {
    let alice = Enrolled::new();
    let taken = || {
        let token = "taken".to_owned();
        RequestStore::new(alice.service.pool.clone(), Some(NewSession { token }))
    };
    alice.log_in(taken(), &alice.passcode()).unwrap();
    alice.clock.advance(Duration::from_secs(30));
    let failed = alice.log_in(taken(), &alice.passcode());
    assert!(matches!(failed, Err(Denied::Failed(_))), "{failed:?}");
    assert_eq!((alice.sessions(), alice.accepted()), (1, 1));
    alice
        .log_in(alice.service.open(), &alice.passcode())
        .unwrap();
    assert_eq!((alice.sessions(), alice.accepted()), (2, 2));
}

/// The panic stands for a killed process: its connections close, and uncommitted work is rolled
/// back.
#[test]
fn a_crash_leaves_code_and_session_together() {
    let alice = Enrolled::new();
    let crash: fn(WriteKind) = |kind| assert_ne!(kind, WriteKind::Accepted, "on purpose");
    let passcode = alice.passcode();
    let crash_in = |store: RequestStore| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            alice.log_in(store, &passcode)
        }))
        .unwrap_err();
    };
    crash_in(alice.service.open().with_hooks(crash, |_| ()));
    assert_eq!((alice.sessions(), alice.accepted()), (0, 0));
    crash_in(alice.service.open().with_hooks(|_| (), crash));
    assert_eq!((alice.sessions(), alice.accepted()), (1, 1));
    let replayed = alice.log_in(alice.service.open(), &passcode);
    assert_eq!(replayed.unwrap_err().rejection(), Some(Rejection::Replayed));
}

/// Each write is sent twice, or its answer is lost and the verifier sends it again.
#[test]
fn the_outbox_has_each_event_exactly_once() {
    for fault in [Fault::Duplicate, Fault::FailAfter] {
        let alice = Enrolled::new();
        let calls = AtomicUsize::new(0);
        let choose = move |possible: &[Fault]| {
            let is_first = calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
            (is_first && possible.contains(&fault)).then_some(fault)
        };
        let (store, faults) = (alice.service.open(), Faults::of(&[fault]));
        let faulty = alice
            .verifier
            .with_store(Faulty::chosen_by(store, faults, choose));
        let sign_in = |code: &str| {
            let verified = alice.service.block_on(faulty.verify(&alice.account, code));
            verified
                .map(|_receipt| ())
                .map_err(|denied| denied.rejection())
        };
        assert_eq!(
            sign_in(&alice.wrong_passcode()),
            Err(Some(Rejection::WrongCode))
        );
        assert_eq!(sign_in(&alice.passcode()), Ok(()), "{fault}");
        assert!(faulty.store().injected(fault) > 0, "{fault}");
        assert_eq!((alice.sessions(), alice.accepted()), (1, 1), "{fault}");

        let rows = sqlx::query_as("SELECT account, revision, event FROM outbox ORDER BY number");
        let rows = rows.fetch_all(&alice.service.pool);
        let rows: Vec<(String, i64, String)> = alice.service.runtime.block_on(rows).unwrap();
        let types: Vec<String> = rows
            .into_iter()
            .map(|(account, revision, event)| {
                let event: Event<'_> = serde_json::from_str(&event).unwrap();
                let id = (event.account.as_str(), event.revision.as_i64());
                assert_eq!(id, (account.as_str(), revision));
                event.event_type.to_string()
            })
            .collect();
        let expected = [
            "enrollment_begun",
            "credential_change",
            "rejected",
            "accepted",
        ];
        assert_eq!(types, expected, "{fault}");
    }
}
