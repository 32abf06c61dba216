//! Backup codes in two steps: a later set is pending until the user has saved it (invariant 2).

use crate::slow_hashes::{SlowHashes, finished, poll};
use crate::world::{DAY, STEP, World, policy, rejection, staff};
use countersign::backup::{Alphabet, Argon2Params, CodeFormat};
use countersign::factor::{BackupCodeSetId, BackupCodesStatus, PendingCodesStatus};
use countersign::otp::RandomError;
use countersign::runtime::{RandomSource, SystemRandom};
use countersign::testing::{Phone, block_on};
use countersign::{
    AcceptedBy, Denied, EnrollmentRequest, IssuedBackupCodes, Policy, Proof, Receipt, Rejection,
    RequestId, ServerClock, Status,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// An account with ten old codes and ten pending codes.
struct Both {
    world: World,
    phone: Phone,
    old: Vec<String>,
    new: Vec<String>,
    first: BackupCodeSetId,
    pending: BackupCodeSetId,
}

impl Both {
    fn new() -> Self {
        Self::of(World::new())
    }

    fn of(world: World) -> Self {
        let phone = world.enroll();
        let (first, second) = (issue(&world, &phone), issue(&world, &phone));
        assert!(!first.is_pending() && second.is_pending());
        let texts = |codes: &IssuedBackupCodes| codes.iter().map(String::from).collect();
        Self {
            old: texts(&first),
            new: texts(&second),
            first: first.set(),
            pending: second.set(),
            world,
            phone,
        }
    }

    fn status(&self) -> Option<BackupCodesStatus> {
        codes_status(&self.world)
    }

    fn pending(&self) -> Option<PendingCodesStatus> {
        self.status()?.pending
    }

    fn confirm(&self, set: BackupCodeSetId) -> Result<(), Denied> {
        block_on(self.world.verifier.confirm_saved(&self.world.alice, set))
    }

    fn discard(&self, set: BackupCodeSetId) -> Result<(), Denied> {
        let verifier = &self.world.verifier;
        block_on(verifier.discard_pending_codes(&self.world.alice, set))
    }

    fn request(&self, code: &str, id: &RequestId) -> Result<Receipt, Denied> {
        let verifier = &self.world.verifier;
        block_on(verifier.verify_request(&self.world.alice, code, id))
    }
}

fn codes_status(world: &World) -> Option<BackupCodesStatus> {
    match world.status() {
        Status::Enabled(enabled) => enabled.backup_codes,
        _ => None,
    }
}

fn issue(world: &World, phone: &Phone) -> IssuedBackupCodes {
    let receipt = world.log_in(phone);
    let proof = world.reauthenticated(&receipt);
    block_on(world.verifier.issue_backup_codes(&world.alice, proof)).unwrap()
}

fn used(receipt: &Receipt) -> (BackupCodeSetId, u8, u8) {
    match receipt.accepted_by() {
        AcceptedBy::BackupCode {
            set,
            number,
            remaining,
        } => (set, number, remaining),
        other => panic!("{other:?}"),
    }
}

#[test]
fn old_codes_work_until_the_user_confirms() {
    let both = Both::new();
    let receipt = both.world.verify(&both.old[3]).unwrap();
    assert_eq!(used(&receipt), (both.first, 4, 9));
    assert_ne!(both.first, both.pending);
    assert_eq!(both.pending().unwrap().id, both.pending);
    both.confirm(both.pending).unwrap();
    assert_eq!(both.pending(), None);
    assert_eq!(
        rejection(both.world.verify(&both.old[4])),
        Rejection::WrongCode
    );
    let receipt = both.world.verify(&both.new[0]).unwrap();
    assert_eq!(used(&receipt), (both.pending, 1, 9));
}

#[test]
fn the_first_new_code_ends_the_old_set() {
    let both = Both::new();
    let receipt = both.world.verify(&both.new[6]).unwrap();
    assert_eq!(used(&receipt), (both.pending, 7, 9));
    assert_eq!(both.pending(), None);
    for code in [&both.old[0], &both.old[9]] {
        assert_eq!(rejection(both.world.verify(code)), Rejection::WrongCode);
    }
    assert_eq!(
        rejection(both.world.verify(&both.new[6])),
        Rejection::BackupCodeUsed
    );
    let status = both.status().unwrap();
    assert_eq!(status.remaining, 9);
    assert_eq!(status.used_at[6], Some(both.world.clock.now()));
}

#[test]
fn a_proof_by_a_new_code_ends_the_old_set() {
    let both = Both::new();
    let verifier = &both.world.verifier;
    let proof = Proof::Code(&both.new[0]);
    let third = block_on(verifier.issue_backup_codes(&both.world.alice, proof)).unwrap();
    assert!(third.is_pending());
    assert_eq!(both.pending().unwrap().id, third.set());
    assert_eq!(both.status().unwrap().remaining, 9);
    assert_eq!(
        rejection(both.world.verify(&both.old[0])),
        Rejection::WrongCode
    );
    let receipt = both.world.verify(&both.new[1]).unwrap();
    assert_eq!(used(&receipt), (both.pending, 2, 8));
    let receipt = both.world.verify(third.iter().next().unwrap()).unwrap();
    assert_eq!(used(&receipt), (third.set(), 1, 9));
}

#[test]
fn used_old_codes_stay_used() {
    let both = Both::new();
    let _receipt = both.world.verify(&both.old[0]).unwrap();
    assert_eq!(
        rejection(both.world.verify(&both.old[0])),
        Rejection::BackupCodeUsed
    );
}

#[test]
fn confirming_again_succeeds_without_a_write() {
    let world = World::new();
    let phone = world.enroll();
    let first = issue(&world, &phone);
    let before = world.record();
    let confirm = |set| block_on(world.verifier.confirm_saved(&world.alice, set));
    confirm(first.set()).unwrap();
    assert_eq!(world.record(), before, "the first set is current at once");

    let both = Both::new();
    both.confirm(both.first).unwrap();
    assert!(both.pending().is_some(), "the old set is still current");
    both.confirm(both.pending).unwrap();
    let before = both.world.record();
    both.confirm(both.pending).unwrap();
    assert_eq!(both.world.record(), before);
    assert_eq!(
        rejection(both.confirm(both.first)),
        Rejection::NoPendingCodes
    );
}

#[test]
fn a_discarded_set_is_not_valid() {
    let both = Both::new();
    assert_eq!(
        rejection(both.discard(both.first)),
        Rejection::NoPendingCodes
    );
    both.discard(both.pending).unwrap();
    assert_eq!(both.pending(), None);
    assert_eq!(
        rejection(both.world.verify(&both.new[0])),
        Rejection::WrongCode
    );
    let receipt = both.world.verify(&both.old[0]).unwrap();
    assert_eq!(used(&receipt), (both.first, 1, 9));
    for outcome in [both.discard(both.pending), both.confirm(both.pending)] {
        assert_eq!(rejection(outcome), Rejection::NoPendingCodes);
    }
}

#[test]
fn another_issue_ends_the_pending_set() {
    let both = Both::new();
    let third = issue(&both.world, &both.phone);
    assert!(third.is_pending());
    assert_ne!(third.set(), both.pending);
    assert_eq!(
        rejection(both.confirm(both.pending)),
        Rejection::NoPendingCodes,
        "the page of the second set shows other codes"
    );
    assert_eq!(
        rejection(both.world.verify(&both.new[0])),
        Rejection::WrongCode
    );
    let _receipt = both.world.verify(&both.old[0]).unwrap();
    let _receipt = both.world.verify(third.iter().next().unwrap()).unwrap();
    assert_eq!(
        rejection(both.world.verify(&both.old[1])),
        Rejection::WrongCode
    );
}

#[test]
fn an_account_without_pending_codes_refuses() {
    let (world, _) = World::enrolled();
    let nobody = World {
        alice: countersign::AccountId::new("nobody").unwrap(),
        ..world.server(|builder| builder)
    };
    let id: BackupCodeSetId = "07".repeat(16).parse().unwrap();
    let both = |world: &World| {
        let (verifier, alice) = (&world.verifier, &world.alice);
        [
            rejection(block_on(verifier.confirm_saved(alice, id))),
            rejection(block_on(verifier.discard_pending_codes(alice, id))),
        ]
    };
    assert_eq!(both(&world), [Rejection::NoPendingCodes; 2]);
    assert_eq!(both(&nobody), [Rejection::Absent; 2]);
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(both(&world), [Rejection::Disabled; 2]);
}

#[test]
fn both_sets_end_with_the_second_factor() {
    let ends: [fn(&Both); 3] = [
        |both| {
            block_on(
                both.world
                    .verifier
                    .force_disable(&both.world.alice, &staff()),
            )
            .unwrap();
        },
        |both| {
            let receipt = both.world.log_in(&both.phone);
            let proof = both.world.reauthenticated(&receipt);
            let _ = block_on(both.world.verifier.disable(&both.world.alice, proof)).unwrap();
        },
        |both| {
            let receipt = both.world.log_in(&both.phone);
            let (id, proof) = (
                both.world.authenticators()[0],
                both.world.reauthenticated(&receipt),
            );
            let verifier = &both.world.verifier;
            let removed = verifier.remove_authenticator(&both.world.alice, id, proof);
            let _disabled = block_on(removed).unwrap();
        },
    ];
    for end in ends {
        let both = Both::new();
        end(&both);
        assert_eq!(both.world.status(), Status::Disabled);
        both.world.enroll();
        assert_eq!(both.status(), None);
        for code in [&both.old[0], &both.new[0]] {
            assert_eq!(rejection(both.world.verify(code)), Rejection::WrongCode);
        }
    }
}

#[test]
fn an_unlock_keeps_both_sets() {
    let both = Both::new();
    both.world.unlock(ServerClock::Unconfirmed).unwrap();
    let _receipt = both.world.verify(&both.old[0]).unwrap();
    let _receipt = both.world.verify(&both.new[0]).unwrap();
}

#[test]
fn a_new_authenticator_keeps_both_sets() {
    let both = Both::new();
    let receipt = both.world.verify(&both.old[0]).unwrap();
    let proof = both.world.reauthenticated(&receipt);
    let begun = both
        .world
        .begin(EnrollmentRequest::new("alice"), proof)
        .unwrap();
    let phone = crate::world::scan(&begun);
    let _receipt = both.world.confirm(&begun, &both.world.now(&phone)).unwrap();
    assert_eq!(both.pending().unwrap().id, both.pending);
    let _receipt = both.world.verify(&both.old[1]).unwrap();
}

#[test]
fn a_changed_policy_replaces_the_set_at_once() {
    let cost = policy().code_hash(Argon2Params::new(16, 1, 1).unwrap());
    let format = policy().code_format(CodeFormat::BITS_64);
    let count = policy().code_format(CodeFormat::new(Alphabet::Digits, 8, 4, 12).unwrap());
    for changed in [cost, format, count] {
        let both = Both::new();
        let changed: Policy = changed.build().unwrap();
        let other = both.world.server(|builder| builder.policy(changed));
        let third = issue(&other, &both.phone);
        assert!(!third.is_pending());
        assert_eq!(both.pending(), None);
        for code in [&both.old[0], &both.new[0]] {
            assert!(both.world.verify(code).is_err());
        }
        let receipt = other.verify(third.iter().next().unwrap()).unwrap();
        assert_eq!(used(&receipt).0, third.set());
    }
}

#[test]
fn a_server_can_replace_sets_at_once() {
    let world = World::new();
    let phone = world.enroll();
    let first = issue(&world, &phone);
    let careful = world.server(|builder| builder.pending_backup_codes(false));
    let second = issue(&careful, &phone);
    assert!(!second.is_pending());
    assert_ne!(first.set(), second.set());
    let old = first.iter().next().unwrap();
    assert_eq!(rejection(world.verify(old)), Rejection::WrongCode);
    world.clock.advance(DAY);
    let _receipt = world.log_in(&phone);
    assert_eq!(world.record()[0], 1, "earlier versions can read the record");
}

/// A random source that returns the same bytes for the codes of every set. All other bytes are
/// random.
#[derive(Clone, Default)]
struct SameCodes(Arc<AtomicUsize>);

impl RandomSource for SameCodes {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        const CODE_ENTROPY: usize = 32;
        if buffer.len() != CODE_ENTROPY {
            return SystemRandom.fill(buffer);
        }
        for byte in buffer {
            *byte = (self.0.fetch_add(7, Ordering::SeqCst) % 256) as u8;
        }
        Ok(())
    }
}

