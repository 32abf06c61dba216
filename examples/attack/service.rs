//! A service of two machines over one store, each with a clock of its own.

use std::time::Duration;

use countersign::store::{ConditionalWrite, MemoryStore, Summary, WriteKind, WriteResult};
use countersign::testing::{ManualClock, block_on};
use countersign::{
    AccountId, Denied, KeyId, Keyring, Proof, Rejection, SealingKey, ServerClock, Timestamp,
    Verifier, blocking,
};

use crate::Failure;
use crate::policies::Rules;
use crate::repeatable_random::RepeatableRandom;
use crate::strategy::Clocks;

pub(crate) struct Service {
    /// The second one's clock can be wrong.
    machines: [Machine; 2],
}

pub(crate) struct Machine {
    pub(crate) verifier: Verifier<MemoryStore>,
    clock: ManualClock,
}

impl Service {
    pub(crate) fn open(rules: &Rules, seed: u64, part: u64) -> Result<Self, Failure> {
        let store = MemoryStore::new();
        let key = SealingKey::from_bytes(&[7; 32]);
        let machine = |number: u64| -> Result<Machine, Failure> {
            let clock = ManualClock::at(BEGINNING);
            let keyring = Keyring::new(KEY, key.clone());
            let random = RepeatableRandom::new(seed, part.wrapping_mul(2).wrapping_add(number));
            let verifier = Verifier::builder_with_random(store.clone(), keyring, "Example", random)
                .policy(rules.policy.clone())
                .clock(clock.clone())
                .build()?;
            Ok(Machine { verifier, clock })
        };
        Ok(Self {
            machines: [machine(0)?, machine(1)?],
        })
    }

    /// Sets the time: so many seconds after the beginning, and what the second machine takes for it.
    pub(crate) fn set(&self, elapsed: u64, clocks: Clocks) {
        let [right, wrong] = &self.machines;
        right.clock.set(BEGINNING.saturating_add(elapsed));
        wrong.clock.set(clocks.second(elapsed));
    }

    /// All machines, the earliest clock first: in this order they admit the most.
    pub(crate) fn by_clock(&self) -> [&Machine; 2] {
        let [right, wrong] = &self.machines;
        if wrong.now() < right.now() {
            [wrong, right]
        } else {
            [right, wrong]
        }
    }

    /// A store with a copy of this account's record alone.
    pub(crate) fn copy_of(&self, account: &AccountId) -> Result<MemoryStore, Failure> {
        let copy = MemoryStore::new();
        let stored = blocking::Store::load(self.machine().verifier.store(), account)?;
        let stored = stored.ok_or("the account is gone")?;
        let summary = Summary::new(true, 0, KEY);
        let swap = ConditionalWrite::put(
            None,
            stored.revision,
            &stored.record,
            WriteKind::Accepted,
            summary,
        );
        match blocking::Store::compare_and_swap(&copy, account, swap)? {
            WriteResult::Done => Ok(copy),
            WriteResult::Stale => Err("an empty store refused a record".into()),
        }
    }

    /// The machine whose clock is right.
    pub(crate) const fn machine(&self) -> &Machine {
        let [right, _] = &self.machines;
        right
    }

    /// The machine whose clock can be wrong.
    pub(crate) const fn second_machine(&self) -> &Machine {
        let [_, wrong] = &self.machines;
        wrong
    }
}

impl Machine {
    /// The same machine on another store.
    pub(crate) fn on(&self, store: MemoryStore) -> Self {
        Self {
            verifier: self.verifier.with_store(store),
            clock: self.clock.clone(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn verify(&self, account: &AccountId, code: &str) -> Result<Verdict, Failure> {
        verdict(block_on(self.verifier.verify(account, code)))
    }

    /// Staff unlocks the account; whether it could.
    pub(crate) fn unlock(&self, account: &AccountId, clock: ServerClock) -> Result<bool, Failure> {
        match block_on(self.verifier.unlock(account, clock)) {
            Ok(()) => Ok(true),
            Err(Denied::Rejected(Rejection::ClockFault)) => Ok(false),
            Err(denied) => Err(denied.into()),
        }
    }

    /// Tries to switch the second factor off with a code as the proof: another way in, which must be no other budget.
    pub(crate) fn disable(&self, account: &AccountId, code: &str) -> Result<Verdict, Failure> {
        verdict(block_on(self.verifier.disable(account, Proof::Code(code))))
    }
}

/// What an attempt came to.
pub(crate) enum Verdict {
    Accepted,
    Wrong,
    /// Not looked at, and for how long.
    HeldOff(Duration),
    Locked,
    /// Not looked at: a stored time lies too far ahead of this machine's clock.
    ClockFault,
}

fn verdict<T>(outcome: Result<T, Denied>) -> Result<Verdict, Failure> {
    match outcome {
        Ok(_) => Ok(Verdict::Accepted),
        Err(Denied::Rejected(rejection)) => match rejection {
            Rejection::WrongCode => Ok(Verdict::Wrong),
            Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => {
                Ok(Verdict::HeldOff(retry_after))
            }
            Rejection::Locked => Ok(Verdict::Locked),
            Rejection::ClockFault => Ok(Verdict::ClockFault),
            other => Err(other.into()),
        },
        Err(Denied::Failed(error)) => Err(error.into()),
    }
}

const KEY: KeyId = KeyId::new(1);
/// 2027-01-15, at the beginning of a step.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_unix(1_800_000_000);
