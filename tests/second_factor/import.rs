//! Imports of accounts of another system.

use crate::world::{DAY, START, STEP, World, policy, rejection, staff};
use countersign::backup::{CodeShape, ImportedCodes, ImportedCodesError};
use countersign::conformance::{Fault, Faults, Faulty};
use countersign::factor::AuthenticatorKind;
use countersign::import::{
    ExistingFactor, Import, ImportError, ImportFault, Imported, ImportedAuthenticator,
};
use countersign::otp::{Algorithm, Digits, Hotp, Period, Secret, TimeStep, Totp};
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind};
use countersign::store::{Revision, Summary, WriteResult};
use countersign::testing::block_on;
use countersign::uri::KeyUri;
use countersign::{
    AccountId, AuthenticatorName, EnrollmentRequest, KeyId, Rejection, Status, Timestamp,
};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const KEY: &[u8; 20] = b"12345678901234567890";
const CURRENT: u64 = START.as_unix() / 30;

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_bytes_with_minimum(bytes, 8).unwrap()
}

fn totp() -> ImportedAuthenticator {
    ImportedAuthenticator::totp(secret(KEY))
}

/// A phone that was last used long ago.
fn old_phone() -> Import {
    Import::new([totp().last_step(TimeStep::new(CURRENT - 1000))])
}

fn passcode(step: u64) -> String {
    let totp = Totp::new(KEY, Algorithm::Sha1, Digits::SIX, Period::default());
    let at = Timestamp::from_unix(step * 30);
    totp.generate(at).expose().to_owned()
}

fn counter_passcode(counter: u64) -> String {
    let hotp = Hotp::new(KEY, Algorithm::Sha1, Digits::SIX);
    hotp.generate(counter).expose().to_owned()
}

fn import<S: Store>(world: &World<S>, import: &Import) -> Result<Imported, ImportError> {
    block_on(world.verifier.import(&world.alice, import))
}

fn fault(import: &Import) -> ImportFault {
    fault_under(policy().build().unwrap(), import)
}

fn fault_under(policy: countersign::Policy, import: &Import) -> ImportFault {
    let world = World::with_policy(policy);
    match self::import(&world, import) {
        Err(ImportError::Unfit(fault)) => {
            assert_eq!(world.status(), Status::Absent, "nothing was imported");
            fault
        }
        other => panic!("{other:?}"),
    }
}

fn existing<S: Store>(world: &World<S>, import: &Import) -> ExistingFactor {
    match self::import(world, import) {
        Err(ImportError::Occupied(existing)) => existing,
        other => panic!("{other:?}"),
    }
}

fn imported(authenticators: Import) -> World {
    let world = World::new();
    assert_eq!(import(&world, &authenticators).unwrap(), Imported::Now);
    world
}

#[test]
fn an_imported_phone_logs_in() {
    let world = imported(old_phone());
    let _receipt = world.verify(&passcode(CURRENT)).unwrap();
    let again = world.verify(&passcode(CURRENT));
    assert_eq!(rejection(again), Rejection::Replayed);
}

#[test]
fn the_imported_last_step_is_used() {
    for (last, accepted) in [(1, false), (0, false), (-1, true)] {
        let last_step = TimeStep::new(CURRENT.checked_add_signed(last).unwrap());
        let world = imported(Import::new([totp().last_step(last_step)]));
        let answer = world.verify(&passcode(CURRENT));
        if accepted {
            assert!(answer.is_ok(), "{last}");
        } else {
            assert_eq!(rejection(answer), Rejection::Replayed, "{last}");
        }
    }
}

#[test]
fn without_a_last_step_the_export_uses_up_its_window() {
    let exported = |steps_ago: u64| {
        let at = Timestamp::from_unix(START.as_unix() - 30 * steps_ago);
        imported(Import::new([totp()]).exported_at(at))
    };
    for steps_ago in [0, 1] {
        let answer = exported(steps_ago).verify(&passcode(CURRENT));
        assert_eq!(rejection(answer), Rejection::Replayed, "{steps_ago}");
    }
    assert!(exported(2).verify(&passcode(CURRENT)).is_ok());

    let world = imported(Import::new([totp()]));
    let now = world.verify(&passcode(CURRENT + 1));
    assert_eq!(rejection(now), Rejection::Replayed, "exported now");
    world.clock.advance(STEP * 2);
    assert!(world.verify(&passcode(CURRENT + 2)).is_ok());
}