#[test]
fn a_set_with_a_common_code_replaces_at_once() {
    let random = SameCodes::default();
    let world = World::new().server(|builder| builder.random(random.clone()));
    let phone = world.enroll();
    let mut sets = Vec::new();
    for _ in 0..3 {
        random.0.store(0, Ordering::SeqCst);
        let issued = issue(&world, &phone);
        let codes: Vec<_> = issued.iter().map(String::from).collect();
        sets.push((issued.set(), issued.is_pending(), codes));
    }
    for pair in sets.windows(2) {
        let [(first, _, old), (second, pending, new)] = pair else {
            panic!()
        };
        assert_eq!(old, new);
        assert!(!pending);
        assert_ne!(first, second);
    }
    let (id, _, codes) = &sets[2];
    let receipt = world.verify(&codes[0]).unwrap();
    assert_eq!(used(&receipt).0, *id);
}

#[test]
fn receipts_end_with_their_set() {
    let both = Both::new();
    let by_old = both.world.verify(&both.old[0]).unwrap();
    let begin = |receipt: &Receipt| {
        let proof = both.world.reauthenticated(receipt);
        both.world.begin(EnrollmentRequest::new("alice"), proof)
    };
    drop(begin(&by_old).unwrap());
    let by_new = both.world.verify(&both.new[0]).unwrap();
    assert_eq!(rejection(begin(&by_old)), Rejection::ProofExpired);
    drop(begin(&by_new).unwrap());
    let third = issue(&both.world, &both.phone);
    drop(begin(&by_new).unwrap());
    both.confirm(third.set()).unwrap();
    assert_eq!(rejection(begin(&by_new)), Rejection::ProofExpired);
}

