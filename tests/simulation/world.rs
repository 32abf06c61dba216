//! One account of a service on two servers, over a faulty connection.

use crate::checker::Checker;
use crate::decisions::{Decisions, next_random};
use crate::operation::{Answer, Operation, Shown};
use crate::rules::{BURST, PERIOD, policy};
use crate::stores::{Database, Landing, Sender, SharedChecker};
use countersign::conformance::{Fault, Faults, Faulty};
use countersign::otp::RandomError;
use countersign::runtime::{Clock, RandomSource};
use countersign::testing::{ManualClock, block_on};
use countersign::{
    AccountId, Actor, Attempt, DeviceKind, DeviceLabel, DeviceToken, EnrollmentRequest,
    FirstFactor, KeyId, Keyring, Proof, RequestId, SealingKey, ServerClock, Timestamp, Verifier,
};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// 2027-01-15, at the beginning of a time step.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_800_000_000);

pub(crate) struct World<D> {
    pub(crate) decisions: Decisions,
    pub(crate) checker: SharedChecker,
    pub(crate) database: D,
    pub(crate) faulty: Faulty<Landing<D>>,
    pub(crate) time: ManualClock,
    pub(crate) servers: [Server; 2],
    pub(crate) account: AccountId,
    random: SeededRandom,
    /// How many faults a run may still have, if their number is bounded.
    pub(crate) faults_left: Arc<AtomicUsize>,
    /// Whether every record is known to be encrypted with the new key.
    pub(crate) resealed: Cell<bool>,
}

pub(crate) struct Server {
    pub(crate) clock: OffsetClock,
    /// The stage of the key rotation: old key; new key added; new key primary; old key dropped.
    pub(crate) stage: Cell<usize>,
    verifier: RefCell<Verifier<()>>,
}

/// The time on one server.
#[derive(Clone)]
pub(crate) struct OffsetClock {
    time: ManualClock,
    offset: Arc<AtomicI64>,
}

impl OffsetClock {
    pub(crate) fn jump(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }

    fn set(&self, now: Timestamp) {
        let difference = now.as_unix().cast_signed() - self.time.now().as_unix().cast_signed();
        self.offset.store(difference, Ordering::Relaxed);
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::Relaxed);
        Timestamp::from_unix(self.time.now().as_unix().saturating_add_signed(offset))
    }
}

/// Repeatable bytes instead of random bytes.
#[derive(Clone)]
struct SeededRandom(Arc<Mutex<u64>>);