#[test]
fn steps_count_from_t0() {
    let t0 = Timestamp::from_unix(START.as_unix() - 30 * 500);
    let world = imported(Import::new([totp().t0(t0).last_step(TimeStep::new(499))]));
    let replayed = rejection(world.verify(&passcode(499)));
    assert_eq!(replayed, Rejection::Replayed);
    let _receipt = world.verify(&passcode(500)).unwrap();

    let world = imported(Import::new([totp().t0(t0)]));
    let replayed = rejection(world.verify(&passcode(501)));
    assert_eq!(replayed, Rejection::Replayed, "exported now");
    world.clock.advance(STEP * 2);
    assert!(world.verify(&passcode(502)).is_ok());
}

#[test]
fn an_imported_counter_goes_on() {
    let world = imported(Import::new([ImportedAuthenticator::hotp(secret(KEY), 12)]));
    let last = world.verify(&counter_passcode(11));
    assert_eq!(rejection(last), Rejection::Replayed, "the counter before");
    let _receipt = world.verify(&counter_passcode(13)).unwrap();
    assert!(world.verify(&counter_passcode(12)).is_err());
    let _receipt = world.verify(&counter_passcode(14)).unwrap();
}

#[test]
fn the_same_import_again_changes_nothing() {
    let world = imported(old_phone());
    let _receipt = world.verify(&passcode(CURRENT)).unwrap();
    let before = world.record();
    let later = old_phone().exported_at(START);
    for again in [old_phone(), later] {
        assert_eq!(import(&world, &again).unwrap(), Imported::AlreadyHere);
    }
    assert_eq!(world.record(), before);
    let replayed = world.verify(&passcode(CURRENT));
    assert_eq!(rejection(replayed), Rejection::Replayed);
}

#[test]
fn a_stricter_policy_does_not_refuse_what_is_here() {
    let lenient = policy().imported_secret_bits(80).build().unwrap();
    let world = World::with_policy(lenient);
    let weak = || Import::new([ImportedAuthenticator::totp(secret(&[7; 10]))]);
    assert_eq!(import(&world, &weak()).unwrap(), Imported::Now);
    let strict = world.server(|builder| builder.policy(policy().build().unwrap()));
    assert_eq!(import(&strict, &weak()).unwrap(), Imported::AlreadyHere);
    let prepared = strict.verifier.prepare_import(&world.alice, weak());
    assert!(block_on(prepared).is_ok());
}

#[test]
fn any_other_content_is_another_import() {
    let phone = || totp().last_step(TimeStep::new(7));
    let name = AuthenticatorName::new("phone").unwrap();
    let world = imported(Import::new([phone()]));
    for other in [
        totp(),
        totp().last_step(TimeStep::new(8)),
        ImportedAuthenticator::totp(secret(b"12345678901234567891")).last_step(TimeStep::new(7)),
        ImportedAuthenticator::hotp(secret(KEY), 7),
        phone().algorithm(Algorithm::Sha256),
        phone().digits(Digits::EIGHT),
        phone().period(Period::from_secs(60).unwrap()),
        phone().t0(Timestamp::from_unix(1)),
        phone().name(name),
        phone().added_at(START),
    ] {
        let other = Import::new([other]);
        assert_eq!(existing(&world, &other), ExistingFactor::OtherImport);
    }
    let two = Import::new([phone(), ImportedAuthenticator::hotp(secret(&[1; 20]), 0)]);
    assert_eq!(existing(&world, &two), ExistingFactor::OtherImport);
}

#[test]
fn an_own_factor_is_never_replaced() {
    let (world, phone) = World::enrolled();
    assert_eq!(existing(&world, &old_phone()), ExistingFactor::Own);
    let _receipt = world.log_in(&phone);

    let world = World::new();
    let enrollment = world.begin(EnrollmentRequest::new("alice"), world.password());
    assert!(enrollment.is_ok());
    assert_eq!(existing(&world, &old_phone()), ExistingFactor::Own);
}