#[test]
fn a_repeat_gets_the_code_of_either_set_again() {
    for of_new in [false, true] {
        let both = Both::new();
        let id = RequestId::generate().unwrap();
        let (code, set) = match of_new {
            true => (&both.new[2], both.pending),
            false => (&both.old[2], both.first),
        };
        let first = both.request(code, &id).unwrap();
        let again = both.request(code, &id).unwrap();
        assert!(!first.is_repeat() && again.is_repeat());
        assert_eq!(used(&first), (set, 3, 9));
        assert_eq!(used(&again), used(&first));
        assert_eq!(both.pending().is_some(), !of_new);
        if !of_new {
            both.confirm(both.pending).unwrap();
            assert_eq!(rejection(both.request(code, &id)), Rejection::WrongCode);
        }
    }
}

fn with_pool() -> (Both, SlowHashes) {
    let pool = SlowHashes::default();
    let world = World::new().server(|builder| builder.hash_executor(pool.clone()));
    let both = Both::of(world);
    pool.0.store(0, Ordering::SeqCst);
    (both, pool)
}

#[test]
fn an_attempt_computes_one_hash_for_both_sets() {
    let (both, pool) = with_pool();
    let is_wrong = |code: &String| !both.old.contains(code) && !both.new.contains(code);
    let mut numbers = (0..).map(|n: u32| format!("{n:08}"));
    let wrong = numbers.find(is_wrong).unwrap();
    for code in [&wrong, &both.old[0], &both.new[0]] {
        let _outcome = both.world.verify(code);
        assert_eq!(pool.0.swap(0, Ordering::SeqCst), 1);
    }
}