impl RandomSource for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let mut state = self.0.lock().unwrap();
        for chunk in buffer.chunks_mut(8) {
            let bytes = next_random(&mut state).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

impl<D: Database> World<D> {
    /// `choose` decides on the faults. Runs with different seeds share no secret.
    pub(crate) fn new(
        decisions: Decisions,
        seed: u64,
        checker: Checker,
        choose: impl Fn(&Decisions, &[Fault]) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        let checker: SharedChecker = Arc::new(Mutex::new(checker));
        let database = D::default();
        let (asked, noted) = (decisions.clone(), Arc::clone(&checker));
        let faulty = Faulty::chosen_by(
            Landing {
                database: database.clone(),
                checker: Arc::clone(&checker),
            },
            Faults::all(),
            move |possible| {
                let fault = choose(&asked, possible)?;
                let mut checker = noted.lock().unwrap();
                checker.coverage.count(name_of(fault));
                match fault {
                    Fault::Landing => checker.state_hash.lands_late(),
                    _ => checker.state_hash.sees(fault),
                }
                checker.note(|| format!("      {fault}"));
                Some(fault)
            },
        );
        let time = ManualClock::at(START);
        let random = SeededRandom(Arc::new(Mutex::new(seed ^ 0x5EED)));
        let server = || {
            let clock = OffsetClock {
                time: time.clone(),
                offset: Arc::default(),
            };
            Server {
                verifier: RefCell::new(verifier(0, &clock, &random, &checker)),
                stage: Cell::new(0),
                clock,
            }
        };
        Self {
            servers: [server(), server()],
            decisions,
            checker,
            database,
            faulty,
            time,
            account: AccountId::from(1_u32),
            random,
            faults_left: Arc::default(),
            resealed: Cell::new(false),
        }
    }

    pub(crate) fn now(&self, server: usize) -> Timestamp {
        self.servers[server].clock.now()
    }

    /// Takes the next step of the key rotation on a server, if no running operation prevents that.
    pub(crate) fn change_keys(&self, server: usize) {
        let stage = self.servers[server].stage.get();
        let last = 3;
        let may_drop = self.resealed.get() && self.faulty.late() == 0;
        if stage == last || self.least_stage() < stage || (stage + 1 == last && !may_drop) {
            return;
        }
        let server = &self.servers[server];
        server.stage.set(stage + 1);
        *server.verifier.borrow_mut() =
            verifier(stage + 1, &server.clock, &self.random, &self.checker);
        let mut checker = self.checker.lock().unwrap();
        checker.note(|| format!("keys: a server is at stage {}", stage + 1));
        checker.coverage.count(match stage + 1 {
            1 => "keys: the new key is added",
            2 => "keys: the new key is the primary",
            _ => "keys: the old key is dropped",
        });
    }

    /// The lowest stage of all servers and all running operations.
    fn least_stage(&self) -> usize {
        let checker = self.checker.lock().unwrap();
        let running = checker.entries.iter().filter(|entry| entry.running);
        let stages = running.map(|entry| entry.stage);
        let servers = self.servers.iter().map(|server| server.stage.get());
        stages.chain(servers).min().unwrap_or_default()
    }

    /// Asks a server for an operation, as a client does.
    pub(crate) async fn perform(&self, client: usize, server: usize, operation: Operation) {
        let stage = self.servers[server].stage.get();
        let clock = self.servers[server].clock.clone();
        let every_key_changed = self.least_stage() >= 2;
        let index = {
            let mut checker = self.checker.lock().unwrap();
            checker.began(client, stage, operation.clone())
        };
        let verifier = self.servers[server].verifier.borrow().with_store(Sender {
            operation: index,
            clock,
            checker: Arc::clone(&self.checker),
            faulty: self.faulty.clone(),
        });
        let account = &self.account;
        let accepted = |receipt| {
            let sealed = verifier.seal_receipt(&receipt);
            Answer::Accepted(receipt, sealed)
        };
        let answer = match &operation {
            Operation::Begin {
                replaces,
                token,
                proof,
            } => {
                let request = match replaces {
                    None => EnrollmentRequest::new("alice"),
                    Some(id) => EnrollmentRequest::replacing(*id, "alice"),
                };
                let request = if *token { request.hotp() } else { request };
                let begun = verifier
                    .begin_enrollment(account, request, proof.as_proof())
                    .await;
                begun.map(|enrollment| {
                    let mut checker = self.checker.lock().unwrap();
                    checker.begun_enrollment(index, &enrollment);
                    Answer::Done
                })
            }
            Operation::Confirm { id, typed, .. } => verifier
                .confirm_enrollment(account, *id, typed)
                .await
                .map(accepted),
            Operation::Verify {
                typed,
                request: None,
                device: None,
            } => verifier.verify(account, typed).await.map(accepted),
            Operation::Verify {
                typed,
                request,
                device,
            } => {
                let id = request.map(|id| format!("{id:032x}").parse::<RequestId>().unwrap());
                let token = device.map(|token| self.token(token));
                let attempt = Attempt::new(typed).device(token.as_ref());
                let attempt = match &id {
                    Some(id) => attempt.request(id),
                    None => attempt,
                };
                verifier
                    .verify_attempt(account, attempt)
                    .await
                    .map(accepted)
            }
            Operation::Remember { kept, trusted, .. } => {
                let kind = match trusted {
                    true => DeviceKind::Trusted,
                    false => DeviceKind::Known,
                };
                let label = DeviceLabel::fit("a browser");
                let token = verifier.remember_device(account, &kept.sealed, label, kind);
                token.await.map(Answer::Remembered)
            }
            Operation::Trust { token } => {
                let token = self.token(*token);
                let trusted = verifier.trusted_device(account, &token);
                trusted.await.map(Answer::Trusted)
            }
            Operation::ForgetDevices => {
                let forgotten = verifier.forget_devices(account);
                forgotten.await.map(|()| Answer::Done)
            }
            Operation::PasswordChanged => {
                let changed = verifier.password_changed(account);
                changed.await.map(|()| Answer::Done)
            }
            Operation::VerifyRow { typed } => {
                let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
                let verified = verifier.verify_consecutive(account, &typed);
                verified.await.map(accepted)
            }
            Operation::Issue { proof } => verifier
                .issue_backup_codes(account, proof.as_proof())
                .await
                .map(|codes| {
                    self.checker.lock().unwrap().issued_codes(index, &codes);
                    Answer::Done
                }),
            Operation::ConfirmSaved { set, .. } => verifier
                .confirm_saved(account, *set)
                .await
                .map(|()| Answer::Done),
            Operation::Discard { set, .. } => verifier
                .discard_pending_codes(account, *set)
                .await
                .map(|()| Answer::Done),
            Operation::Remove {
                id,
                unless_last: true,
                proof,
            } => verifier
                .remove_authenticator_unless_last(account, *id, proof.as_proof())
                .await
                .map(|()| Answer::Done),
            Operation::Remove { id, proof, .. } => verifier
                .remove_authenticator(account, *id, proof.as_proof())
                .await
                .map(Answer::Removed),
            Operation::Disable { proof } => verifier
                .disable(account, proof.as_proof())
                .await
                .map(|_| Answer::Done),
            Operation::ForceDisable => verifier
                .force_disable(account, &staff())
                .await
                .map(|()| Answer::Done),
            Operation::Unlock { confirmed } => {
                let clock = if *confirmed {
                    ServerClock::Confirmed
                } else {
                    ServerClock::Unconfirmed
                };
                verifier
                    .unlock(account, clock, &staff())
                    .await
                    .map(|()| Answer::Done)
            }
            Operation::Reseal => match verifier.reseal(account).await {
                Ok(resealed) => {
                    self.resealed.set(self.resealed.get() || every_key_changed);
                    self.checker.lock().unwrap().resealed(resealed);
                    Ok(Answer::Done)
                }
                Err(error) => Ok(error.into()),
            },
            Operation::Erase => match verifier.erase(account, &staff()).await {
                Ok(()) => Ok(Answer::Done),
                Err(error) => Ok(error.into()),
            },
            Operation::Status => match verifier.status(account).await {
                Ok(_) => Ok(Answer::Done),
                Err(error) => Ok(error.into()),
            },
        };
        let answer = answer.unwrap_or_else(Answer::from);
        self.checker.lock().unwrap().answered(index, answer);
    }

    fn token(&self, index: usize) -> DeviceToken {
        let checker = self.checker.lock().unwrap();
        checker.tokens[index].token.clone()
    }

    /// Makes all late writes, checks all answers, and checks that the record has lost nothing.
    pub(crate) fn close(&self) {
        block_on(async {
            self.faulty.land_all().await;
            self.checker.lock().unwrap().check_answers();
            self.checker.lock().unwrap().stop_events();
            let server = &self.servers[0];
            let verifier = server.verifier.borrow().with_store(self.database.clone());
            self.compare(&verifier).await;
            self.probe_good_code(&verifier).await;
            let phones = self.checker.lock().unwrap().phones.clone();
            for known in phones.iter().filter(|known| known.active) {
                let Some(last) = known.last else {
                    continue;
                };
                if !known.is_token() {
                    server.clock.set(Timestamp::from_unix(last * PERIOD));
                }
                // Two numbers can have one passcode. Then it is not used up.
                let now = server.clock.now();
                let is_unused = |typed: &String| known.number_of(typed, now) > Some(last);
                let used = [known.passcode_of(last)].into_iter();
                let older = known.is_token().then(|| last.checked_sub(1)).flatten();
                let older = older.map(|older| known.passcode_of(older));
                for typed in used.chain(older).filter(|typed| !is_unused(typed)) {
                    self.probe(&verifier, &typed).await;
                }
            }
            let now = server.clock.now();
            let shown = |typed: &String| phones.iter().any(|known| known.shows(typed, now));
            let mut guesses = (0..).map(|guess| format!("{guess:06}"));
            let wrong = guesses.find(|typed| !shown(typed)).unwrap();
            for _ in 0..BURST {
                self.probe(&verifier, &wrong).await;
            }
        });
    }

    /// Types a code that must be accepted once, and not again.
    async fn probe_good_code(&self, verifier: &Verifier<D>) {
        let now = self.servers[0].clock.now();
        let Some(typed) = self.checker.lock().unwrap().good_code(now) else {
            return;
        };
        let outcome = verifier.verify(&self.account, &typed).await;
        let outcome = outcome.map_err(|denied| denied.rejection());
        let checker = || self.checker.lock().unwrap();
        checker().probed_good_code(&typed, outcome, now);
        self.compare(verifier).await;
        self.probe(verifier, &typed).await;
    }

    /// Types a code that must not be accepted.
    async fn probe(&self, verifier: &Verifier<D>, typed: &str) {
        let now = self.servers[0].clock.now();
        let outcome = verifier.verify(&self.account, typed).await;
        let outcome = outcome.map_err(|denied| denied.rejection());
        self.checker.lock().unwrap().probed(typed, outcome, now);
        self.compare(verifier).await;
    }

    async fn compare(&self, verifier: &Verifier<D>) {
        let status = verifier.status(&self.account).await;
        let mut checker = self.checker.lock().unwrap();
        match status {
            Ok(status) => checker.compare(&status, self.servers[0].clock.now()),
            Err(error) => checker.violated(format!("the record cannot be read: {error:?}")),
        }
    }
}

impl Shown {
    fn as_proof(&self) -> Proof<'_> {
        match self {
            Self::Typed(typed) => Proof::Code(typed),
            Self::Password(checked_at) => Proof::Password {
                checked_at: *checked_at,
            },
            Self::Receipt {
                kept,
                password_checked_at,
                ..
            } => Proof::Reauthenticated {
                first_factor: FirstFactor::password(*password_checked_at),
                receipt: &kept.sealed,
            },
        }
    }
}

