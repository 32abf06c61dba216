//! Known and trusted devices: whom a token lets in, and what ends it.

use crate::world::{DAY, STEP, World, keyring, policy, rejection, scan, staff};
use countersign::backup::HashJob;
use countersign::factor::{EnabledStatus, RateLimitState, TrustedDevices};
use countersign::runtime::{HashExecutor, HashExecutorError, HashFuture, InlineExecutor};
use countersign::session::Freshness;
use countersign::store::{ConditionalWrite, MemoryStore, Store, Summary, WriteKind};
use countersign::testing::{Phone, block_on};
use countersign::{
    AcceptedBy, AccountId, Attempt, Denied, DeviceId, DeviceKind, DeviceLabel, DeviceToken,
    EnrollmentRequest, FirstFactor, KeyId, Policy, Proof, Receipt, Rejection, RequestId,
    SealedReceipt, Status, Trusted, Verifier, VerifierError,
};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;

pub(crate) const LABEL: &str = "Firefox on Linux";

fn label() -> DeviceLabel {
    DeviceLabel::new(LABEL).unwrap()
}

pub(crate) fn trusting() -> Policy {
    let policy = policy().trusted_devices(TrustedDevices::Days(30));
    policy.build().unwrap()
}

/// A budget that is soon spent, and no wait.
fn small_budget() -> Policy {
    let policy = policy().backoff(100, STEP, STEP).budget(3, DAY * 365);
    policy.build().unwrap()
}

fn enrolled(policy: Policy) -> (World, Phone) {
    let world = World::with_policy(policy);
    let phone = world.enroll();
    (world, phone)
}

impl<S: Store> World<S> {
    pub(crate) fn seal(&self, receipt: &Receipt) -> SealedReceipt {
        self.verifier.seal_receipt(receipt)
    }

    pub(crate) fn remember(
        &self,
        receipt: &Receipt,
        kind: DeviceKind,
    ) -> Result<DeviceToken, Denied> {
        let receipt = self.seal(receipt);
        let remembered = self
            .verifier
            .remember_device(&self.alice, &receipt, label(), kind);
        block_on(remembered)
    }

    /// Signs in, and makes the device known.
    pub(crate) fn device(&self, phone: &Phone) -> DeviceToken {
        let receipt = self.log_in(phone);
        self.remember(&receipt, DeviceKind::Known).unwrap()
    }

    pub(crate) fn trusted_one(&self, phone: &Phone) -> DeviceToken {
        let receipt = self.log_in(phone);
        self.remember(&receipt, DeviceKind::Trusted).unwrap()
    }

    pub(crate) fn attempt(&self, code: &str, token: &DeviceToken) -> Result<Receipt, Denied> {
        let attempt = Attempt::new(code).device(Some(token));
        block_on(self.verifier.verify_attempt(&self.alice, attempt))
    }

    pub(crate) fn trusted(&self, token: &DeviceToken) -> Result<Trusted, Denied> {
        block_on(self.verifier.trusted_device(&self.alice, token))
    }

    /// Signs in on the device one time step later, and returns the next token.
    pub(crate) fn next(&self, phone: &Phone, token: &DeviceToken) -> DeviceToken {
        self.clock.advance(STEP);
        let receipt = self.attempt(&self.now(phone), token).unwrap();
        receipt.device_token().unwrap().clone()
    }

