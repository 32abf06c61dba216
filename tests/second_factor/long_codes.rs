//! Backup codes of at least 112 bits: one write, no password hash, and no limit that holds them.

use crate::slow_hashes::SlowHashes;
use crate::world::{STEP, World, keyring, policy, rejection};
use countersign::backup::CodeFormat;
use countersign::factor::RateLimitState;
use countersign::store::MemoryStore;
use countersign::testing::{Phone, block_on};
use countersign::{
    AcceptedBy, Denied, IssuedBackupCodes, PolicyBuilder, Receipt, Rejection, RequestId,
    SealingKey, Status, Verifier, VerifierError,
};
use std::sync::atomic::Ordering;
use std::time::Duration;

const WRONG: &str = "000000 000000 000000 00000";

struct Long {
    world: World,
    phone: Phone,
    codes: Vec<String>,
}

impl Long {
    fn new(policy: PolicyBuilder) -> Self {
        let policy = policy.code_format(CodeFormat::BITS_112).build().unwrap();
        let world = World::with_policy(policy);
        let phone = world.enroll();
        let codes = world.issue(&phone);
        Self {
            world,
            phone,
            codes,
        }
    }

    fn rate_limit(&self) -> RateLimitState {
        match self.world.status() {
            Status::Enabled(enabled) => enabled.rate_limit,
            other => panic!("{other:?}"),
        }
    }

    fn fail(&self, times: u32) {
        for _ in 0..times {
            let wrong = self.world.wrong(&self.phone);
            assert_eq!(rejection(self.world.verify(&wrong)), Rejection::WrongCode);
        }
    }

    fn request(&self, code: &str, id: &RequestId) -> Result<Receipt, Denied> {
        let verifier = &self.world.verifier;
        block_on(verifier.verify_request(&self.world.alice, code, id))
    }
}