/// Calls that run until their hash is being computed, and then in this order.
#[test]
fn an_old_code_in_flight_ends_with_its_set() {
    let (both, _) = with_pool();
    let (verifier, alice) = (&both.world.verifier, &both.world.alice);
    let start = |code| {
        let mut call = Box::pin(verifier.verify(alice, code));
        assert!(poll(&mut call).is_pending());
        call
    };
    let (mut by_old, mut by_new) = (start(&both.old[0]), start(&both.new[0]));
    both.confirm(both.pending).unwrap();
    assert_eq!(rejection(finished(poll(&mut by_old))), Rejection::WrongCode);
    let receipt = finished(poll(&mut by_new)).unwrap();
    assert_eq!(used(&receipt), (both.pending, 1, 9));

    let (both, _) = with_pool();
    let (verifier, alice) = (&both.world.verifier, &both.world.alice);
    let start = |code| {
        let mut call = Box::pin(verifier.verify(alice, code));
        assert!(poll(&mut call).is_pending());
        call
    };
    let (mut one, mut by_new, mut two) = (
        start(&both.old[0]),
        start(&both.new[0]),
        start(&both.old[1]),
    );
    let _receipt = finished(poll(&mut one)).unwrap();
    let _receipt = finished(poll(&mut by_new)).unwrap();
    assert_eq!(rejection(finished(poll(&mut two))), Rejection::WrongCode);

    let (both, _) = with_pool();
    let (verifier, alice) = (&both.world.verifier, &both.world.alice);
    let mut by_new = Box::pin(verifier.verify(alice, &both.new[0]));
    assert!(poll(&mut by_new).is_pending());
    both.discard(both.pending).unwrap();
    assert_eq!(rejection(finished(poll(&mut by_new))), Rejection::WrongCode);
}