#[test]
fn a_disabled_factor_stays_disabled() {
    let world = imported(old_phone());
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(existing(&world, &old_phone()), ExistingFactor::Disabled);
    assert_eq!(world.status(), Status::Disabled);
}

#[test]
fn an_erased_account_can_be_imported() {
    let world = imported(old_phone());
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    assert_eq!(import(&world, &old_phone()).unwrap(), Imported::Now);
}

#[test]
fn unfit_authenticators_are_refused_by_number() {
    let world = policy().build().unwrap();
    assert_eq!(world.imported_secret_bits(), 128);
    assert_eq!(fault(&Import::new([])), ImportFault::NoAuthenticator);
    let six = (0..6).map(|n| ImportedAuthenticator::hotp(secret(&[n + 1; 20]), 0));
    let (count, maximum) = (6, 5);
    let too_many = ImportFault::TooManyAuthenticators { count, maximum };
    assert_eq!(fault(&Import::new(six)), too_many);

    let second = |unfit| fault(&Import::new([totp().last_step(TimeStep::new(0)), unfit]));
    let other = || ImportedAuthenticator::totp(secret(&[7; 20]));
    let number = 2;
    for bytes in [1, 16, 64] {
        let zeros = ImportedAuthenticator::totp(secret(&vec![0; bytes]));
        assert_eq!(second(zeros), ImportFault::ZeroSecret { number });
    }
    let weak = ImportFault::WeakSecret {
        number,
        bits: 80,
        minimum: 128,
    };
    assert_eq!(second(ImportedAuthenticator::totp(secret(&[7; 10]))), weak);
    let same = ImportFault::SecretInUse { number };
    assert_eq!(second(ImportedAuthenticator::hotp(secret(KEY), 0)), same);

    let padded = [&KEY[..], &[0; 3]].concat();
    for padded in [&padded[..], &padded[..21]] {
        let padded = ImportedAuthenticator::totp(secret(padded));
        assert_eq!(second(padded), same, "HMAC pads a key with zeros");
    }

    let seconds = 30_000;
    let long = ImportFault::PeriodTooLong { number, seconds };
    let milliseconds = Period::from_secs(seconds).unwrap();
    assert_eq!(second(other().period(milliseconds)), long);

    let tomorrow = START.as_unix() + DAY.as_secs();
    let step = TimeStep::new(tomorrow / 30 + 1);
    let ahead = ImportFault::StepInFuture { number, step };
    assert_eq!(second(other().last_step(step)), ahead);
    let seconds = TimeStep::new(START.as_unix());
    let ahead = ImportFault::StepInFuture {
        number,
        step: seconds,
    };
    assert_eq!(
        second(other().last_step(seconds)),
        ahead,
        "seconds, not steps"
    );
    let at = Timestamp::from_unix(tomorrow + 1);
    let t0 = ImportFault::T0InFuture { number, at };
    assert_eq!(second(other().t0(at)), t0);
    assert_eq!(second(other().t0(at).last_step(TimeStep::new(0))), t0);
    let added = ImportFault::AddedInFuture { number, at };
    assert_eq!(second(other().added_at(at)), added);
    let exported = fault(&Import::new([totp()]).exported_at(at));
    assert_eq!(exported, ImportFault::ExportedInFuture { at });
    for counter in [u64::MAX - (1 << 32) + 1, u64::MAX] {
        let high = ImportFault::CounterTooHigh { number, counter };
        assert_eq!(
            second(ImportedAuthenticator::hotp(secret(&[7; 20]), counter)),
            high
        );
    }
}

#[test]
fn values_at_their_limit_are_imported() {
    let tomorrow = Timestamp::from_unix(START.as_unix() + DAY.as_secs());
    let step = TimeStep::new(tomorrow.as_unix() / 30);
    imported(Import::new([totp().last_step(step).added_at(tomorrow)]));
    imported(Import::new([totp()]).exported_at(tomorrow));
    imported(Import::new([totp().t0(tomorrow)]));
    imported(Import::new([
        totp().period(Period::from_secs(3600).unwrap())
    ]));
    let last = u64::MAX - (1 << 32);
    let world = imported(Import::new([ImportedAuthenticator::hotp(
        secret(KEY),
        last,
    )]));
    let _receipt = world.verify(&counter_passcode(last)).unwrap();

    let lenient = policy().imported_secret_bits(8).build().unwrap();
    let world = World::with_policy(lenient);
    let one_byte = Import::new([ImportedAuthenticator::totp(secret(&[1]))]);
    assert_eq!(import(&world, &one_byte).unwrap(), Imported::Now);
}