fn verifier(
    stage: usize,
    clock: &OffsetClock,
    random: &SeededRandom,
    checker: &SharedChecker,
) -> Verifier<()> {
    let checker = Arc::clone(checker);
    let [old, new] = [1, 2].map(|id| (KeyId::new(id), SealingKey::from_bytes(&[id as u8; 32])));
    let (primary, retired) = match stage {
        0 => (old, None),
        1 => (old, Some(new)),
        2 => (new, Some(old)),
        _ => (new, None),
    };
    let mut keyring = Keyring::new(primary.0, primary.1);
    if let Some((id, key)) = retired {
        keyring = keyring.with_retired(id, key).unwrap();
    }
    Verifier::builder_with_random((), keyring, "Example", random.clone())
        .policy(policy())
        .clock(clock.clone())
        .keep_ended_authenticators()
        .on_event(move |event| checker.lock().unwrap().told(event))
        .build()
        .unwrap()
}

const fn name_of(fault: Fault) -> &'static str {
    match fault {
        Fault::Delay => "fault: delay",
        Fault::FailBefore => "fault: failed before",
        Fault::FailAfter => "fault: failed after",
        Fault::LandLate => "fault: late",
        Fault::Duplicate => "fault: duplicate",
        Fault::Landing => "fault: a late write lands",
        _ => "fault: another",
    }
}

/// A person who acts without a proof.
fn staff() -> Actor {
    Actor::new("staff", "a test").unwrap()
}
