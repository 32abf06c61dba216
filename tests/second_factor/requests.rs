//! A form that is sent twice: the same request id and code get the same result (invariants 1 to 3).

use crate::world::{STEP, World, keyring, rejection, staff, waiting};
use countersign::backup::{CodeShape, ImportedCodes};
use countersign::import::{Import, ImportedAuthenticator};
use countersign::otp::Secret;
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Denied, EnrollmentRequest, Proof, Receipt, Rejection, RequestId, ServerClock, Status,
};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store that notes the kinds of all stored writes.
#[derive(Clone, Default)]
struct Noted {
    store: MemoryStore,
    writes: Arc<Mutex<Vec<WriteKind>>>,
}

impl Noted {
    fn kinds(&self) -> Vec<WriteKind> {
        std::mem::take(&mut *self.writes.lock().unwrap())
    }
}

impl Store for Noted {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Store::load(&self.store, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let result = Store::compare_and_swap(&self.store, account, write).await;
        if result == Ok(WriteResult::Done) {
            self.writes.lock().unwrap().push(write.kind());
        }
        result
    }
}

fn noted() -> (World<Noted>, Phone) {
    let policy = crate::world::policy().build().unwrap();
    let world = World::with_store(Noted::default(), policy);
    let phone = world.enroll();
    world.verifier.store().kinds();
    (world, phone)
}

/// Whether a rejection says that an earlier call counted the failure.
fn is_repeat(outcome: &Result<Receipt, Denied>) -> bool {
    matches!(outcome, Err(Denied::Repeated(_)))
}

fn new_id() -> RequestId {
    RequestId::generate().unwrap()
}

impl<S: Store> World<S> {
    pub(crate) fn request(&self, code: &str, id: &RequestId) -> Result<Receipt, Denied> {
        block_on(self.verifier.verify_request(&self.alice, code, id))
    }

    /// A backup code that is wrong.
    pub(crate) fn wrong_code(&self, codes: &[String]) -> String {
        let is_right = |code: &String| codes.iter().any(|right| right.replace(' ', "") == *code);
        let mut all = (0..).map(|n: u32| format!("{n:08}"));
        all.find(|code| !is_right(code)).unwrap()
    }

    /// The number of consecutive failures before this call, which counts more failures.
    pub(crate) fn failures(&self, phone: &Phone) -> usize {
        let wrong = self.wrong(phone);
        let more = (0..5).take_while(|_| rejection(self.verify(&wrong)) == Rejection::WrongCode);
        5 - more.count()
    }
}

fn parts(receipt: &Receipt) -> impl PartialEq + std::fmt::Debug + use<> {
    let account = receipt.account().clone();
    (account, receipt.at(), receipt.accepted_by())
}

/// Invariant 1.
#[test]
fn a_repeat_gets_the_same_receipt() {
    let (world, phone) = noted();
    let codes = world.issue(&phone);
    world.clock.advance(STEP);
    for code in [world.now(&phone), codes[3].clone()] {
        let id = new_id();
        let first = world.request(&code, &id).unwrap();
        assert!(!first.is_repeat());
        world.verifier.store().kinds();
        for seconds in [0, 1, 29] {
            world.clock.advance(Duration::from_secs(seconds));
            let again = world.request(&format!(" {code}-"), &id).unwrap();
            assert!(again.is_repeat());
            assert_eq!(parts(&again), parts(&first));
            let sealed = [&first, &again].map(|one| world.verifier.seal_receipt(one));
            assert_eq!(sealed[0], sealed[1]);
        }
        assert_eq!(
            world.verifier.store().kinds(),
            [],
            "a repeat writes nothing"
        );
        world.clock.advance(STEP);
    }
    assert_eq!(world.codes_left(), 9);
}

/// Invariants 1 and 2.
#[test]
fn a_late_repeat_is_an_attempt() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    world.clock.advance(STEP);
    let (id, passcode) = (new_id(), world.now(&phone));
    let _receipt = world.request(&passcode, &id).unwrap();
    world.clock.advance(Duration::from_secs(31));
    let late = world.request(&passcode, &id);
    assert_eq!(rejection(late), Rejection::Replayed);

    let _receipt = world.request(&codes[0], &id).unwrap();
    world.clock.advance(Duration::from_secs(31));
    let late = world.request(&codes[0], &id);
    assert_eq!(rejection(late), Rejection::BackupCodeUsed);
}

/// Invariants 1 and 2.
#[test]
fn another_id_is_an_attempt() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    world.clock.advance(STEP);
    let (id, passcode) = (new_id(), world.now(&phone));
    let _receipt = world.request(&passcode, &id).unwrap();
    let other = world.request(&passcode, &new_id());
    assert_eq!(rejection(other), Rejection::Replayed);
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    // Neither wrote anything, so the first request still has its result.
    assert!(world.request(&passcode, &id).unwrap().is_repeat());

    let _receipt = world.request(&codes[0], &id).unwrap();
    let other = world.request(&codes[0], &new_id());
    assert_eq!(rejection(other), Rejection::BackupCodeUsed);
    assert_eq!(world.failures(&phone), 1);
}