#[test]
fn the_status_says_what_was_imported() {
    let world = World::with_policy(policy().imported_secret_bits(80).build().unwrap());
    let added_at = Timestamp::from_unix(1_600_000_000);
    let two = Import::new([
        ImportedAuthenticator::totp(secret(&[7; 10])).added_at(added_at),
        ImportedAuthenticator::hotp(secret(KEY), 3),
    ]);
    assert_eq!(import(&world, &two).unwrap(), Imported::Now);
    let Status::Enabled(enabled) = world.status() else {
        panic!("not enabled");
    };
    let [weak, strong] = &enabled.authenticators[..] else {
        panic!("{enabled:?}");
    };
    assert!(weak.imported && strong.imported);
    assert_eq!((weak.secret_bits, strong.secret_bits), (80, 160));
    assert_eq!((weak.added_at, strong.added_at), (added_at, START));
    assert!(matches!(weak.kind, AuthenticatorKind::Totp { .. }));
    assert!(matches!(strong.kind, AuthenticatorKind::Hotp));
    assert_ne!(weak.id, strong.id);
}

#[test]
fn a_guessable_secret_has_no_lower_risk_than_1() {
    let world = World::with_policy(policy().imported_secret_bits(8).build().unwrap());
    for (bytes, is_guessable) in [(1, true), (7, true), (8, false), (10, false)] {
        block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
        let short = ImportedAuthenticator::totp(secret(&KEY[..bytes]));
        let two = Import::new([short, ImportedAuthenticator::hotp(secret(KEY), 0)]);
        assert_eq!(import(&world, &two).unwrap(), Imported::Now);
        let Status::Enabled(enabled) = world.status() else {
            panic!("not enabled");
        };
        let risk = world.verifier.policy().annual_risk(&enabled.authenticators);
        assert_eq!(risk >= 1.0, is_guessable, "{bytes} bytes: {risk}");
    }
}

#[test]
fn equal_names_get_numbers() {
    let long = AuthenticatorName::new(&"\u{e9}".repeat(32)).unwrap();
    let named = |number: u8, name: &AuthenticatorName| {
        ImportedAuthenticator::hotp(secret(&[number; 20]), 0).name(name.clone())
    };
    let default = AuthenticatorName::default();
    let world = imported(Import::new([
        named(1, &default),
        named(2, &default),
        named(3, &long),
        named(4, &long),
        named(5, &long),
    ]));
    let Status::Enabled(enabled) = world.status() else {
        panic!("not enabled");
    };
    let names = enabled
        .authenticators
        .iter()
        .map(|one| one.name.to_string());
    let expected = [
        "Authenticator app".to_owned(),
        "Authenticator app 2".to_owned(),
        "\u{e9}".repeat(32),
        "\u{e9}".repeat(31) + " 2",
        "\u{e9}".repeat(31) + " 3",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
}

#[test]
fn a_key_uri_is_an_import() {
    let uri = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
               &issuer=Example&algorithm=SHA256&digits=8&period=60";
    let uri = KeyUri::parse(uri).unwrap();
    let world = imported(Import::new(
        [ImportedAuthenticator::try_from(&uri).unwrap()],
    ));
    world.clock.advance(Duration::from_secs(180));
    let totp = Totp::new(
        KEY,
        Algorithm::Sha256,
        Digits::EIGHT,
        Period::from_secs(60).unwrap(),
    );
    let passcode = totp.generate(world.clock.now());
    let _receipt = world.verify(passcode.expose()).unwrap();
}

/// A store that fails after a number of writes, as when the process is killed, and that keeps the
/// writes to send them again.
#[derive(Clone, Default)]
struct Recorder {
    store: MemoryStore,
    writes: Arc<Mutex<Vec<Recorded>>>,
    left: Arc<Mutex<Option<usize>>>,
}

#[derive(Clone)]
struct Recorded {
    expected: Option<Revision>,
    revision: Revision,
    record: Vec<u8>,
    kind: WriteKind,
}

impl Recorder {
    fn send_again(&self, account: &AccountId, write: &Recorded) -> WriteResult {
        let summary = Summary::new(false, 0, KeyId::new(1));
        let write = ConditionalWrite::put(
            write.expected,
            write.revision,
            &write.record,
            write.kind,
            summary,
        );
        let Ok(result) = block_on(Store::compare_and_swap(&self.store, account, write));
        result
    }

    fn kinds(&self) -> Vec<WriteKind> {
        let writes = self.writes.lock().unwrap();
        writes.iter().map(|write| write.kind).collect()
    }
}

impl Store for Recorder {
    type Error = std::io::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        let Ok::<_, Infallible>(stored) = Store::load(&self.store, account).await;
        Ok(stored)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        match &mut *self.left.lock().unwrap() {
            Some(0) => return Err(std::io::Error::other("killed")),
            Some(left) => *left -= 1,
            None => {}
        }
        if let Some(record) = write.record() {
            self.writes.lock().unwrap().push(Recorded {
                expected: write.expected(),
                revision: write.revision(),
                record: record.to_vec(),
                kind: write.kind(),
            });
        }
        let Ok(result) = Store::compare_and_swap(&self.store, account, write).await;
        Ok(result)
    }
}

