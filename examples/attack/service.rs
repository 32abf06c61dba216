//! A service of two machines over one store, each with a clock of its own.

use std::time::Duration;

use countersign::testing::{ManualClock, block_on};
use countersign::{
    AccountId, Denied, KeyId, Keyring, MemoryStore, Proof, Rejection, SealingKey, Summary, Swap,
    SwapKind, Swapped, Timestamp, Verifier, blocking,
};

use crate::Failure;
use crate::dice::Dice;
use crate::policies::Rules;

pub(crate) struct Service {
    /// The second one's clock can be ahead.
    pub(crate) machines: [Machine; 2],
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
            let random = Dice::new(seed, part.wrapping_mul(2).wrapping_add(number));
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

    /// Sets the time: so many seconds after the beginning, and the second machine's clock ahead of it.
    pub(crate) fn set(&self, elapsed: u64, ahead: Duration) {
        let [right, wrong] = &self.machines;
        let now = BEGINNING.saturating_add(elapsed);
        right.clock.set(now);
        wrong.clock.set(now.saturating_add(ahead.as_secs()));
    }

    /// A store with a copy of this account's record alone.
    pub(crate) fn copy_of(&self, account: &AccountId) -> Result<MemoryStore, Failure> {
        let copy = MemoryStore::new();
        let stored = blocking::Store::load(self.machine().verifier.store(), account)?;
        let stored = stored.ok_or("the account is gone")?;
        let summary = Summary::new(true, 0, KEY);
        let swap = Swap::write(
            None,
            stored.revision,
            &stored.record,
            SwapKind::Accepted,
            summary,
        );
        match blocking::Store::compare_and_swap(&copy, account, swap)? {
            Swapped::Done => Ok(copy),
            Swapped::Stale => Err("an empty store refused a record".into()),
        }
    }

    /// The machine whose clock is right.
    pub(crate) const fn machine(&self) -> &Machine {
        let [right, _] = &self.machines;
        right
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

    /// Tries to switch the second factor off with a code as the proof: another way in, which must be no other budget.
    pub(crate) fn disable(&self, account: &AccountId, code: &str) -> Result<Verdict, Failure> {
        verdict(block_on(
            self.verifier.disable(account, Proof::Passcode(code)),
        ))
    }
}

/// What an attempt came to.
pub(crate) enum Verdict {
    Accepted,
    Wrong,
    /// Not looked at, and for how long.
    HeldOff(Duration),
    Locked,
    /// Not looked at: a clock fault was mended.
    Mended,
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
            Rejection::ClockFault => Ok(Verdict::Mended),
            other => Err(other.into()),
        },
        Err(Denied::Failed(error)) => Err(error.into()),
    }
}

const KEY: KeyId = KeyId::new(1);
/// 2027-01-15, at the beginning of a step.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_unix(1_800_000_000);