#[test]
fn another_code_is_an_attempt() {
    let (world, phone) = World::enrolled();
    let (id, passcode) = (new_id(), world.now(&phone));
    let wrong = world.wrong(&phone);
    assert_eq!(rejection(world.request(&wrong, &id)), Rejection::WrongCode);
    let receipt = world.request(&passcode, &id).unwrap();
    assert!(!receipt.is_repeat());
    // The accepted code is the last attempt now, so the wrong code is another attempt.
    assert_eq!(rejection(world.request(&wrong, &id)), Rejection::WrongCode);
    let replaced = world.request(&passcode, &id);
    assert_eq!(rejection(replaced), Rejection::Replayed);
    assert_eq!(world.failures(&phone), 1);
}

#[test]
fn a_request_belongs_to_one_account() {
    let (world, phone) = World::enrolled();
    let bob = World {
        alice: AccountId::new("bob").unwrap(),
        ..world.server(|builder| builder)
    };
    let bobs = bob.enroll();
    let (id, passcode) = (new_id(), world.now(&phone));
    let _receipt = world.request(&passcode, &id).unwrap();
    assert_ne!(bob.now(&bobs), passcode, "another secret");
    assert_eq!(rejection(bob.request(&passcode, &id)), Rejection::WrongCode);
    assert!(world.request(&passcode, &id).unwrap().is_repeat());
}

/// Invariant 3.
#[test]
fn a_repeated_wrong_code_is_counted_once() {
    let (world, phone) = noted();
    let codes = world.issue(&phone);
    let store = world.verifier.store();
    store.kinds();
    for code in [world.wrong(&phone), world.wrong_code(&codes)] {
        let id = new_id();
        for number in 0..5 {
            let outcome = world.request(&code, &id);
            assert_eq!(is_repeat(&outcome), number > 0);
            assert_eq!(rejection(outcome), Rejection::WrongCode);
        }
    }
    let mut expected = vec![WriteKind::Rejected, WriteKind::Reserved];
    expected.extend([WriteKind::Joined; 4]);
    assert_eq!(store.kinds(), expected);
    assert_eq!(world.failures(&phone), 2);
}

#[test]
fn a_repeated_used_backup_code_is_a_repeat() {
    let (world, phone) = noted();
    let codes = world.issue(&phone);
    let used = codes.first().unwrap();
    let _receipt = world.verify(used).unwrap();
    let id = new_id();
    for repeats in [false, true] {
        let outcome = world.request(used, &id);
        assert_eq!(is_repeat(&outcome), repeats);
        assert_eq!(rejection(outcome), Rejection::BackupCodeUsed);
    }
    assert_eq!(world.failures(&phone), 1);
}

#[test]
fn a_fifth_join_is_counted() {
    let (world, phone) = noted();
    let codes = world.issue(&phone);
    let (id, wrong) = (new_id(), world.wrong_code(&codes));
    world.verifier.store().kinds();
    let counted = [&[WriteKind::Reserved][..], &[WriteKind::Joined; 4]].concat();
    for _ in 0..2 {
        for number in 0..5 {
            let outcome = world.request(&wrong, &id);
            assert_eq!(is_repeat(&outcome), number > 0);
            assert_eq!(rejection(outcome), Rejection::WrongCode);
        }
    }
    let expected = [&counted[..], &counted].concat();
    assert_eq!(world.verifier.store().kinds(), expected);
    assert_eq!(world.failures(&phone), 2);
}