fn recorded() -> World<Recorder> {
    World::with_store(Recorder::default(), policy().build().unwrap())
}

#[test]
fn an_import_takes_two_writes() {
    let world = recorded();
    assert_eq!(import(&world, &old_phone()).unwrap(), Imported::Now);
    let kinds = world.verifier.store().kinds();
    assert_eq!(kinds, [WriteKind::Enrolling, WriteKind::Enrolled]);
}

#[test]
fn a_killed_import_goes_on() {
    for writes in [0, 1] {
        let world = recorded();
        *world.verifier.store().left.lock().unwrap() = Some(writes);
        let killed = import(&world, &old_phone());
        assert!(matches!(killed, Err(ImportError::Failed(_))), "{killed:?}");
        let status = [Status::Absent, Status::Disabled];
        assert_eq!(world.status(), status[writes]);
        assert!(world.verify(&passcode(CURRENT)).is_err());

        *world.verifier.store().left.lock().unwrap() = None;
        assert_eq!(import(&world, &old_phone()).unwrap(), Imported::Now);
        let _receipt = world.verify(&passcode(CURRENT)).unwrap();
    }
}

#[test]
fn a_corrected_import_replaces_one_that_has_begun() {
    let world = recorded();
    *world.verifier.store().left.lock().unwrap() = Some(1);
    assert!(
        import(
            &world,
            &Import::new([ImportedAuthenticator::hotp(secret(KEY), 0)])
        )
        .is_err()
    );
    *world.verifier.store().left.lock().unwrap() = None;
    assert_eq!(import(&world, &old_phone()).unwrap(), Imported::Now);
    let _receipt = world.verify(&passcode(CURRENT)).unwrap();
}

#[test]
fn a_user_may_be_faster_than_an_import() {
    let world = recorded();
    *world.verifier.store().left.lock().unwrap() = Some(1);
    assert!(import(&world, &old_phone()).is_err());
    *world.verifier.store().left.lock().unwrap() = None;
    let phone = world.enroll();
    assert_eq!(existing(&world, &old_phone()), ExistingFactor::Own);
    let _receipt = world.log_in(&phone);
    world.clock.advance(DAY);
    let imported = passcode(world.clock.now().as_unix() / 30);
    assert_eq!(rejection(world.verify(&imported)), Rejection::WrongCode);
}

#[test]
fn a_late_write_after_an_erasure_revives_nothing() {
    let world = recorded();
    assert_eq!(import(&world, &old_phone()).unwrap(), Imported::Now);
    let store = world.verifier.store().clone();
    let writes = store.writes.lock().unwrap().clone();
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    let [begun, complete] = &writes[..] else {
        panic!("{} writes", writes.len());
    };
    let late = |write| store.send_again(&world.alice, write);
    assert_eq!(late(complete), WriteResult::Stale);
    assert_eq!(late(begun), WriteResult::Done);
    assert_eq!(world.status(), Status::Disabled);
}

