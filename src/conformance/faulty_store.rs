//! A store that injects faults from a seed or as a test chooses.

use crate::AccountId;
use crate::event::Event;
use crate::store::{
    ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

/// A wrapper that injects faults into any store, for your tests of your own sign-in.
///
/// A seed determines the faults. Print the seed, so that you can repeat a run that failed. Or let
/// your test choose every fault itself with [`chosen_by`](Self::chosen_by).
///
/// Each call has an await before it acts and another await afterwards. So a test can also drop the
/// future at either await, as if the caller were killed. The wrapper needs no runtime, and never
/// sleeps. Clones share the faults and the late writes.
///
/// The faults never break the contract of the wrapped store: a late write is compared like any
/// other. So an application on this store may get errors, but must never accept a code twice.
///
/// ```
/// use countersign::conformance::{Faults, Faulty};
/// use countersign::testing::block_on;
/// use countersign::AccountId;
/// use countersign::store::{MemoryStore, Store};
///
/// let seed = 7;
/// let store = Faulty::seeded(MemoryStore::new(), Faults::all().one_in(3), seed);
/// let account = AccountId::from(1_u32);
/// let failed = (0..1000)
///     .filter(|_| block_on(store.load(&account)).is_err())
///     .count();
/// assert!(failed > 50, "seed {seed}: only {failed} of 1000 calls failed");
/// ```
pub struct Faulty<S> {
    store: S,
    shared: Arc<Shared>,
}

impl<S> Faulty<S> {
    /// Chooses faults by a seed: the same calls in the same order get the same faults.
    pub fn seeded(store: S, faults: Faults, seed: u64) -> Self {
        let state = Mutex::new(seed);
        Self::new(store, faults, Choice::Seed { seed, state })
    }

    /// Lets `choose` choose the faults.
    ///
    /// The wrapper calls `choose` in each call, and for each late write before each call. `choose`
    /// gets the faults that are possible then. If `choose` returns `None` or a fault that is not
    /// possible, no fault is injected. If no fault is possible, the wrapper does not call `choose`.
    pub fn chosen_by(
        store: S,
        faults: Faults,
        choose: impl Fn(&[Fault]) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self::new(store, faults, Choice::Test(Box::new(choose)))
    }

    fn new(store: S, faults: Faults, choice: Choice) -> Self {
        let state = Mutex::default();
        let shared = Arc::new(Shared {
            faults,
            choice,
            state,
        });
        Self { store, shared }
    }

    /// Returns the seed, or `None` if the test chooses the faults.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        match self.shared.choice {
            Choice::Seed { seed, .. } => Some(seed),
            Choice::Test(_) => None,
        }
    }

    /// Returns the wrapped store.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.store
    }

    /// Returns how many times this fault was injected until now.
    #[must_use]
    pub fn injected(&self, fault: Fault) -> u64 {
        let state = self.shared.state();
        state.counts.get(&fault).copied().unwrap_or_default()
    }

    /// Returns how many late writes have not reached the store yet.
    #[must_use]
    pub fn late(&self) -> usize {
        self.shared.state().late.len()
    }
}

impl<S: Store> Faulty<S> {
    /// Sends every late write to the store now. Call it before a test compares the store's content.
    pub async fn land_all(&self) {
        let late = core::mem::take(&mut self.shared.state().late);
        self.land(late).await;
    }

    /// Sends the chosen late writes to the store.
    async fn land_some(&self) {
        let chosen = self.shared.take_landing();
        self.land(chosen).await;
    }

    async fn land(&self, late_writes: Vec<LateWrite>) {
        for late in late_writes {
            // The caller got an error already, so nobody waits for this answer.
            drop(
                self.store
                    .compare_and_swap(&late.account, late.write())
                    .await,
            );
        }
    }

    /// The await before a call, and the fault of the call.
    async fn begin(&self, candidates: &[Fault]) -> Option<Fault> {
        loop {
            Await::default().await;
            match self.shared.choose(candidates) {
                Some(Fault::Delay) => {}
                fault => break fault,
            }
        }
    }
}

