//! Each backup-code set that replaces another one at once has its own salt and hash parameters. The
//! API shows no salt, so the tests show that a hash of one set does not match another set.

use crate::world::{STEP, World, policy, rejection};
use countersign::backup::{Argon2Params, HashJob};
use countersign::otp::RandomError;
use countersign::runtime::{
    HashExecutor, HashExecutorError, HashFuture, InlineExecutor, RandomSource, SystemRandom,
};
use countersign::store::MemoryStore;
use countersign::testing::{Phone, block_on};
use countersign::{AccountId, Denied, KeyId, Keyring, Rejection, Verifier, VerifierError};
use std::future::ready;
use std::sync::{Arc, Mutex};

/// The verifier asks for this many random bytes when it generates backup codes.
const CODE_ENTROPY: usize = 32;

/// A random source that returns the same bytes for the codes of every set. All other bytes are
/// random.
#[derive(Clone, Default)]
struct SameCodes(Arc<Mutex<u8>>);

impl SameCodes {
    fn again(&self) {
        *self.0.lock().unwrap() = 0;
    }
}

impl RandomSource for SameCodes {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        if buffer.len() != CODE_ENTROPY {
            return SystemRandom.fill(buffer);
        }
        let mut next = self.0.lock().unwrap();
        for byte in buffer {
            *byte = *next;
            *next = next.wrapping_add(7);
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Default)]
enum Mode {
    /// Runs each job.
    #[default]
    Run,
    /// Keeps the job and returns an error.
    Keep,
    /// Runs the kept job instead of the requested job.
    Give,
}

#[derive(Clone, Default)]
struct SwappedJobs(Arc<Mutex<(Mode, Option<HashJob>)>>);

impl SwappedJobs {
    fn set(&self, mode: Mode) {
        self.0.lock().unwrap().0 = mode;
    }
}

impl HashExecutor for SwappedJobs {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        let (mode, kept) = &mut *self.0.lock().unwrap();
        match mode {
            Mode::Run => InlineExecutor.run(job),
            Mode::Keep => {
                *kept = Some(job);
                Box::pin(ready(Err(HashExecutorError::Worker("kept".into()))))
            }
            Mode::Give => InlineExecutor.run(kept.take().expect("a job was kept")),
        }
    }
}

/// Keeps the description of each job.
#[derive(Clone, Default)]
struct Described(Arc<Mutex<Vec<String>>>);

impl HashExecutor for Described {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        self.0.lock().unwrap().push(format!("{job:?}"));
        InlineExecutor.run(job)
    }
}

struct Service {
    random: SameCodes,
    jobs: SwappedJobs,
    alice: World,
    bob: World,
}

impl Service {
    fn new() -> Self {
        let (random, jobs) = (SameCodes::default(), SwappedJobs::default());
        let alice = World::new();
        let alice = alice.server(|builder| {
            let builder = builder.pending_backup_codes(false);
            builder.random(random.clone()).hash_executor(jobs.clone())
        });
        let bob = World {
            alice: AccountId::new("bob").unwrap(),
            ..alice.server(|builder| builder.random(random.clone()).hash_executor(jobs.clone()))
        };
        Self {
            random,
            jobs,
            alice,
            bob,
        }
    }

    fn issue(&self, world: &World, phone: &Phone) -> Vec<String> {
        self.random.again();
        world.clock.advance(STEP);
        world.issue(phone)
    }

    /// The result of a login with the hash that another account got for the same code.
    fn with_hash_of(
        &self,
        of: &World,
        then: impl FnOnce(),
        by: &World,
        code: &str,
    ) -> Result<(), Denied> {
        self.jobs.set(Mode::Keep);
        let kept = of.verify(code);
        assert!(
            matches!(kept, Err(Denied::Failed(VerifierError::HashExecutor(_)))),
            "{kept:?}"
        );
        self.jobs.set(Mode::Run);
        then();
        self.jobs.set(Mode::Give);
        let outcome = by.verify(code).map(drop);
        self.jobs.set(Mode::Run);
        outcome
    }
}

#[test]
fn sets_that_replace_at_once_share_no_salt() {
    let service = Service::new();
    let (alice, bob) = (&service.alice, &service.bob);
    let (phone, other) = (alice.enroll(), bob.enroll());
    let codes = service.issue(alice, &phone);
    assert_eq!(service.issue(bob, &other), codes, "the same codes");

    let same = service.with_hash_of(alice, || (), alice, &codes[0]);
    assert!(same.is_ok(), "its own hash: {same:?}");

    let another_account = service.with_hash_of(alice, || (), bob, &codes[1]);
    assert_eq!(rejection(another_account), Rejection::WrongCode);

    let issue_again = || assert_eq!(service.issue(alice, &phone), codes, "the same codes");
    let another_set = service.with_hash_of(alice, issue_again, alice, &codes[2]);
    assert_eq!(rejection(another_set), Rejection::WrongCode);
    assert_eq!((alice.codes_left(), bob.codes_left()), (10, 10));
}

#[test]
fn a_code_set_keeps_its_hash_parameters() {
    let (world, jobs) = (World::new(), Described::default());
    let with = |memory_kib| {
        let keyring = Keyring::new(KeyId::new(1), world.key.clone());
        let params = Argon2Params::new(memory_kib, 2, 1).unwrap();
        let policy = policy().code_hash(params).build().unwrap();
        let builder = Verifier::builder(world.verifier.store().clone(), keyring, "Example");
        let builder = builder.policy(policy).clock(world.clock.clone());
        let described = format!("{params:?}");
        let verifier = builder.hash_executor(jobs.clone()).build().unwrap();
        (verifier, described)
    };
    let ((old, old_params), (new, new_params)) = (with(16), with(24));
    let phone = world.enroll();
    let issue = |verifier: &Verifier<MemoryStore>| {
        let receipt = world.log_in(&phone);
        let proof = world.reauthenticated(&receipt);
        let codes = block_on(verifier.issue_backup_codes(&world.alice, proof)).unwrap();
        codes.iter().map(String::from).collect::<Vec<_>>()
    };
    let all_were = |expected: &str| {
        let jobs = std::mem::take(&mut *jobs.0.lock().unwrap());
        assert!(!jobs.is_empty());
        let other = jobs.iter().find(|job| !job.contains(expected));
        assert_eq!(other, None, "expected {expected}");
    };

    let codes = issue(&old);
    all_were(&old_params);
    let _receipt = block_on(new.verify(&world.alice, &codes[0])).unwrap();
    all_were(&old_params);
    let codes = issue(&new);
    all_were(&new_params);
    let _receipt = block_on(old.verify(&world.alice, &codes[0])).unwrap();
    all_were(&new_params);
}