    fn enabled(&self) -> EnabledStatus {
        match self.status() {
            Status::Enabled(enabled) => enabled,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn devices(&self) -> Vec<DeviceId> {
        let devices = self.enabled().devices;
        devices.iter().map(|device| device.id).collect()
    }

    fn is_stranger(&self, phone: &Phone, token: &DeviceToken) -> bool {
        self.clock.advance(STEP);
        let receipt = self.attempt(&self.now(phone), token).unwrap();
        receipt.device_token().is_none()
    }

    pub(crate) fn forget_all(&self) {
        block_on(self.verifier.forget_devices(&self.alice)).unwrap();
    }
}

/// The token with another byte at this place.
fn altered(token: &DeviceToken, place: usize) -> DeviceToken {
    let mut bytes = BASE64URL_NOPAD.decode(token.expose().as_bytes()).unwrap();
    bytes[place] ^= 1;
    DeviceToken::parse(&BASE64URL_NOPAD.encode(&bytes)).unwrap()
}

/// Spends the budget, and makes strangers wait.
fn hold(world: &World, phone: &Phone) {
    let wrong = world.wrong(phone);
    while rejection(world.verify(&wrong)) == Rejection::WrongCode {}
    let held = rejection(world.verify(&world.now(phone)));
    assert!(held.retry_after().is_some(), "{held:?}");
}

/// A service remembers the device of a form before a repeat of that form can arrive.
#[test]
fn a_remembered_device_keeps_the_request() {
    let (world, phone) = World::enrolled();
    let (id, code) = (RequestId::generate().unwrap(), world.now(&phone));
    let send = || {
        let attempt = Attempt::new(&code).request(&id);
        block_on(world.verifier.verify_attempt(&world.alice, attempt))
    };
    let receipt = send().unwrap();
    let token = world.remember(&receipt, DeviceKind::Known).unwrap();
    assert!(send().unwrap().is_repeat());
    // Every other write about devices ends the repeats.
    block_on(world.verifier.forget_device(&world.alice, token.id())).unwrap();
    assert_eq!(rejection(send()), Rejection::Replayed);
}

#[test]
fn a_device_takes_the_place_of_another() {
    let (world, phone) = enrolled(trusting());
    let other = world.device(&phone);
    let known = world.device(&phone);
    let receipt = world.seal(&world.log_in(&phone));
    let replaced = world.verifier.replace_device(
        &world.alice,
        &receipt,
        label(),
        DeviceKind::Trusted,
        known.id(),
    );
    let trusted = block_on(replaced).unwrap();
    assert_eq!(world.devices(), [other.id(), trusted.id()]);
    assert!(world.is_stranger(&phone, &known));
    assert!(world.trusted(&trusted).is_ok());
}

#[test]
fn an_accepted_token_moves_to_the_next() {
    let (world, phone) = World::enrolled();
    let first = world.device(&phone);
    let second = world.next(&phone, &first);
    assert_eq!(second.id(), first.id());
    assert_ne!(second, first);
    // The browser lost the answer, or another tab sent the same cookie.
    assert_eq!(world.next(&phone, &first), second);
    assert_eq!(world.next(&phone, &first), second);
    let third = world.next(&phone, &second);
    assert_eq!(world.next(&phone, &second), third);
    assert_ne!(third, second);
    assert_eq!(world.devices(), [first.id()]);
}

#[test]
fn the_status_lists_devices() {
    let (world, phone) = enrolled(trusting());
    let known = world.device(&phone);
    let issued_at = world.clock.now();
    let trusted = world.trusted_one(&phone);
    let _next = world.next(&phone, &known);
    let used_at = world.clock.now();
    let devices = world.enabled().devices;
    let [one, two] = &devices[..] else { panic!() };
    assert_eq!((one.id, two.id), (known.id(), trusted.id()));
    assert_eq!(one.label.as_str(), LABEL);
    assert_eq!(
        (one.kind, two.kind),
        (DeviceKind::Known, DeviceKind::Trusted)
    );
    assert_eq!(
        (one.issued_at, one.last_used_at),
        (issued_at, Some(used_at))
    );
    assert_eq!((one.trusted_until, two.last_used_at), (None, None));
    let until = two.issued_at.saturating_add(30 * 86_400);
    assert_eq!(two.trusted_until, Some(until));
}

#[test]
fn no_wait_and_no_budget_stops_a_known_device() {
    for policy in [
        policy(),
        policy().budget(2, DAY * 365).backoff(100, STEP, STEP),
    ] {
        let (world, phone) = enrolled(policy.build().unwrap());
        let token = world.device(&phone);
        hold(&world, &phone);
        let before = world.enabled().rate_limit;
        let wrong = world.wrong(&phone);
        assert_eq!(
            rejection(world.attempt(&wrong, &token)),
            Rejection::WrongCode
        );
        world.clock.advance(STEP);
        let receipt = world.attempt(&world.now(&phone), &token).unwrap();
        assert!(matches!(
            receipt.accepted_by(),
            AcceptedBy::Authenticator { .. }
        ));
        // The sign-in resets the consecutive failures, and not the budget.
        match before {
            RateLimitState::Waiting { .. } => {
                assert_eq!(world.enabled().rate_limit, RateLimitState::Free);
            }
            RateLimitState::BudgetSpent { retry_after } => {
                let retry_after = retry_after - STEP;
                let spent = RateLimitState::BudgetSpent { retry_after };
                assert_eq!(world.enabled().rate_limit, spent);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Invariant 3.
#[test]
fn ten_failures_end_a_device() {
    let (world, phone) = World::enrolled();
    let mut token = world.device(&phone);
    for failure in 1..10 {
        let wrong = world.wrong(&phone);
        let outcome = world.attempt(&wrong, &token);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
        assert_eq!(world.devices().len(), 1, "{failure}");
        // A success gives nothing back.
        token = world.next(&phone, &token);
    }
    // A code that is malformed or used before is no failure.
    for code in [&world.now(&phone)[..], "abc"] {
        assert!(world.attempt(code, &token).is_err());
    }
    let wrong = world.wrong(&phone);
    let outcome = world.attempt(&wrong, &token);
    assert_eq!(rejection(outcome), Rejection::WrongCode);
    assert_eq!(world.devices(), []);
    assert!(world.is_stranger(&phone, &token));
}

#[test]
fn a_device_takes_no_guess_of_the_budget() {
    let (world, phone) = enrolled(policy().backoff(100, STEP, STEP).build().unwrap());
    let token = world.device(&phone);
    let wrong = world.wrong(&phone);
    for _ in 0..9 {
        let outcome = world.attempt(&wrong, &token);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    let burst = world.verifier.policy().budget_burst();
    for _ in 0..burst {
        assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    }
    let spent = rejection(world.verify(&wrong));
    assert!(matches!(spent, Rejection::BudgetSpent { .. }), "{spent:?}");
}

#[test]
fn failures_of_devices_count_for_the_lock() {
    let (world, phone) = enrolled(policy().lock_after(4).build().unwrap());
    let token = world.device(&phone);
    let wrong = world.wrong(&phone);
    for _ in 0..4 {
        let outcome = world.attempt(&wrong, &token);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    assert_eq!(world.enabled().rate_limit, RateLimitState::Locked);
    let outcome = world.attempt(&world.now(&phone), &token);
    assert_eq!(rejection(outcome), Rejection::Locked);
    assert_eq!(world.devices(), [token.id()]);
}

/// Invariant 3.
#[test]
fn a_right_backup_code_costs_a_device_nothing() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let mut token = world.device(&phone);
    for _ in 0..9 {
        let wrong = world.wrong_code(&codes);
        let outcome = world.attempt(&wrong, &token);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    hold(&world, &phone);
    // Each attempt is the tenth failure until its hash is compared.
    for code in &codes[..3] {
        let receipt = world.attempt(code, &token).unwrap();
        token = receipt.device_token().unwrap().clone();
    }
    assert_eq!(world.devices(), [token.id()]);
    let outcome = world.attempt(&codes[0], &token);
    assert_eq!(rejection(outcome), Rejection::BackupCodeUsed);
    assert_eq!(world.devices(), []);
    assert!(world.is_stranger(&phone, &token));
}

#[test]
fn backup_codes_on_a_device_leave_the_budget() {
    let (world, phone) = enrolled(policy().budget(5, DAY * 365).build().unwrap());
    let codes = world.issue(&phone);
    let token = world.device(&phone);
    let wrong = world.wrong(&phone);
    for _ in 0..3 {
        assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    }
    for code in &codes[..5] {
        let _receipt = world.attempt(code, &token).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    }
    let spent = rejection(world.verify(&wrong));
    assert!(matches!(spent, Rejection::BudgetSpent { .. }), "{spent:?}");
}

#[test]
fn an_overtaken_token_ends_the_device_after_a_minute() {
    for (seconds, ends) in [(0, false), (60, false), (61, true), (999_999, true)] {
        let (world, phone) = World::enrolled();
        let other = world.device(&phone);
        let stolen = world.device(&phone);
        let token = world.next(&phone, &stolen);
        let _newest = world.next(&phone, &token);
        world.clock.advance(Duration::from_secs(seconds));
        // With a wrong code, too.
        let outcome = world.attempt(&world.wrong(&phone), &stolen);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
        let expected = if ends {
            vec![other.id()]
        } else {
            vec![other.id(), stolen.id()]
        };
        assert_eq!(world.devices(), expected, "{seconds} s");
    }
}

#[test]
fn an_overtaken_token_is_a_strangers() {
    let (world, phone) = enrolled(small_budget());
    let stolen = world.device(&phone);
    let token = world.next(&phone, &stolen);
    let _newest = world.next(&phone, &token);
    hold(&world, &phone);
    world.clock.advance(STEP * 2);
    let before = world.record();
    let held = |outcome| matches!(rejection(outcome), Rejection::BudgetSpent { .. });
    assert!(held(world.attempt(&world.now(&phone), &stolen)));
    assert_eq!(world.record(), before);
    world.clock.advance(STEP);
    // The device ends, although the code is not checked.
    assert!(held(world.attempt(&world.now(&phone), &stolen)));
    assert_eq!(world.devices(), []);
    assert!(held(world.attempt(&world.now(&phone), &token)));
}

#[test]
fn a_forged_token_changes_nothing() {
    let (world, phone) = enrolled(small_budget());
    let token = world.device(&phone);
    let token = world.next(&phone, &token);
    let _other = world.device(&phone);
    hold(&world, &phone);
    world.clock.advance(Duration::from_secs(100));
    let before = world.record();
    let held = rejection(world.verify(&world.now(&phone)));
    for place in 0..28 {
        let outcome = world.attempt(&world.now(&phone), &altered(&token, place));
        assert_eq!(rejection(outcome), held, "{place}");
        let outcome = world.trusted(&altered(&token, place));
        assert_eq!(rejection(outcome), Rejection::UnknownDevice, "{place}");
    }
    assert_eq!(world.record(), before);
    assert!(world.attempt(&world.now(&phone), &token).is_ok());
}

#[test]
fn a_token_is_of_one_account_and_namespace() {
    let (world, phone) = World::enrolled();
    let token = world.device(&phone);
    let bob = World {
        alice: AccountId::new("bob").unwrap(),
        ..world.server(|builder| builder)
    };
    let phone_of_bob = bob.enroll();
    let of_bob = bob.device(&phone_of_bob);
    assert!(bob.is_stranger(&phone_of_bob, &token));
    assert!(world.is_stranger(&phone, &of_bob));
    let service = World::new();
    let same_key = World {
        key: world.key.clone(),
        ..service.service(MemoryStore::new(), keyring(1, &world.key), |builder| {
            builder.namespace("other")
        })
    };
    let phone = same_key.enroll();
    let _device = same_key.device(&phone);
    assert!(same_key.is_stranger(&phone, &token));
}

#[test]
fn a_restored_record_raises_no_alarm() {
    let (world, phone) = World::enrolled();
    let first = world.device(&phone);
    let Ok(stored) = block_on(Store::load(world.verifier.store(), &world.alice));
    let stored = stored.unwrap();
    let second = world.next(&phone, &first);
    let third = world.next(&phone, &second);
    let fourth = world.next(&phone, &third);
    let backup = MemoryStore::new();
    let summary = Summary::new(true, 0, KeyId::new(1));
    let write = ConditionalWrite::put(
        None,
        stored.revision,
        &stored.record,
        WriteKind::Enrolling,
        summary,
    );
    let _done = block_on(Store::compare_and_swap(&backup, &world.alice, write));
    let world = world.service(backup, keyring(1, &world.key), |builder| builder);
    world.clock.advance(DAY);
    for late in [&second, &third, &fourth] {
        assert!(world.is_stranger(&phone, late));
    }
    assert_eq!(world.devices(), [first.id()]);
    assert_eq!(world.next(&phone, &first), second);
    // The token that the browser has counts again when the numbers meet.
    assert_eq!(world.next(&phone, &second), third);
}

#[test]
fn only_a_fresh_receipt_remembers_a_device() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let receipt = world.log_in(&phone);
    world.clock.advance(Duration::from_secs(300));
    assert!(world.remember(&receipt, DeviceKind::Known).is_ok());
    world.clock.advance(Duration::from_secs(1));
    let late = world.remember(&receipt, DeviceKind::Known);
    assert_eq!(rejection(late), Rejection::ProofExpired);
    let receipt = world.verify(&codes[0]).unwrap();
    assert!(world.remember(&receipt, DeviceKind::Known).is_ok());
    let other = World::new();
    let other_phone = other.enroll();
    let foreign = other.log_in(&other_phone);
    let foreign = other.verifier.seal_receipt(&foreign);
    let remember = |receipt: &SealedReceipt, account: &AccountId| {
        let remembered =
            world
                .verifier
                .remember_device(account, receipt, label(), DeviceKind::Known);
        rejection(block_on(remembered))
    };
    assert_eq!(remember(&foreign, &world.alice), Rejection::ForeignReceipt);
    let receipt = world.seal(&world.log_in(&phone));
    let bob = AccountId::new("bob").unwrap();
    assert_eq!(remember(&receipt, &bob), Rejection::Absent);
    // The authenticator of the receipt is gone.
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(remember(&receipt, &world.alice), Rejection::Disabled);
    let _phone = world.enroll();
    assert_eq!(remember(&receipt, &world.alice), Rejection::ProofExpired);
    assert_eq!(world.devices(), []);
}

#[test]
fn the_oldest_device_makes_room() {
    let (world, phone) = enrolled(policy().devices(3).build().unwrap());
    let tokens: Vec<_> = (0..5).map(|_| world.device(&phone)).collect();
    let ids: Vec<_> = tokens.iter().map(DeviceToken::id).collect();
    assert_eq!(world.devices(), ids[2..]);
    assert!(world.is_stranger(&phone, &tokens[0]));
    let one = world.server(|builder| builder.policy(policy().devices(1).build().unwrap()));
    let last = one.device(&phone);
    assert_eq!(one.devices(), [last.id()]);
    let none = world.server(|builder| builder.policy(policy().devices(0).build().unwrap()));
    let receipt = none.log_in(&phone);
    let refused = none.remember(&receipt, DeviceKind::Known);
    assert!(matches!(
        refused,
        Err(Denied::Failed(VerifierError::DeviceNotAllowed))
    ));
}

#[test]
fn changes_of_the_factor_end_all_devices() {
    type End = fn(&World, &Phone);
    let ends: [(&str, bool, End); 8] = [
        ("forget_devices", true, |world, _| world.forget_all()),
        ("password_changed", true, |world, _| {
            block_on(world.verifier.password_changed(&world.alice)).unwrap();
        }),
        ("remove", true, |world, phone| {
            let receipt = world.log_in(phone);
            let last = *world.authenticators().last().unwrap();
            let proof = world.reauthenticated(&receipt);
            let removed = block_on(
                world
                    .verifier
                    .remove_authenticator(&world.alice, last, proof),
            );
            assert!(removed.is_ok());
        }),
        ("replace", true, |world, phone| {
            let receipt = world.log_in(phone);
            let last = *world.authenticators().last().unwrap();
            let request = EnrollmentRequest::replacing(last, "alice");
            let begun = world
                .begin(request, world.reauthenticated(&receipt))
                .unwrap();
            assert!(!world.devices().is_empty());
            let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
        }),
        ("disable", true, |world, phone| {
            world.clock.advance(STEP);
            let code = world.now(phone);
            let _left = block_on(world.verifier.disable(&world.alice, Proof::Code(&code))).unwrap();
            let _phone = world.enroll();
        }),
        ("force_disable", true, |world, _| {
            block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
            let _phone = world.enroll();
        }),
        ("new codes", false, |world, phone| {
            world.issue(phone);
        }),
        ("unlock", false, |world, _| {
            world.unlock(countersign::ServerClock::Unconfirmed).unwrap();
        }),
    ];
    for (name, all, end) in ends {
        let (world, phone) = enrolled(trusting());
        let receipt = world.log_in(&phone);
        let begun = world
            .begin(
                EnrollmentRequest::new("alice"),
                world.reauthenticated(&receipt),
            )
            .unwrap();
        let tokens = [world.device(&phone), world.trusted_one(&phone)];
        let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
        assert_eq!(world.devices(), tokens.each_ref().map(DeviceToken::id));
        end(&world, &phone);
        assert_eq!(world.devices().is_empty(), all, "{name}");
        let trusted = world.trusted(&tokens[1]);
        assert_eq!(trusted.is_err(), all, "{name}");
    }
}

#[test]
fn a_new_password_ends_a_pending_enrollment() {
    let world = World::new();
    let changed = || block_on(world.verifier.password_changed(&world.alice));
    changed().unwrap();
    let begun = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    changed().unwrap();
    let confirmed = world.confirm(&begun, &world.now(&scan(&begun)));
    assert_eq!(rejection(confirmed), Rejection::NoEnrollment);
    let phone = world.enroll();
    let before = world.record();
    changed().unwrap();
    assert_eq!(world.record(), before, "there was nothing to end");
    let _receipt = world.log_in(&phone);
}

/// The current set stays, and a set whose hashes are being computed does not arrive later.
#[test]
fn a_new_password_ends_pending_codes() {
    let (world, phone) = World::enrolled();
    let old = world.issue(&phone);
    let receipt = world.seal(&world.log_in(&phone));
    let first_factor = FirstFactor::password(world.clock.now());
    let proof = || Proof::Reauthenticated {
        first_factor,
        receipt: &receipt,
    };
    let issue = |world: &World| block_on(world.verifier.issue_backup_codes(&world.alice, proof()));
    let new = issue(&world).unwrap();
    assert!(new.is_pending());
    block_on(world.verifier.password_changed(&world.alice)).unwrap();
    let confirmed = block_on(world.verifier.confirm_saved(&world.alice, new.set()));
    assert_eq!(rejection(confirmed), Rejection::NoPendingCodes);
    let code = new.iter().next().unwrap();
    assert_eq!(rejection(world.verify(code)), Rejection::WrongCode);
    let _receipt = world.verify(&old[0]).unwrap();

    let (verifier, alice) = (world.verifier.clone(), world.alice.clone());
    let changing = world.server(|builder| {
        builder.hash_executor(ChangesPassword {
            verifier,
            account: alice,
        })
    });
    assert_eq!(rejection(issue(&changing)), Rejection::IssueExpired);
    let _receipt = world.verify(&old[1]).unwrap();
}

/// The password changes while a hash is computed.
struct ChangesPassword {
    verifier: Verifier<MemoryStore>,
    account: AccountId,
}

impl HashExecutor for ChangesPassword {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        block_on(self.verifier.password_changed(&self.account)).unwrap();
        InlineExecutor.run(job)
    }
}

#[test]
fn a_page_can_check_a_device() {
    let (world, phone) = World::enrolled();
    let known = |token: &DeviceToken| {
        block_on(world.verifier.is_known_device(&world.alice, token)).unwrap()
    };
    let first = world.device(&phone);
    let second = world.next(&phone, &first);
    let third = world.next(&phone, &second);
    let before = world.record();
    assert!(known(&second) && known(&third));
    assert!(!known(&altered(&third, 20)));
    world.clock.advance(DAY);
    assert!(!known(&first), "it was overtaken");
    assert_eq!(world.record(), before, "nothing is written");
    for _ in 0..10 {
        let outcome = world.attempt(&world.wrong(&phone), &third);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    assert!(!known(&third), "it had ten failures");
    let nobody = AccountId::new("nobody").unwrap();
    assert!(!block_on(world.verifier.is_known_device(&nobody, &third)).unwrap());
}

#[test]
fn one_device_is_forgotten() {
    let (world, phone) = World::enrolled();
    let (one, two) = (world.device(&phone), world.device(&phone));
    let forget = |id| block_on(world.verifier.forget_device(&world.alice, id));
    forget(one.id()).unwrap();
    assert_eq!(world.devices(), [two.id()]);
    assert_eq!(rejection(forget(one.id())), Rejection::UnknownDevice);
    assert!(world.is_stranger(&phone, &one));
}

#[test]
fn a_trusted_device_needs_no_code_for_30_days() {
    let (world, phone) = enrolled(trusting());
    let mut token = world.trusted_one(&phone);
    let issued_at = world.clock.now();
    hold(&world, &phone);
    for day in 1..=30 {
        world.clock.set(issued_at.saturating_add(day * 86_400));
        let trusted = world.trusted(&token).unwrap();
        assert_eq!(trusted.account(), &world.alice);
        assert_eq!(trusted.at(), world.clock.now());
        let again = world.trusted(&token).unwrap();
        assert_eq!(again.device_token(), trusted.device_token());
        token = trusted.device_token().clone();
    }
    world.clock.advance(Duration::from_secs(1));
    let over = world.trusted(&token);
    assert_eq!(rejection(over), Rejection::DeviceNotTrusted);
    // It is still known.
    let _next = world.next(&phone, &token);
}

#[test]
fn a_trusted_device_passes_a_lock() {
    let policy = policy()
        .lock_after(1)
        .trusted_devices(TrustedDevices::Days(30));
    let (world, phone) = enrolled(policy.build().unwrap());
    let token = world.trusted_one(&phone);
    let wrong = world.wrong(&phone);
    assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    assert_eq!(world.enabled().rate_limit, RateLimitState::Locked);
    let _trusted = world.trusted(&token).unwrap();
    assert_eq!(world.enabled().rate_limit, RateLimitState::Locked);
}

#[test]
fn trust_needs_the_policy_and_the_users_choice() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let refused = world.remember(&receipt, DeviceKind::Trusted);
    assert!(matches!(
        refused,
        Err(Denied::Failed(VerifierError::DeviceNotAllowed))
    ));
    let trusting = world.server(|builder| builder.policy(trusting()));
    let known = trusting.device(&phone);
    let outcome = trusting.trusted(&known);
    assert_eq!(rejection(outcome), Rejection::DeviceNotTrusted);
    let trusted = trusting.trusted_one(&phone);
    let outcome = world.trusted(&trusted);
    assert_eq!(rejection(outcome), Rejection::DeviceNotTrusted);
    assert!(trusting.trusted(&trusted).is_ok());
    let bob = AccountId::new("bob").unwrap();
    let outcome = block_on(world.verifier.trusted_device(&bob, &trusted));
    assert_eq!(rejection(outcome), Rejection::Absent);
}

#[test]
fn an_overtaken_token_trusts_nobody() {
    let (world, phone) = enrolled(trusting());
    let stolen = world.trusted_one(&phone);
    let second = world.trusted(&stolen).unwrap().device_token().clone();
    let third = world.trusted(&second).unwrap().device_token().clone();
    world.clock.advance(Duration::from_secs(60));
    let late = world.trusted(&stolen);
    assert_eq!(rejection(late), Rejection::UnknownDevice);
    assert!(world.trusted(&third).is_ok());
    world.clock.advance(Duration::from_secs(61));
    let suspect = world.trusted(&stolen);
    assert_eq!(rejection(suspect), Rejection::UnknownDevice);
    assert_eq!(world.devices(), []);
    assert_eq!(rejection(world.trusted(&third)), Rejection::UnknownDevice);
}

#[test]
fn a_trusted_sign_in_is_no_fresh_factor() {
    use countersign::session::{HalfSession, Passed, SecondFactorUse, SignInFactors, StepUp};
    let (world, phone) = enrolled(trusting());
    let token = world.trusted_one(&phone);
    let trusted = world.trusted(&token).unwrap();
    let now = world.clock.now();
    let first = FirstFactor::password(now);
    let half = HalfSession::new(world.alice.clone(), first);
    let full = half.pass(Passed::from(trusted), now).unwrap();
    let factors: SignInFactors = full.factors();
    assert_eq!(factors.second, SecondFactorUse::TrustedDevice);
    for freshness in [
        Freshness::minutes(10),
        Freshness::minutes(10).with_second_factor(),
    ] {
        assert_eq!(freshness.check(&factors, now), Err(StepUp::EnterCode));
    }
}

#[test]
fn a_repeat_carries_the_same_token() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let mut token = world.device(&phone);
    world.clock.advance(STEP);
    for code in [world.now(&phone), codes[0].clone()] {
        let id = RequestId::generate().unwrap();
        let attempt = Attempt::new(&code).request(&id).device(Some(&token));
        let send = || block_on(world.verifier.verify_attempt(&world.alice, attempt));
        let first = send().unwrap();
        let before = world.record();
        let again = send().unwrap();
        assert!(again.is_repeat() && !first.is_repeat());
        assert_eq!(again.device_token(), first.device_token());
        let stranger = world.request(&code, &id).unwrap();
        assert!(stranger.is_repeat());
        assert_eq!(stranger.device_token(), None);
        assert_eq!(world.record(), before);
        token = first.device_token().unwrap().clone();
    }
}

/// Invariant 3: a repeat that joins an attempt of a device gives back what that attempt took.
#[test]
fn a_joined_repeat_gives_no_guess_back() {
    let (world, phone) = enrolled(policy().budget(3, DAY * 365).build().unwrap());
    let codes = world.issue(&phone);
    let token = world.device(&phone);
    let wrong = world.wrong(&phone);
    for _ in 0..2 {
        assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    }
    // The first call dies while it computes the hash.
    let id = RequestId::generate().unwrap();
    let dying = world.server(|builder| builder.hash_executor(Dead));
    let attempt = Attempt::new(&codes[0]).request(&id).device(Some(&token));
    let outcome = block_on(dying.verifier.verify_attempt(&world.alice, attempt));
    assert!(matches!(outcome, Err(Denied::Failed(_))));
    // The second call joins without the token.
    let receipt = world.request(&codes[0], &id).unwrap();
    assert_eq!(receipt.device_token(), None);
    assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    let spent = rejection(world.verify(&wrong));
    assert!(matches!(spent, Rejection::BudgetSpent { .. }), "{spent:?}");
}

/// The joined attempt was the tenth failure of the device.
#[test]
fn a_joined_repeat_keeps_the_device() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let token = world.device(&phone);
    for _ in 0..9 {
        let outcome = world.attempt(&world.wrong_code(&codes), &token);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    let id = RequestId::generate().unwrap();
    let dying = world.server(|builder| builder.hash_executor(Dead));
    let attempt = Attempt::new(&codes[0]).request(&id).device(Some(&token));
    let outcome = block_on(dying.verifier.verify_attempt(&world.alice, attempt));
    assert!(matches!(outcome, Err(Denied::Failed(_))));
    assert_eq!(world.devices(), []);
    let receipt = block_on(world.verifier.verify_attempt(&world.alice, attempt)).unwrap();
    assert!(receipt.device_token().is_some());
    assert_eq!(world.devices(), [token.id()]);
}

/// A hash executor that fails.
#[derive(Debug)]
struct Dead;

impl HashExecutor for Dead {
    fn run(&self, _: HashJob) -> HashFuture<'_> {
        let lost = HashExecutorError::Worker("dead".into());
        Box::pin(async move { Err(lost) })
    }
}

#[test]
fn ten_devices_fit_a_record_of_1536_bytes() {
    let (world, phone) = World::enrolled();
    world.issue(&phone);
    let long = DeviceLabel::new(&"a".repeat(DeviceLabel::MAX_BYTES)).unwrap();
    let tokens: Vec<_> = (0..10)
        .map(|_| {
            let receipt = world.seal(&world.log_in(&phone));
            let kind = DeviceKind::Known;
            let long = long.clone();
            let remembered = world
                .verifier
                .remember_device(&world.alice, &receipt, long, kind);
            block_on(remembered).unwrap()
        })
        .collect();
    for token in &tokens {
        let mut token = token.clone();
        for _ in 0..30 {
            token = world.next(&phone, &token);
        }
        let outcome = world.attempt(&world.wrong(&phone), &token);
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    // Codes of this record are not used yet: each adds five bytes.
    let bytes = world.record().len() + 10 * 5;
    assert!(bytes <= 1536, "{bytes} bytes");
    // Without devices, the record has the first form again.
    let before = world.record();
    assert_eq!(before[0], 2);
    world.forget_all();
    world.clock.advance(DAY * 2);
    let _receipt = world.log_in(&phone);
    assert_eq!(world.record()[0], 1);
}

#[test]
fn an_account_without_devices_ignores_tokens() {
    let (world, phone) = World::enrolled();
    let (other, other_phone) = World::enrolled();
    let token = other.device(&other_phone);
    assert!(world.is_stranger(&phone, &token));
    assert_eq!(world.record()[0], 1);
    let outcome = world.trusted(&token);
    assert_eq!(rejection(outcome), Rejection::UnknownDevice);
}

/// Strangers, rows of passcodes and ten stolen devices.
#[test]
fn the_annual_risk_includes_every_stolen_device() {
    use countersign::factor::GuessTarget;
    use countersign::otp::Digits;
    let risk = |devices| {
        let policy = policy().devices(devices);
        policy
            .build()
            .unwrap()
            .annual_risk([GuessTarget::totp(Digits::SIX)])
    };
    let guess = 3.0 * 2148.0 / f64::from(1_u32 << 31) + 20.0 / 1e8;
    for devices in [0, 1, 10, 20] {
        let more = risk(devices) - risk(0);
        let expected = 10.0 * f64::from(devices) * guess;
        assert!((more - expected).abs() < 1e-12, "{devices}");
    }
    assert!(risk(0) < 4.4e-4);
    assert!(risk(10) < 7.6e-4);
    assert!(risk(20) < 1.08e-3);
}