impl<S: Store> Store for Faulty<S> {
    type Error = Box<dyn core::error::Error + Send + Sync>;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        let fault = self.begin(&[Fault::Delay, Fault::FailBefore]).await;
        if let Some(fault) = fault {
            return Err(InjectedFault(fault).into());
        }
        self.land_some().await;
        let loaded = self.store.load(account).await.map_err(Into::into);
        Await::default().await;
        loaded
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        let fault = self
            .begin(&[
                Fault::Delay,
                Fault::FailBefore,
                Fault::FailAfter,
                Fault::LandLate,
                Fault::Duplicate,
            ])
            .await;
        match fault {
            Some(fault @ Fault::FailBefore) => return Err(InjectedFault(fault).into()),
            Some(fault @ Fault::LandLate) => {
                self.shared
                    .state()
                    .late
                    .push(LateWrite::new(account, write));
                return Err(InjectedFault(fault).into());
            }
            _ => {}
        }
        self.land_some().await;
        let mut result = self.store.compare_and_swap(account, write).await;
        Await::default().await;
        if fault == Some(Fault::Duplicate) {
            result = self.store.compare_and_swap(account, write).await;
            Await::default().await;
        }
        match fault {
            Some(fault @ Fault::FailAfter) => Err(InjectedFault(fault).into()),
            _ => result.map_err(Into::into),
        }
    }
}

impl<S: Clone> Clone for Faulty<S> {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        Self {
            store: self.store.clone(),
            shared,
        }
    }
}

impl<S> fmt::Debug for Faulty<S> {
    /// Shows the seed, so that the run can be repeated.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        f.debug_struct("Faulty")
            .field("seed", &self.seed())
            .field("faults", &self.shared.faults)
            .field("injected", &state.counts)
            .field("late", &state.late.len())
            .finish_non_exhaustive()
    }
}

/// The error of a call in which [`Faulty`] injected a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("injected fault: {0}")]
pub struct InjectedFault(Fault);

impl InjectedFault {
    /// The injected fault.
    #[must_use]
    pub const fn fault(self) -> Fault {
        self.0
    }
}

/// A fault between an application and its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The call takes one more await before it acts. One call can have several delays.
    Delay,
    /// The call fails, and nothing is done, as when the connection is refused.
    FailBefore,
    /// The write is stored, and its answer is lost, as when the connection breaks.
    FailAfter,
    /// The call fails, and its write is late, as when it waits for a lock.
    ///
    /// The write reaches the store before some later call, or never. A load in between does not
    /// show it.
    LandLate,
    /// The write is sent twice, and the second answer counts, as when a driver sends again.
    Duplicate,
    /// A [late](Self::LandLate) write reaches the store now.
    ///
    /// This fault is possible whenever there is a late write, also if [`Faults`] does not list it.
    Landing,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 6] = [
        Self::Delay,
        Self::FailBefore,
        Self::FailAfter,
        Self::LandLate,
        Self::Duplicate,
        Self::Landing,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delay => "the call is delayed",
            Self::FailBefore => "the call fails, and nothing was done",
            Self::FailAfter => "the write is stored, and its answer is lost",
            Self::LandLate => "the call fails, and its write is late",
            Self::Duplicate => "the write is sent twice",
            Self::Landing => "a late write reaches the store",
        })
    }
}

/// Which faults are injected, how often, and how many at most.
///
/// ```
/// use countersign::conformance::{Fault, Faults};
///
/// // One call of twenty loses its answer. There is no other fault.
/// let faults = Faults::of(&[Fault::FailAfter]).one_in(20);
/// # let _ = faults;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Faults {
    kinds: Vec<Fault>,
    one_in: u32,
    at_most: u64,
}

impl Faults {
    /// Injects faults of every kind, in one call of eight.
    pub fn all() -> Self {
        Self::of(&Fault::ALL)
    }

    /// Injects no faults. Each call still has an await before and after it.
    pub fn none() -> Self {
        Self::of(&[])
    }

    /// Injects faults of these kinds, in one call of eight.
    pub fn of(kinds: &[Fault]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            one_in: 8,
            at_most: u64::MAX,
        }
    }

    /// Injects faults in one call of `calls`, on average. 0 and 1 mean every call.
    pub const fn one_in(mut self, calls: u32) -> Self {
        self.one_in = calls;
        self
    }

    /// Injects at most `faults` faults in all. Late writes that reach the store are not counted
    /// again.
    pub const fn at_most(mut self, faults: u64) -> Self {
        self.at_most = faults;
        self
    }

    /// The faults among `candidates` that are allowed after `injected` faults.
    fn possible(&self, candidates: &[Fault], injected: u64) -> Vec<Fault> {
        let allowed = |fault: &Fault| self.kinds.contains(fault) && injected < self.at_most;
        candidates.iter().copied().filter(allowed).collect()
    }

    fn calls_per_fault(&self) -> u64 {
        u64::from(self.one_in.max(1))
    }
}