fn number(receipt: &Receipt) -> u8 {
    match receipt.accepted_by() {
        AcceptedBy::BackupCode { number, .. } => number,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_code_takes_one_write() {
    let long = Long::new(policy());
    let before = long.world.record();
    let hashes = SlowHashes::default();
    let server = long
        .world
        .server(|builder| builder.hash_executor(hashes.clone()));
    let receipt = server.verify(&long.codes[4]).unwrap();
    assert_eq!(number(&receipt), 5);
    assert_ne!(long.world.record(), before);
    assert_eq!(long.world.codes_left(), 9);
    let again = server.verify(&long.codes[4]);
    assert_eq!(rejection(again), Rejection::BackupCodeUsed);
    assert_eq!(rejection(server.verify(WRONG)), Rejection::WrongCode);
    assert_eq!(hashes.0.load(Ordering::SeqCst), 0);
}

#[test]
fn wrong_and_used_codes_are_counted() {
    let minute = Duration::from_secs(60);
    let long = Long::new(policy().backoff(2, minute, minute));
    _ = long.world.verify(&long.codes[0]).unwrap();
    let used = long.world.verify(&long.codes[0]);
    assert_eq!(rejection(used), Rejection::BackupCodeUsed);
    assert_eq!(rejection(long.world.verify(WRONG)), Rejection::WrongCode);
    assert!(matches!(long.rate_limit(), RateLimitState::Waiting { .. }));
}

#[test]
fn no_limit_holds_a_right_code() {
    let wait = Duration::from_secs(3600);
    let waiting = policy().backoff(2, wait, wait);
    let spent = policy().budget(2, wait * 24);
    let locked = policy().lock_after(2);
    for policy in [waiting, spent, locked] {
        let long = Long::new(policy);
        long.fail(2);
        let held = long.rate_limit();
        assert_ne!(held, RateLimitState::Free);
        let before = long.world.record();
        long.world.clock.advance(STEP);
        let passcode = long.world.now(&long.phone);
        for refused in [WRONG, passcode.as_str()] {
            let outcome = rejection(long.world.verify(refused));
            let expected = long.rate_limit().rejection();
            assert_eq!(Some(outcome), expected, "{held:?}");
        }
        assert_eq!(long.world.record(), before, "{held:?}: nothing is counted");
        let receipt = long.world.verify(&long.codes[2]).unwrap();
        assert_eq!(number(&receipt), 3, "{held:?}");
        let is_budget = matches!(held, RateLimitState::BudgetSpent { .. });
        assert_eq!(long.rate_limit() != RateLimitState::Free, is_budget);
        let again = rejection(long.world.verify(&long.codes[2]));
        assert_ne!(long.world.codes_left(), 10);
        assert_eq!(again == Rejection::BackupCodeUsed, !is_budget);
    }
}

#[test]
fn a_lock_out_can_hold_all_codes() {
    let locked = policy().lock_after(1).consecutive_codes_unlock(false);
    let long = Long::new(locked);
    long.fail(1);
    let outcome = long.world.verify(&long.codes[0]);
    assert_eq!(rejection(outcome), Rejection::Locked);
    assert_eq!(long.world.codes_left(), 10);
}

#[test]
fn the_codes_outlive_the_key_of_the_records() {
    let long = Long::new(policy());
    let new = SealingKey::generate().unwrap();
    let (world, alice) = (&long.world, &long.world.alice);
    let with = |keyring| -> Verifier<MemoryStore> {
        let store = world.verifier.store().clone();
        let policy = world.verifier.policy().clone();
        let service = world.service(store, keyring, |builder| builder.policy(policy));
        service.verifier
    };
    let both = keyring(2, &new)
        .with_retired(countersign::KeyId::new(1), world.key.clone())
        .unwrap();
    block_on(with(both).reseal(alice)).unwrap();
    let dropped = with(keyring(2, &new));
    let receipt = block_on(dropped.verify(alice, &long.codes[9])).unwrap();
    assert_eq!(number(&receipt), 10);
    let old = with(keyring(1, &world.key));
    assert!(matches!(
        block_on(old.verify(alice, &long.codes[8])),
        Err(Denied::Failed(VerifierError::Record(_)))
    ));
}

#[test]
fn a_code_of_either_set_is_accepted() {
    let long = Long::new(policy());
    let issue = || -> IssuedBackupCodes {
        let receipt = long.world.log_in(&long.phone);
        let proof = long.world.reauthenticated(&receipt);
        block_on(
            long.world
                .verifier
                .issue_backup_codes(&long.world.alice, proof),
        )
        .unwrap()
    };
    let second = issue();
    assert!(second.is_pending());
    let receipt = long.world.verify(&long.codes[1]).unwrap();
    assert_eq!(number(&receipt), 2);
    let new: Vec<&str> = second.iter().collect();
    let receipt = long.world.verify(new[6]).unwrap();
    assert_eq!(number(&receipt), 7);
    let old = long.world.verify(&long.codes[3]);
    assert_eq!(rejection(old), Rejection::WrongCode);
    let used = long.world.verify(new[6]);
    assert_eq!(rejection(used), Rejection::BackupCodeUsed);
}

#[test]
fn a_repeat_gets_the_same_answer() {
    let long = Long::new(policy());
    let ids: Vec<RequestId> = (0..3).map(|_| RequestId::generate().unwrap()).collect();
    let first = long.request(&long.codes[0], &ids[0]).unwrap();
    let again = long.request(&long.codes[0], &ids[0]).unwrap();
    assert!(again.is_repeat() && again.accepted_by() == first.accepted_by());
    for (id, code, expected) in [
        (&ids[1], long.codes[0].as_str(), Rejection::BackupCodeUsed),
        (&ids[2], WRONG, Rejection::WrongCode),
    ] {
        assert_eq!(rejection(long.request(code, id)), expected);
        let counted = long.world.record();
        let repeated = long.request(code, id);
        assert!(matches!(repeated, Err(Denied::Repeated(reason)) if reason == expected));
        assert_eq!(long.world.record(), counted);
    }
}
