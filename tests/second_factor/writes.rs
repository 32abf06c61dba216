//! The kind, summary, revisions and nonce of every write, and when the verifier reads the clock.

use crate::world::{STEP, World, policy, rejection, staff};
use countersign::runtime::Clock;
use countersign::store::{
    ConditionalWrite, MemoryStore, Revision, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::{ManualClock, block_on};
use countersign::{
    AccountId, EnrollmentRequest, KeyId, Keyring, Rejection, Resealed, SealingKey, Status,
    Timestamp, Verifier,
};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where the nonce is in a record: after version, algorithm, key id and account tag (DESIGN, "The
/// record").
const NONCE: Range<usize> = 14..26;

/// A conditional write without its record.
struct Write {
    expected: Option<Revision>,
    revision: Revision,
    nonce: Option<Vec<u8>>,
    kind_and_summary: (WriteKind, bool, u32, KeyId),
}

/// Records every conditional write.
#[derive(Clone, Default)]
struct Logged(MemoryStore, Arc<Mutex<Vec<Write>>>);

impl Logged {
    fn writes(&self) -> Vec<Write> {
        std::mem::take(&mut *self.1.lock().unwrap())
    }

    /// The kinds and summaries of the writes since the last call.
    fn written(&self) -> Vec<(WriteKind, bool, u32, KeyId)> {
        self.writes()
            .iter()
            .map(|write| write.kind_and_summary)
            .collect()
    }
}

impl Store for Logged {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Store::load(&self.0, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let summary = write.summary();
        self.1.lock().unwrap().push(Write {
            expected: write.expected(),
            revision: write.revision(),
            nonce: write.record().map(|record| record[NONCE].to_vec()),
            kind_and_summary: (
                write.kind(),
                summary.enabled,
                summary.codes_left,
                summary.key,
            ),
        });
        Store::compare_and_swap(&self.0, account, write).await
    }
}

fn logged() -> World<Logged> {
    World::with_store(Logged::default(), policy().build().unwrap())
}

#[test]
fn writes_name_what_happens_to_code_sets() {
    use WriteKind as Kind;
    let world = logged();
    let store = world.verifier.store().clone();
    let phone = world.enroll();
    let issue = || {
        let receipt = world.log_in(&phone);
        let proof = world.reauthenticated(&receipt);
        let issued = world.verifier.issue_backup_codes(&world.alice, proof);
        block_on(issued).unwrap().set()
    };
    let first = issue();
    store.written();
    let kinds = || -> Vec<_> {
        let written = store.written().into_iter();
        written.map(|(kind, _, left, _)| (kind, left)).collect()
    };
    let (verifier, alice) = (&world.verifier, &world.alice);
    let second = issue();
    let issued = [Kind::Accepted, Kind::Issuing, Kind::IssuedPending];
    assert_eq!(kinds(), issued.map(|kind| (kind, 10)));
    block_on(verifier.discard_pending_codes(alice, second)).unwrap();
    assert_eq!(kinds(), [(Kind::CodesDiscarded, 10)]);
    let third = issue();
    kinds();
    block_on(verifier.confirm_saved(alice, first)).unwrap();
    assert_eq!(kinds(), [], "the first set is current already");
    block_on(verifier.confirm_saved(alice, third)).unwrap();
    assert_eq!(kinds(), [(Kind::CodesConfirmed, 10)]);
}

#[test]
fn every_write_carries_its_kind_and_summary() {
    use WriteKind as Kind;
    let mut world = logged();
    let store = world.verifier.store().clone();
    let (one, two) = (KeyId::new(1), KeyId::new(2));

    let phone = world.enroll();
    let begun = (Kind::Enrolling, false, 0, one);
    assert_eq!(store.written(), [begun, (Kind::Enrolled, true, 0, one)]);

    let wrong = world.wrong(&phone);
    assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    assert_eq!(store.written(), [(Kind::Rejected, true, 0, one)]);

    let codes = world.issue(&phone);
    let written = store.written();
    assert_eq!(written[0], (Kind::Accepted, true, 0, one));
    assert_eq!(written.last(), Some(&(Kind::Issued, true, 10, one)));

    let _receipt = world.verify(&codes[0]).unwrap();
    let accepted = (Kind::Accepted, true, 9, one);
    assert_eq!(store.written(), [(Kind::Reserved, true, 10, one), accepted]);

    let receipt = world.log_in(&phone);
    let request = EnrollmentRequest::new("alice");
    let proof = world.reauthenticated(&receipt);
    let enrollment = world.begin(request, proof.clone()).unwrap();
    let second = crate::world::scan(&enrollment);
    let wrong = world.wrong(&second);
    assert!(world.confirm(&enrollment, &wrong).is_err());
    let _receipt = world.confirm(&enrollment, &world.now(&second)).unwrap();
    let id = world.authenticators()[0];
    let _removed = block_on(world.verifier.remove_authenticator(&world.alice, id, proof)).unwrap();
    let kinds = [
        Kind::Accepted,
        Kind::Enrolling,
        Kind::Enrolling,
        Kind::Enrolled,
        Kind::Removed,
    ];
    assert_eq!(store.written(), kinds.map(|kind| (kind, true, 9, one)));

    let keyring = Keyring::new(two, SealingKey::generate().unwrap());
    let keyring = keyring.with_retired(one, world.key.clone()).unwrap();
    let builder = Verifier::builder(store.clone(), keyring, "Example");
    let builder = builder.policy(policy().build().unwrap());
    world.verifier = builder.clock(world.clock.clone()).build().unwrap();
    let resealed = block_on(world.verifier.reseal(&world.alice)).unwrap();
    assert_eq!(resealed, Resealed::Changed);
    assert_eq!(store.written(), [(Kind::Resealed, true, 9, two)]);

    let receipt = world.log_in(&second);
    let proof = world.reauthenticated(&receipt);
    _ = block_on(world.verifier.disable(&world.alice, proof)).unwrap();
    let disabled = (Kind::Disabled, false, 0, two);
    assert_eq!(store.written(), [(Kind::Accepted, true, 9, two), disabled]);

    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(store.written(), [disabled]);
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    assert_eq!(store.written(), [(Kind::Erased, false, 0, two)]);
}

#[test]
fn every_write_has_a_new_revision_and_nonce() {
    let world = logged();
    let bob = AccountId::new("bob").unwrap();
    for account in [&world.alice, &bob] {
        for _ in 0..3 {
            let request = EnrollmentRequest::new("alice");
            let proof = world.password();
            block_on(world.verifier.begin_enrollment(account, request, proof)).unwrap();
        }
        block_on(world.verifier.erase(account, &staff())).unwrap();
    }
    let writes = world.verifier.store().writes();
    let revisions: BTreeSet<i64> = writes.iter().map(|write| write.revision.as_i64()).collect();
    assert_eq!((writes.len(), revisions.len()), (8, 8));
    let nonces: BTreeSet<_> = writes
        .iter()
        .filter_map(|write| write.nonce.as_ref())
        .collect();
    assert_eq!(nonces.len(), 6, "an erasure encrypts nothing");
    for account in writes.chunks(4) {
        assert_eq!(account[0].expected, None);
        for pair in account.windows(2) {
            assert_eq!(pair[1].expected, Some(pair[0].revision));
        }
    }
}

/// A store whose loads take a minute.
#[derive(Clone)]
struct Slow(MemoryStore, ManualClock);

impl Store for Slow {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let stored = Store::load(&self.0, account).await;
        self.1.advance(Duration::from_secs(60));
        stored
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        Store::compare_and_swap(&self.0, account, write).await
    }
}

/// Counts the reads of the clock.
struct Counted(ManualClock, Arc<Mutex<usize>>);

impl Clock for Counted {
    fn now(&self) -> Timestamp {
        *self.1.lock().unwrap() += 1;
        self.0.now()
    }
}

#[test]
fn the_clock_is_read_once_after_loading() {
    let (world, phone) = World::enrolled();
    let reads = Arc::new(Mutex::new(0));
    let keyring = Keyring::new(KeyId::new(1), world.key.clone());
    let store = Slow(world.verifier.store().clone(), world.clock.clone());
    let builder = Verifier::builder(store, keyring, "Example");
    let clock = Counted(world.clock.clone(), Arc::clone(&reads));
    let slow = builder.clock(clock).build().unwrap();

    let later = world.clock.now().saturating_add(60);
    let before = world.now(&phone);
    let outcome = block_on(slow.verify(&world.alice, &before));
    assert_eq!(
        rejection(outcome),
        Rejection::WrongCode,
        "the passcode is too old"
    );
    assert_eq!((world.clock.now(), *reads.lock().unwrap()), (later, 1));

    let later = later.saturating_add(60);
    let receipt = block_on(slow.verify(&world.alice, &phone.passcode(later))).unwrap();
    assert_eq!((receipt.at(), *reads.lock().unwrap()), (later, 2));

    world.clock.advance(STEP);
    let status = block_on(slow.status(&world.alice)).unwrap();
    assert!(matches!(status, Status::Enabled(_)));
    assert_eq!(*reads.lock().unwrap(), 3);
}
