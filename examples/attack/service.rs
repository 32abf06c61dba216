//! A service of two servers with one store and separate clocks.

use std::time::Duration;

use countersign::store::{ConditionalWrite, MemoryStore, Summary, WriteKind, WriteResult};
use countersign::testing::{ManualClock, block_on};
use countersign::{
    AccountId, Actor, Denied, KeyId, Keyring, Proof, Rejection, SealingKey, ServerClock, Timestamp,
    Verifier, blocking,
};

use crate::Failure;
use crate::policies::Rules;
use crate::repeatable_random::RepeatableRandom;
use crate::strategy::Clocks;

pub(crate) struct Service {
    /// The clock of the second server can be wrong.
    servers: [Server; 2],
}

pub(crate) struct Server {
    pub(crate) verifier: Verifier<MemoryStore>,
    clock: ManualClock,
}

impl Service {
    pub(crate) fn open(rules: &Rules, seed: u64, part: u64) -> Result<Self, Failure> {
        let store = MemoryStore::new();
        let key = SealingKey::from_bytes(&[7; 32]);
        let server = |number: u64| -> Result<Server, Failure> {
            let clock = ManualClock::at(START);
            let keyring = Keyring::new(KEY, key.clone());
            let random = RepeatableRandom::new(seed, part.wrapping_mul(2).wrapping_add(number));
            let verifier = Verifier::builder_with_random(store.clone(), keyring, "Example", random)
                .policy(rules.policy.clone())
                .clock(clock.clone())
                .build()?;
            Ok(Server { verifier, clock })
        };
        Ok(Self {
            servers: [server(0)?, server(1)?],
        })
    }

    /// Sets both clocks to this many seconds after the start. The second clock adds its error.
    pub(crate) fn set(&self, elapsed: u64, clocks: Clocks) {
        let [right, wrong] = &self.servers;
        right.clock.set(START.saturating_add(elapsed));
        wrong.clock.set(clocks.second(elapsed));
    }

    /// Both servers, the earlier clock first: in this order they check the most guesses.
    pub(crate) fn by_clock(&self) -> [&Server; 2] {
        let [right, wrong] = &self.servers;
        if wrong.now() < right.now() {
            [wrong, right]
        } else {
            [right, wrong]
        }
    }

    /// A store with only a copy of this account's record.
    pub(crate) fn copy_of(&self, account: &AccountId) -> Result<MemoryStore, Failure> {
        let copy = MemoryStore::new();
        let stored = blocking::Store::load(self.server().verifier.store(), account)?;
        let stored = stored.ok_or("the account is gone")?;
        let summary = Summary::new(true, 0, KEY);
        let write = ConditionalWrite::put(
            None,
            stored.revision,
            &stored.record,
            WriteKind::Accepted,
            summary,
        );
        match blocking::Store::compare_and_swap(&copy, account, write)? {
            WriteResult::Done => Ok(copy),
            WriteResult::Stale => Err("an empty store refused a record".into()),
        }
    }

    /// Whether the account's record is still this copy.
    pub(crate) fn is_unchanged(
        &self,
        copy: &MemoryStore,
        account: &AccountId,
    ) -> Result<bool, Failure> {
        let load = |store: &MemoryStore| blocking::Store::load(store, account);
        Ok(load(self.server().verifier.store())? == load(copy)?)
    }

    /// The server whose clock is right.
    pub(crate) const fn server(&self) -> &Server {
        let [right, _] = &self.servers;
        right
    }

    /// The server whose clock can be wrong.
    pub(crate) const fn second_server(&self) -> &Server {
        let [_, wrong] = &self.servers;
        wrong
    }
}

impl Server {
    /// The same server on another store.
    pub(crate) fn on(&self, store: MemoryStore) -> Self {
        Self {
            verifier: self.verifier.with_store(store),
            clock: self.clock.clone(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn verify(&self, account: &AccountId, code: &str) -> Result<Outcome, Failure> {
        outcome_of(block_on(self.verifier.verify(account, code)))
    }

    pub(crate) fn verify_consecutive(
        &self,
        account: &AccountId,
        row: &[String],
    ) -> Result<Outcome, Failure> {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        outcome_of(block_on(self.verifier.verify_consecutive(account, &row)))
    }

    /// The staff unlocks the account. Returns whether the verifier allowed it.
    pub(crate) fn unlock(&self, account: &AccountId, clock: ServerClock) -> Result<bool, Failure> {
        let staff = Actor::new("staff", "the owner asked")?;
        match block_on(self.verifier.unlock(account, clock, &staff)) {
            Ok(()) => Ok(true),
            Err(Denied::Rejected(Rejection::ClockFault)) => Ok(false),
            Err(denied) => Err(denied.into()),
        }
    }

    /// Tries to turn the second factor off with a code as the proof. The attempt must use the same
    /// budget as a login.
    pub(crate) fn disable(&self, account: &AccountId, code: &str) -> Result<Outcome, Failure> {
        outcome_of(block_on(self.verifier.disable(account, Proof::Code(code))))
    }
}

/// The result of an attempt.
pub(crate) enum Outcome {
    Accepted,
    Wrong,
    /// The verifier checks no code for this long.
    RateLimited(Duration),
    Locked,
    /// The verifier checks no code: a stored time is too far ahead of this server's clock.
    ClockFault,
}

fn outcome_of<T>(result: Result<T, Denied>) -> Result<Outcome, Failure> {
    match result {
        Ok(_) => Ok(Outcome::Accepted),
        Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => match rejection {
            Rejection::WrongCode => Ok(Outcome::Wrong),
            Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => {
                Ok(Outcome::RateLimited(retry_after))
            }
            Rejection::Locked => Ok(Outcome::Locked),
            Rejection::ClockFault => Ok(Outcome::ClockFault),
            other => Err(other.into()),
        },
        Err(Denied::Failed(error)) => Err(error.into()),
    }
}

const KEY: KeyId = KeyId::new(1);
/// 2027-01-15, at the start of a time step.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_800_000_000);