/// A store whose account is erased as soon as a record is created.
#[derive(Clone, Default)]
struct Eraser(MemoryStore);

impl Store for Eraser {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Store::load(&self.0, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let result = Store::compare_and_swap(&self.0, account, write).await;
        if write.expected().is_none() {
            let summary = Summary::new(false, 0, KeyId::new(1));
            let erased = Revision::from_i64(1).unwrap();
            let erasure = ConditionalWrite::erase(write.revision(), erased, summary);
            let Ok(_) = Store::compare_and_swap(&self.0, account, erasure).await;
        }
        result
    }
}

#[test]
fn an_erasure_between_the_writes_ends_the_import() {
    let world = World::with_store(Eraser::default(), policy().build().unwrap());
    assert_eq!(existing(&world, &old_phone()), ExistingFactor::Erased);
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn the_largest_record_has_less_than_32_kib() {
    let policy = policy().max_authenticators(20).build().unwrap();
    let name = AuthenticatorName::new(&"x".repeat(64)).unwrap();
    let authenticators = (1..=20).map(|n| {
        let authenticator = ImportedAuthenticator::totp(secret(&[n; Secret::MAX_BYTES]));
        let latest = Timestamp::from_unix(START.as_unix() - 1);
        authenticator.name(name.clone()).t0(latest).added_at(START)
    });
    let base64 = |byte: u8, bytes: usize| data_encoding::BASE64_NOPAD.encode(&vec![byte; bytes]);
    let hash = |n: u8| {
        let (salt, hash) = (base64(n, 64), base64(n, 64));
        format!("$argon2id$v=19$m=65536,t=1,p=16${salt}${hash}")
    };
    let hashes: Vec<_> = (0..32).map(hash).collect();
    let hashes = hashes.iter().map(|hash| (hash.as_str(), Some(START)));
    let codes = ImportedCodes::hashed(shape(), hashes).unwrap();
    let world = World::with_policy(policy);
    let import = Import::new(authenticators).backup_codes(codes);
    assert_eq!(self::import(&world, &import).unwrap(), Imported::Now);
    let bytes = world.record().len();
    assert!((16_384..32_768).contains(&bytes), "{bytes}");
}

#[test]
fn one_write_imports_in_a_transaction() {
    let world = recorded();
    let import = || {
        block_on(
            world
                .verifier
                .import_in_transaction(&world.alice, &old_phone()),
        )
    };
    assert_eq!(import().unwrap(), Imported::Now);
    assert_eq!(world.verifier.store().kinds(), [WriteKind::Enrolled]);
    assert_eq!(import().unwrap(), Imported::AlreadyHere);
    let _receipt = world.verify(&passcode(CURRENT)).unwrap();
}

#[test]
fn faults_of_a_store_leave_one_whole_import() {
    for seed in 0..300 {
        let faults = Faults::of(&[
            Fault::FailBefore,
            Fault::FailAfter,
            Fault::Duplicate,
            Fault::LandLate,
        ]);
        let store = Faulty::seeded(MemoryStore::new(), faults.one_in(3).at_most(12), seed);
        let world = World::with_store(store, policy().build().unwrap());
        let results: Vec<_> = (0..20).map(|_| import(&world, &old_phone())).collect();
        for result in &results {
            let fine = matches!(result, Ok(_) | Err(ImportError::Failed(_)));
            assert!(fine, "seed {seed}: {result:?}");
        }
        assert!(results.iter().any(Result::is_ok), "seed {seed}");
        let accepted = (0..20).filter(|_| world.verify(&passcode(CURRENT)).is_ok());
        assert!(accepted.count() <= 1, "seed {seed}");
        let status = || block_on(world.verifier.status(&world.alice));
        let Some(Status::Enabled(enabled)) = (0..20).find_map(|_| status().ok()) else {
            panic!("seed {seed}: not enabled");
        };
        assert_eq!(enabled.authenticators.len(), 1, "seed {seed}");
    }
}

#[test]
fn of_concurrent_imports_one_wins() {
    let other = || Import::new([ImportedAuthenticator::hotp(secret(KEY), 0)]);
    for round in 0..50 {
        let world = World::new();
        let results: Vec<_> = thread::scope(|scope| {
            let jobs: Vec<_> = (0..8)
                .map(|job| {
                    let world = &world;
                    let content = if job % 2 == 0 { old_phone() } else { other() };
                    scope.spawn(move || import(world, &content))
                })
                .collect();
            jobs.into_iter().map(|job| job.join().unwrap()).collect()
        });
        let here = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(here, 4, "round {round}: {results:?}");
        for result in results {
            let fine = matches!(
                result,
                Ok(_) | Err(ImportError::Occupied(ExistingFactor::OtherImport))
            );
            assert!(fine, "round {round}: {result:?}");
        }
        assert_eq!(world.authenticators().len(), 1);
    }
}

fn shape() -> CodeShape {
    CodeShape::new("0123456789abcdef", 12).unwrap()
}

const CODES: [&str; 3] = ["0123-4567-89ab", "89ab-cdef-0123", "ffff-0000-1111"];

#[test]
fn imported_backup_codes_work_once() {
    let used = Timestamp::from_unix(1_700_000_000);
    let times = [None, Some(used), None];
    let codes = ImportedCodes::plain(shape(), CODES.into_iter().zip(times)).unwrap();
    let world = imported(old_phone().backup_codes(codes));
    assert_eq!(world.codes_left(), 2);
    let _receipt = world.verify("0123 4567 89AB").unwrap();
    for (code, expected) in [
        (CODES[0], Rejection::BackupCodeUsed),
        (CODES[1], Rejection::BackupCodeUsed),
        ("0123-4567-89ac", Rejection::WrongCode),
    ] {
        assert_eq!(rejection(world.verify(code)), expected, "{code}");
    }
    assert_eq!(world.codes_left(), 1);
}

#[test]
fn hashed_backup_codes_work_once() {
    // SHA-256 of salt and code: printf '12345678%s' 0123456789ab | openssl dgst -sha256 -binary
    let hashes = [
        "$sha256$MTIzNDU2Nzg$JQog+yYUfnxqyxw5MBOylJ7QhXynA1xOsS2b3pb3czA",
        "$sha256$MTIzNDU2Nzg$ivgrvLS5UUtWAVItc51ULr2YpGHU6NqHqpdg65pJpGg",
    ];
    let codes = ImportedCodes::hashed(shape(), hashes.map(|hash| (hash, None))).unwrap();
    let world = imported(old_phone().backup_codes(codes));
    assert_eq!(world.codes_left(), 2);
    let _receipt = world.verify("0123-4567-89ab").unwrap();
    assert!(world.verify("0123-4567-89ab").is_err());
    assert_eq!(world.codes_left(), 1);
}

#[test]
fn a_set_above_the_work_limit_is_refused() {
    let hash = |n: u8| format!("$2b$12${}", format!("{n:02}").repeat(26) + "a");
    let hashes: Vec<_> = (10..26).map(hash).collect();
    let hashes = hashes.iter().map(|hash| (hash.as_str(), None));
    let codes = ImportedCodes::hashed(shape(), hashes).unwrap();
    let world = World::new();
    let refused = import(&world, &old_phone().backup_codes(codes));
    let Err(ImportError::BackupCodes(ImportedCodesError::TooMuchWork { work, limit })) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(work, Duration::from_secs(4));
    assert_eq!(limit, Duration::from_millis(1500));
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn a_new_set_replaces_the_imported_one() {
    let codes = ImportedCodes::plain(shape(), CODES.map(|code| (code, None))).unwrap();
    let world = imported(old_phone().backup_codes(codes));
    let receipt = world.verify(&passcode(CURRENT)).unwrap();
    let proof = world.reauthenticated(&receipt);
    let issued = block_on(world.verifier.issue_backup_codes(&world.alice, proof)).unwrap();
    assert_eq!(world.codes_left(), 10);
    assert!(world.verify(CODES[0]).is_err());
    let _receipt = world.verify(issued.iter().next().unwrap()).unwrap();
}