#[test]
fn a_join_extends_no_time() {
    let (world, phone) = noted();
    let codes = world.issue(&phone);
    let (id, wrong) = (new_id(), world.wrong_code(&codes));
    world.verifier.store().kinds();
    for seconds in [0, 20, 11] {
        world.clock.advance(Duration::from_secs(seconds));
        let outcome = world.request(&wrong, &id);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    use WriteKind::{Joined, Reserved};
    assert_eq!(world.verifier.store().kinds(), [Reserved, Joined, Reserved]);
}

#[test]
fn a_repeat_is_answered_while_others_must_wait() {
    let (world, phone) = World::enrolled();
    let (id, wrong) = (new_id(), world.wrong(&phone));
    for _ in 0..4 {
        assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    }
    for _ in 0..3 {
        let outcome = world.request(&wrong, &id);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    assert_eq!(rejection(world.request(&wrong, &new_id())), waiting(30));
    assert_eq!(rejection(world.verify(&wrong)), waiting(30));
    let repeat = world.request(&wrong, &id);
    assert_eq!(rejection(repeat), Rejection::WrongCode);
}

#[test]
fn uncounted_answers_write_nothing() {
    let (world, phone) = noted();
    let passcode = world.now(&phone);
    let _receipt = world.verify(&passcode).unwrap();
    let store = world.verifier.store();
    store.kinds();
    let id = new_id();
    for _ in 0..2 {
        let outcome = world.request(&passcode, &id);
        assert_eq!(rejection(outcome), Rejection::Replayed);
        for malformed in ["", "12345", "not a code!"] {
            let outcome = world.request(malformed, &id);
            assert_eq!(rejection(outcome), Rejection::Malformed);
        }
    }
    assert_eq!(store.kinds(), []);
    for _ in 0..5 {
        assert!(world.verify(&world.wrong(&phone)).is_err());
    }
    store.kinds();
    assert_eq!(rejection(world.request(&passcode, &id)), waiting(30));
    assert_eq!(store.kinds(), []);
}

#[test]
fn a_request_is_refused_without_a_second_factor() {
    let world = World::new();
    let outcome = world.request("123456", &new_id());
    assert_eq!(rejection(outcome), Rejection::Absent);
    let _pending = world.begin(EnrollmentRequest::new("alice"), world.password());
    let outcome = world.request("123456", &new_id());
    assert_eq!(rejection(outcome), Rejection::Disabled);
}

type Act = fn(&World, &Phone, &Receipt);

/// Every change, and every attempt that is stored, drops the result.
#[test]
fn another_write_ends_the_repeats() {
    let remove: Act = |world, _, receipt| {
        let (proof, last) = (world.reauthenticated(receipt), world.authenticators()[1]);
        let removed = world
            .verifier
            .remove_authenticator(&world.alice, last, proof);
        let _others_left = block_on(removed).unwrap();
    };
    let issue: Act = |world, _, receipt| {
        let proof = world.reauthenticated(receipt);
        drop(block_on(world.verifier.issue_backup_codes(&world.alice, proof)).unwrap());
    };
    let begin: Act = |world, _, receipt| {
        let proof = world.reauthenticated(receipt);
        drop(world.begin(EnrollmentRequest::new("alice"), proof).unwrap());
    };
    let unlock: Act = |world, _, _| world.unlock(ServerClock::Unconfirmed).unwrap();
    let wrong: Act = |world, phone, _| drop(world.verify(&world.wrong(phone)));
    let wrong_request: Act = |world, phone, _| {
        drop(world.request(&world.wrong(phone), &new_id()));
    };
    let wrong_proof: Act = |world, phone, _| {
        let code = world.wrong(phone);
        drop(block_on(
            world.verifier.disable(&world.alice, Proof::Code(&code)),
        ));
    };
    for act in [
        remove,
        issue,
        begin,
        unlock,
        wrong,
        wrong_request,
        wrong_proof,
    ] {
        let (world, phone) = World::enrolled();
        world.clock.advance(STEP);
        let receipt = world.verify(&world.now(&phone)).unwrap();
        let proof = world.reauthenticated(&receipt);
        let second = world.begin(EnrollmentRequest::new("alice"), proof).unwrap();
        let tablet = crate::world::scan(&second);
        let _receipt = world.confirm(&second, &world.now(&tablet)).unwrap();
        world.clock.advance(STEP);
        let (id, passcode) = (new_id(), world.now(&phone));
        let receipt = world.request(&passcode, &id).unwrap();
        act(&world, &phone, &receipt);
        let repeat = world.request(&passcode, &id);
        assert_eq!(rejection(repeat), Rejection::Replayed);
    }
}

#[test]
fn a_removal_ends_the_repeats() {
    let (world, phone) = World::enrolled();
    let (id, passcode) = (new_id(), world.now(&phone));
    let receipt = world.request(&passcode, &id).unwrap();
    let (proof, only) = (world.reauthenticated(&receipt), world.authenticators()[0]);
    let removed = world
        .verifier
        .remove_authenticator(&world.alice, only, proof);
    let _disabled = block_on(removed).unwrap();
    assert_eq!(world.status(), Status::Disabled);
    let repeat = world.request(&passcode, &id);
    assert_eq!(rejection(repeat), Rejection::Disabled);
    world.enroll();
    let repeat = world.request(&passcode, &id);
    assert!(repeat.is_err());

    let (world, phone) = World::enrolled();
    let (id, passcode) = (new_id(), world.now(&phone));
    let _receipt = world.request(&passcode, &id).unwrap();
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    let repeat = world.request(&passcode, &id);
    assert_eq!(rejection(repeat), Rejection::Absent);
}

#[test]
fn resealing_keeps_the_result() {
    let (world, phone) = World::enrolled();
    let (id, passcode) = (new_id(), world.now(&phone));
    let _receipt = world.request(&passcode, &id).unwrap();
    let new_key = countersign::SealingKey::generate().unwrap();
    let keys = keyring(2, &new_key)
        .with_retired(countersign::KeyId::new(1), world.key.clone())
        .unwrap();
    let server = world.service(world.verifier.store().clone(), keys, |builder| builder);
    block_on(server.verifier.reseal(&world.alice)).unwrap();
    assert!(server.request(&passcode, &id).unwrap().is_repeat());
}

#[test]
fn servers_may_differ_by_ten_seconds() {
    for (first, ahead, is_repeat) in [(5, 0, true), (0, 5, true), (10, 0, true), (11, 0, false)] {
        let (world, phone) = World::enrolled();
        let server = |seconds| {
            let clock = ManualClock::at(world.clock.now());
            clock.advance(Duration::from_secs(seconds));
            world.server(|builder| builder.clock(clock))
        };
        let (id, passcode) = (new_id(), world.now(&phone));
        let receipt = server(first).request(&passcode, &id).unwrap();
        match server(ahead).request(&passcode, &id) {
            Ok(repeat) => {
                assert!(is_repeat && repeat.is_repeat());
                assert_eq!(parts(&repeat), parts(&receipt));
            }
            Err(denied) => {
                assert_eq!(denied.rejection(), Some(Rejection::Replayed));
                assert!(!is_repeat, "{first} s and {ahead} s");
            }
        }
    }
}

#[test]
fn a_record_without_requests_has_the_first_form() {
    let (world, phone) = World::enrolled();
    let form = || world.record()[0];
    assert_eq!(form(), 1);
    let _receipt = world.request(&world.now(&phone), &new_id()).unwrap();
    let with = world.record();
    assert_eq!(with[0], 2);
    world.clock.advance(STEP);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(form(), 1, "another attempt drops the field");
    let revision = 9;
    assert_eq!(with.len() + revision - world.record().len(), 27);
}

#[test]
fn a_late_write_drops_the_field() {
    let (world, phone) = World::enrolled();
    let keys = || {
        let new_key = countersign::SealingKey::from_bytes(&[9; 32]);
        keyring(2, &new_key)
            .with_retired(countersign::KeyId::new(1), world.key.clone())
            .unwrap()
    };
    let _receipt = world.request(&world.now(&phone), &new_id()).unwrap();
    world.clock.advance(Duration::from_secs(31));
    let server = world.service(world.verifier.store().clone(), keys(), |builder| builder);
    block_on(server.verifier.reseal(&world.alice)).unwrap();
    assert_eq!(world.record()[0], 1);
}

#[test]
fn imported_codes_are_repeated() {
    let shape = CodeShape::new("0123456789abcdef", 12).unwrap();
    let mut hashed = include_str!("../data/imported_hashes.txt").lines();
    let hashed = hashed.find(|line| line.starts_with("argon2-cffi")).unwrap();
    let [_, _, _, code, hash] = hashed.split('\t').collect::<Vec<_>>()[..] else {
        panic!("{hashed}");
    };
    for codes in [
        ImportedCodes::plain(shape, [(code, None)]).unwrap(),
        ImportedCodes::hashed(shape, [(hash, None)]).unwrap(),
    ] {
        let policy = crate::world::policy().build().unwrap();
        let world = World::with_store(Noted::default(), policy);
        let secret = Secret::from_bytes(&[7; 20]).unwrap();
        let import = Import::new([ImportedAuthenticator::totp(secret)]).backup_codes(codes);
        block_on(world.verifier.import(&world.alice, &import)).unwrap();
        world.verifier.store().kinds();
        let id = new_id();
        let receipts = [(); 2].map(|()| world.request(code, &id).unwrap());
        assert_eq!(receipts.each_ref().map(Receipt::is_repeat), [false, true]);
        assert_eq!(parts(&receipts[0]), parts(&receipts[1]));
        use WriteKind::{Accepted, Reserved};
        assert_eq!(world.verifier.store().kinds(), [Reserved, Accepted]);
    }
}

#[test]
fn a_request_id_is_128_random_bits() {
    let id = new_id();
    let text = id.to_string();
    assert_eq!(text.len(), 32);
    assert_eq!(text.parse::<RequestId>().unwrap(), id);
    assert_eq!(text.to_uppercase().parse::<RequestId>().unwrap(), id);
    assert_ne!(new_id(), id);
    for refused in [
        "",
        &text[1..],
        &format!("{text}0"),
        &text.replace(&text[..1], "g"),
    ] {
        assert!(refused.parse::<RequestId>().is_err(), "{refused}");
    }
    assert!(!format!("{id:?}").contains(&text));
}
