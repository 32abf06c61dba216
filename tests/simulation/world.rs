//! One account of a service on two machines, over a bad connection.

use crate::books::Books;
use crate::choices::{Choices, draw};
use crate::operation::{Answer, Operation, Shown};
use crate::rules::{BURST, PERIOD, policy};
use crate::stores::{Database, Landing, Sender, SharedBooks};
use countersign::conformance::{Fault, Faults, Faulty};
use countersign::otp::RandomError;
use countersign::runtime::{Clock, RandomSource};
use countersign::testing::{ManualClock, block_on};
use countersign::{
    AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, ServerClock, Timestamp,
    Verifier,
};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// 2027-01-15, at the beginning of a step.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_800_000_000);

pub(crate) struct World<D> {
    pub(crate) choices: Choices,
    pub(crate) books: SharedBooks,
    pub(crate) database: D,
    pub(crate) faulty: Faulty<Landing<D>>,
    pub(crate) time: ManualClock,
    pub(crate) machines: [Machine; 2],
    pub(crate) account: AccountId,
    random: SeededRandom,
    /// How many faults a run may still meet, where that is bounded.
    pub(crate) faults_left: Arc<AtomicUsize>,
    /// Whether every record is known to be sealed with the new key.
    pub(crate) resealed: Cell<bool>,
}

pub(crate) struct Machine {
    pub(crate) clock: MachineClock,
    /// How far the change of keys is: the old key; the new one added; the new one first; the old one dropped.
    pub(crate) stage: Cell<usize>,
    verifier: RefCell<Verifier<()>>,
}

/// The time, as one machine has it.
#[derive(Clone)]
pub(crate) struct MachineClock {
    time: ManualClock,
    offset: Arc<AtomicI64>,
}

impl MachineClock {
    pub(crate) fn jump(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }

    fn set(&self, now: Timestamp) {
        let difference = now.as_unix().cast_signed() - self.time.now().as_unix().cast_signed();
        self.offset.store(difference, Ordering::Relaxed);
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::Relaxed);
        Timestamp::from_unix(self.time.now().as_unix().saturating_add_signed(offset))
    }
}

/// Repeatable bytes in the place of random ones.
#[derive(Clone)]
struct SeededRandom(Arc<Mutex<u64>>);