/// The state that the clones share.
struct Shared {
    faults: Faults,
    choice: Choice,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    late: Vec<LateWrite>,
    counts: BTreeMap<Fault, u64>,
}

impl State {
    fn count(&mut self, fault: Fault) {
        let count = self.counts.entry(fault).or_default();
        *count = count.saturating_add(1);
    }

    /// Returns how many faults were injected. Late writes that reach the store are not counted
    /// again.
    fn injected(&self) -> u64 {
        let counts = self.counts.iter();
        let faults = counts.filter(|(fault, _)| **fault != Fault::Landing);
        faults.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// The source of the faults: a seed or a test.
enum Choice {
    Seed { seed: u64, state: Mutex<u64> },
    Test(Box<Chooser>),
}

type Chooser = dyn Fn(&[Fault]) -> Option<Fault> + Send + Sync;

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses the fault of a call, and counts it.
    fn choose(&self, candidates: &[Fault]) -> Option<Fault> {
        let possible = self.faults.possible(candidates, self.state().injected());
        if possible.is_empty() {
            return None;
        }
        let fault = self.choice.pick(&possible, self.faults.calls_per_fault())?;
        self.state().count(fault);
        Some(fault)
    }

    /// Takes the late writes that reach the store now. With a seed, each has an even chance.
    fn take_landing(&self) -> Vec<LateWrite> {
        let (mut landing, mut kept) = (Vec::new(), Vec::new());
        let late = core::mem::take(&mut self.state().late);
        for late in late {
            if self.choice.pick(&[Fault::Landing], 2).is_some() {
                self.state().count(Fault::Landing);
                landing.push(late);
            } else {
                kept.push(late);
            }
        }
        self.state().late.splice(0..0, kept);
        landing
    }
}

impl Choice {
    /// Picks one of `possible`. With a seed, picks a fault in one call of `calls` only.
    fn pick(&self, possible: &[Fault], calls: u64) -> Option<Fault> {
        match self {
            Self::Test(choose) => choose(possible).filter(|fault| possible.contains(fault)),
            Self::Seed { state, .. } => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let happens = draw(&mut state).checked_rem(calls)? == 0;
                let kinds = u64::try_from(possible.len()).ok()?;
                let kind = draw(&mut state).checked_rem(kinds)?;
                let fault = *possible.get(usize::try_from(kind).ok()?)?;
                happens.then_some(fault)
            }
        }
    }
}

/// The next number of `SplitMix64`.
const fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A write that reaches the store after its caller got an error.
struct LateWrite {
    account: AccountId,
    expected: Option<Revision>,
    revision: Revision,
    record: Option<Vec<u8>>,
    kind: WriteKind,
    summary: Summary,
    event: Option<Event<'static>>,
}

impl LateWrite {
    fn new(account: &AccountId, write: ConditionalWrite<'_>) -> Self {
        Self {
            account: account.clone(),
            expected: write.expected(),
            revision: write.revision(),
            record: write.record().map(<[u8]>::to_vec),
            kind: write.kind(),
            summary: write.summary(),
            event: write.event().cloned().map(Event::into_owned),
        }
    }

    fn write(&self) -> ConditionalWrite<'_> {
        let write = match (&self.record, self.expected) {
            (None, Some(expected)) => {
                ConditionalWrite::erase(expected, self.revision, self.summary)
            }
            (record, expected) => {
                let record = record.as_deref().unwrap_or_default();
                ConditionalWrite::put(expected, self.revision, record, self.kind, self.summary)
            }
        };
        self.event.iter().fold(write, ConditionalWrite::with_event)
    }
}

/// A future that is pending once.
#[derive(Default)]
struct Await {
    polled: bool,
}

impl Future for Await {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.polled {
            return Poll::Ready(());
        }
        self.polled = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