#[test]
fn concurrent_uses_of_both_sets_agree() {
    for _ in 0..20 {
        let both = Both::new();
        let verify = |code: &str| both.world.verify(code).is_ok();
        let (old, new) = thread::scope(|scope| {
            let confirm = scope.spawn(|| both.confirm(both.pending));
            let start = |code| (0..2).map(move |_| scope.spawn(move || verify(code)));
            let calls = [&both.old[0], &both.new[0]].map(|code| start(code).collect::<Vec<_>>());
            let [old, new] = calls.map(|calls| {
                let accepted = calls.into_iter().map(|call| call.join().unwrap());
                accepted.filter(|accepted| *accepted).count()
            });
            confirm.join().unwrap().unwrap();
            (old, new)
        });
        assert!(old <= 1 && new == 1, "{old} {new}");
        assert_eq!(
            rejection(both.world.verify(&both.old[1])),
            Rejection::WrongCode
        );
        let receipt = both.world.verify(&both.new[1]).unwrap();
        assert_eq!(used(&receipt), (both.pending, 2, 8));
    }
}

#[test]
fn a_crash_while_issuing_keeps_both_sets() {
    let (both, _) = with_pool();
    both.world.clock.advance(STEP);
    let passcode = both.world.now(&both.phone);
    let (verifier, alice) = (&both.world.verifier, &both.world.alice);
    let mut call = Box::pin(verifier.issue_backup_codes(alice, Proof::Code(&passcode)));
    assert!(poll(&mut call).is_pending());
    drop(call);
    assert_eq!(both.pending().unwrap().id, both.pending);
    let _receipt = both.world.verify(&both.old[0]).unwrap();
    let _receipt = both.world.verify(&both.new[0]).unwrap();
}

#[test]
fn a_confirmation_between_the_writes_keeps_the_newest_set() {
    let (both, _) = with_pool();
    both.world.clock.advance(STEP);
    let passcode = both.world.now(&both.phone);
    let (verifier, alice) = (&both.world.verifier, &both.world.alice);
    let mut call = Box::pin(verifier.issue_backup_codes(alice, Proof::Code(&passcode)));
    assert!(poll(&mut call).is_pending());
    both.confirm(both.pending).unwrap();
    let third = finished(poll(&mut call)).unwrap();
    assert!(third.is_pending());
    assert_eq!(
        rejection(both.world.verify(&both.old[0])),
        Rejection::WrongCode
    );
    let receipt = both.world.verify(&both.new[0]).unwrap();
    assert_eq!(used(&receipt).0, both.pending);
    let _receipt = both.world.verify(third.iter().next().unwrap()).unwrap();
}

#[test]
fn the_status_shows_the_pending_set() {
    let both = Both::new();
    let status = both.status().unwrap();
    assert_eq!((status.remaining, status.imported), (10, false));
    let pending = status.pending.unwrap();
    assert_eq!((pending.id, pending.remaining), (both.pending, 10));
    assert_eq!(pending.issued_at, both.world.clock.now());
    assert!(status.issued_at < pending.issued_at);
    both.confirm(both.pending).unwrap();
    assert_eq!(both.status().unwrap().issued_at, pending.issued_at);
}

#[test]
fn a_pending_set_takes_less_than_190_bytes() {
    let length = |world: &World, phone: &Phone| {
        world.clock.advance(DAY);
        let _receipt = world.log_in(phone);
        (world.record()[0], world.record().len())
    };
    let both = Both::new();
    let (form, with_both) = length(&both.world, &both.phone);
    assert_eq!(form, 2);
    both.confirm(both.pending).unwrap();
    let (form, confirmed) = length(&both.world, &both.phone);
    assert_eq!(form, 2);

    let (world, phone) = World::enrolled();
    world.issue(&phone);
    let mut alone = (0, 0);
    for _ in 0..3 {
        alone = length(&world, &phone);
    }
    assert_eq!(alone.0, 1, "one set needs no field");
    println!("{alone:?} {confirmed} {with_both}");
    assert!(confirmed - alone.1 <= 21 + 9 * 6);
    assert!(with_both - alone.1 <= 190 + 9 * 6);
}