impl RandomSource for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let mut state = self.0.lock().unwrap();
        for chunk in buffer.chunks_mut(8) {
            let bytes = draw(&mut state).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

impl<D: Database> World<D> {
    /// A world whose faults `choose` decides on; two seeds of it have no secret in common.
    pub(crate) fn new(
        choices: Choices,
        seed: u64,
        books: Books,
        choose: impl Fn(&Choices, &[Fault]) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        let books: SharedBooks = Arc::new(Mutex::new(books));
        let database = D::default();
        let (asked, noted) = (choices.clone(), Arc::clone(&books));
        let faulty = Faulty::chosen_by(
            Landing {
                database: database.clone(),
                books: Arc::clone(&books),
            },
            Faults::all(),
            move |possible| {
                let fault = choose(&asked, possible)?;
                let mut books = noted.lock().unwrap();
                books.coverage.count(name_of(fault));
                match fault {
                    Fault::Landing => books.tracks.lands_late(),
                    _ => books.tracks.sees(fault),
                }
                books.note(|| format!("      {fault}"));
                Some(fault)
            },
        );
        let time = ManualClock::at(START);
        let random = SeededRandom(Arc::new(Mutex::new(seed ^ 0x5EED)));
        let machine = || {
            let clock = MachineClock {
                time: time.clone(),
                offset: Arc::default(),
            };
            Machine {
                verifier: RefCell::new(verifier(0, &clock, &random)),
                stage: Cell::new(0),
                clock,
            }
        };
        Self {
            machines: [machine(), machine()],
            choices,
            books,
            database,
            faulty,
            time,
            account: AccountId::from(1_u32),
            random,
            faults_left: Arc::default(),
            resealed: Cell::new(false),
        }
    }

    pub(crate) fn now(&self, machine: usize) -> Timestamp {
        self.machines[machine].clock.now()
    }

    /// The next step of the change of keys on a machine, if every operation under way allows for it.
    pub(crate) fn change_keys(&self, machine: usize) {
        let stage = self.machines[machine].stage.get();
        let last = 3;
        let may_drop = self.resealed.get() && self.faulty.late() == 0;
        if stage == last || self.least_stage() < stage || (stage + 1 == last && !may_drop) {
            return;
        }
        let machine = &self.machines[machine];
        machine.stage.set(stage + 1);
        *machine.verifier.borrow_mut() = verifier(stage + 1, &machine.clock, &self.random);
        let mut books = self.books.lock().unwrap();
        books.note(|| format!("keys: a machine is at stage {}", stage + 1));
        books.coverage.count(match stage + 1 {
            1 => "keys: the new one is added",
            2 => "keys: the new one is the primary",
            _ => "keys: the old one is dropped",
        });
    }

    /// The stage that is behind all machines and all operations under way.
    fn least_stage(&self) -> usize {
        let books = self.books.lock().unwrap();
        let running = books.entries.iter().filter(|entry| entry.running);
        let stages = running.map(|entry| entry.stage);
        let machines = self.machines.iter().map(|machine| machine.stage.get());
        stages.chain(machines).min().unwrap_or_default()
    }

    /// Asks a machine for an operation, as a client does.
    pub(crate) async fn perform(&self, client: usize, machine: usize, operation: Operation) {
        let stage = self.machines[machine].stage.get();
        let clock = self.machines[machine].clock.clone();
        let every_key_changed = self.least_stage() >= 2;
        let index = {
            let mut books = self.books.lock().unwrap();
            books.began(client, stage, operation.clone())
        };
        let verifier = self.machines[machine].verifier.borrow().with_store(Sender {
            operation: index,
            clock,
            books: Arc::clone(&self.books),
            faulty: self.faulty.clone(),
        });
        let account = &self.account;
        let accepted = |receipt| {
            let sealed = verifier.seal_receipt(&receipt);
            Answer::Accepted(receipt, sealed)
        };
        let answer = match &operation {
            Operation::Begin { replaces, proof } => {
                let request = match replaces {
                    None => EnrollmentRequest::new("alice"),
                    Some(id) => EnrollmentRequest::replacing(*id, "alice"),
                };
                let begun = verifier
                    .begin_enrollment(account, request, proof.as_proof())
                    .await;
                begun.map(|enrollment| {
                    let mut books = self.books.lock().unwrap();
                    books.begun_enrollment(index, &enrollment);
                    Answer::Done
                })
            }
            Operation::Confirm { id, typed, .. } => verifier
                .confirm_enrollment(account, *id, typed)
                .await
                .map(accepted),
            Operation::Verify { typed } => verifier.verify(account, typed).await.map(accepted),
            Operation::Issue { proof } => verifier
                .issue_backup_codes(account, proof.as_proof())
                .await
                .map(|codes| {
                    self.books.lock().unwrap().issued_codes(index, &codes);
                    Answer::Done
                }),
            Operation::Remove { id, proof } => verifier
                .remove_authenticator(account, *id, proof.as_proof())
                .await
                .map(Answer::Removed),
            Operation::Disable { proof } => verifier
                .disable(account, proof.as_proof())
                .await
                .map(|()| Answer::Done),
            Operation::ForceDisable => verifier.force_disable(account).await.map(|()| Answer::Done),
            Operation::Unlock { compared } => {
                let clock = if *compared {
                    ServerClock::Confirmed
                } else {
                    ServerClock::Unconfirmed
                };
                verifier.unlock(account, clock).await.map(|()| Answer::Done)
            }
            Operation::Reseal => match verifier.reseal(account).await {
                Ok(resealed) => {
                    self.resealed.set(self.resealed.get() || every_key_changed);
                    self.books.lock().unwrap().resealed(resealed);
                    Ok(Answer::Done)
                }
                Err(error) => Ok(error.into()),
            },
            Operation::Erase => match verifier.erase(account).await {
                Ok(()) => Ok(Answer::Done),
                Err(error) => Ok(error.into()),
            },
            Operation::Status => match verifier.status(account).await {
                Ok(_) => Ok(Answer::Done),
                Err(error) => Ok(error.into()),
            },
        };
        let answer = answer.unwrap_or_else(Answer::from);
        self.books.lock().unwrap().answered(index, answer);
    }

    /// Lets all that is late land, balances the books, and looks whether the record has forgotten anything.
    pub(crate) fn close(&self) {
        block_on(async {
            self.faulty.land_all().await;
            self.books.lock().unwrap().balance();
            let machine = &self.machines[0];
            let verifier = machine.verifier.borrow().with_store(self.database.clone());
            self.compare(&verifier).await;
            self.probe_good_code(&verifier).await;
            let phones = self.books.lock().unwrap().phones.clone();
            for known in phones.iter().filter(|known| known.active) {
                let Some(step) = known.last_step else {
                    continue;
                };
                machine.clock.set(Timestamp::from_unix(step * PERIOD));
                let used = known.phone.passcode(machine.clock.now());
                self.probe(&verifier, &used).await;
            }
            let now = machine.clock.now();
            let shown = |typed: &String| phones.iter().any(|known| known.shows(typed, now));
            let mut guesses = (0..).map(|guess| format!("{guess:06}"));
            let wrong = guesses.find(|typed| !shown(typed)).unwrap();
            for _ in 0..BURST {
                self.probe(&verifier, &wrong).await;
            }
        });
    }

    /// Types a code that must be accepted, and then must not be.
    async fn probe_good_code(&self, verifier: &Verifier<D>) {
        let now = self.machines[0].clock.now();
        let Some(typed) = self.books.lock().unwrap().good_code(now) else {
            return;
        };
        let outcome = verifier.verify(&self.account, &typed).await;
        let outcome = outcome.map_err(|denied| denied.rejection());
        let books = || self.books.lock().unwrap();
        books().probed_good_code(&typed, outcome, now);
        self.compare(verifier).await;
        self.probe(verifier, &typed).await;
    }

    /// Types what must not be accepted.
    async fn probe(&self, verifier: &Verifier<D>, typed: &str) {
        let now = self.machines[0].clock.now();
        let outcome = verifier.verify(&self.account, typed).await;
        let outcome = outcome.map_err(|denied| denied.rejection());
        self.books.lock().unwrap().probed(typed, outcome, now);
        self.compare(verifier).await;
    }

    async fn compare(&self, verifier: &Verifier<D>) {
        let status = verifier.status(&self.account).await;
        let mut books = self.books.lock().unwrap();
        match status {
            Ok(status) => books.compare(&status, self.machines[0].clock.now()),
            Err(error) => books.violated(format!("the record cannot be read: {error:?}")),
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
                password_checked_at: *password_checked_at,
                receipt: &kept.sealed,
            },
        }
    }
}

fn verifier(stage: usize, clock: &MachineClock, random: &SeededRandom) -> Verifier<()> {
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
