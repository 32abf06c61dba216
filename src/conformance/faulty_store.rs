use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::{Fault, Faults};
use crate::AccountId;
use crate::store::{
    ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult,
};

/// A store whose connection is bad, over any store: for a host's tests of its own sign-in.
///
/// What goes wrong is drawn from a seed, so a run that fails can be run again: print the seed. Or the test decides every
/// fault itself ([`chosen_by`](Self::chosen_by)), one after the other or all there can be.
///
/// Each call has an await before it acts and one after, so a test can also drop its future at either: the caller that is
/// killed. It needs no runtime, and sleeps never. Clones share the faults, and the writes that are late.
///
/// Whatever the faults, nothing that the wrapped store forbids ever happens: a swap that lands late is compared like any
/// other. So a service on it may fail, and must never accept a code twice.
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
/// let failed = (0..1000).filter(|_| block_on(store.load(&account)).is_err()).count();
/// assert!(failed > 50, "seed {seed}: only {failed} of 1000 calls failed");
/// ```
pub struct Faulty<S> {
    store: S,
    shared: Arc<Shared>,
}

/// What the clones share.
struct Shared {
    faults: Faults,
    choice: Choice,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    late: Vec<Late>,
    counts: BTreeMap<Fault, u64>,
}

impl State {
    fn count(&mut self, fault: Fault) {
        let count = self.counts.entry(fault).or_default();
        *count = count.saturating_add(1);
    }

    /// How many faults there were, the landing of late writes not counted.
    fn injected(&self) -> u64 {
        let counts = self.counts.iter();
        let faults = counts.filter(|(fault, _)| **fault != Fault::Landing);
        faults.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

enum Choice {
    Seeded { seed: u64, state: Mutex<u64> },
    By(Box<Chooser>),
}

type Chooser = dyn Fn(&[Fault]) -> Option<Fault> + Send + Sync;

impl<S> Faulty<S> {
    /// Faults from a seed: the same calls in the same order meet the same faults.
    pub fn seeded(store: S, faults: Faults, seed: u64) -> Self {
        let state = Mutex::new(seed);
        Self::new(store, faults, Choice::Seeded { seed, state })
    }

    /// Faults as `choose` says. It is asked in each call, and for each late write before each call, and gets what can go
    /// wrong at that point; `None`, or what is not among that, is no fault. It is not asked where nothing can go wrong.
    pub fn chosen_by(
        store: S,
        faults: Faults,
        choose: impl Fn(&[Fault]) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self::new(store, faults, Choice::By(Box::new(choose)))
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

    /// The seed, if there is one.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        match self.shared.choice {
            Choice::Seeded { seed, .. } => Some(seed),
            Choice::By(_) => None,
        }
    }

    /// The wrapped store.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.store
    }

    /// How often this went wrong up to now.
    #[must_use]
    pub fn injected(&self, fault: Fault) -> u64 {
        let state = self.shared.state();
        state.counts.get(&fault).copied().unwrap_or_default()
    }

    /// How many writes are still on their way.
    #[must_use]
    pub fn late(&self) -> usize {
        self.shared.state().late.len()
    }
}

impl<S: Store> Faulty<S> {
    /// Lets every late write land now: before a test balances its books.
    pub async fn land_all(&self) {
        let late = core::mem::take(&mut self.shared.state().late);
        self.land(late).await;
    }

    /// Lets those late writes land that the choice falls on.
    async fn land_some(&self) {
        let landing = self.shared.landing();
        self.land(landing).await;
    }

    async fn land(&self, landing: Vec<Late>) {
        for late in landing {
            // Nobody waits for the answer any more.
            drop(
                self.store
                    .compare_and_swap(&late.account, late.swap())
                    .await,
            );
        }
    }

    /// The await before a call, and what goes wrong in it.
    async fn begin(&self, candidates: &[Fault]) -> Option<Fault> {
        loop {
            Await::default().await;
            match self.shared.ask(candidates) {
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
        swap: ConditionalWrite<'_>,
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
                self.shared.state().late.push(Late::new(account, swap));
                return Err(InjectedFault(fault).into());
            }
            _ => {}
        }
        self.land_some().await;
        let mut swapped = self.store.compare_and_swap(account, swap).await;
        Await::default().await;
        if fault == Some(Fault::Duplicate) {
            swapped = self.store.compare_and_swap(account, swap).await;
            Await::default().await;
        }
        match fault {
            Some(fault @ Fault::FailAfter) => Err(InjectedFault(fault).into()),
            _ => swapped.map_err(Into::into),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong in a call.
    fn ask(&self, candidates: &[Fault]) -> Option<Fault> {
        let possible = self.faults.possible(candidates, self.state().injected());
        if possible.is_empty() {
            return None;
        }
        let fault = self.choice.of(&possible, self.faults.calls())?;
        self.state().count(fault);
        Some(fault)
    }

    /// Takes those late writes out that land now. Each has an even chance, where the seed decides.
    fn landing(&self) -> Vec<Late> {
        let (mut landing, mut kept) = (Vec::new(), Vec::new());
        let late = core::mem::take(&mut self.state().late);
        for late in late {
            if self.choice.of(&[Fault::Landing], 2).is_some() {
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
    /// One of `possible`, in one of `calls` cases where the seed decides.
    fn of(&self, possible: &[Fault], calls: u64) -> Option<Fault> {
        match self {
            Self::By(choose) => choose(possible).filter(|fault| possible.contains(fault)),
            Self::Seeded { state, .. } => {
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

/// A swap that outlives its caller.
struct Late {
    account: AccountId,
    expected: Option<Revision>,
    revision: Revision,
    record: Option<Vec<u8>>,
    kind: WriteKind,
    summary: Summary,
}

impl Late {
    fn new(account: &AccountId, swap: ConditionalWrite<'_>) -> Self {
        Self {
            account: account.clone(),
            expected: swap.expected(),
            revision: swap.revision(),
            record: swap.record().map(<[u8]>::to_vec),
            kind: swap.kind(),
            summary: swap.summary(),
        }
    }

    fn swap(&self) -> ConditionalWrite<'_> {
        match (&self.record, self.expected) {
            (None, Some(expected)) => {
                ConditionalWrite::erase(expected, self.revision, self.summary)
            }
            (record, expected) => {
                let record = record.as_deref().unwrap_or_default();
                ConditionalWrite::put(expected, self.revision, record, self.kind, self.summary)
            }
        }
    }
}

/// Pending once.
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

/// The error of a call that [`Faulty`] lets fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("injected fault: {0}")]
pub struct InjectedFault(Fault);

impl InjectedFault {
    /// What went wrong.
    #[must_use]
    pub const fn fault(self) -> Fault {
        self.0
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
    /// Shows the seed, to run it again.
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
