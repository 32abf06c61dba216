//! How the tests open a store, and what each case does with it.

use super::Failure;
use crate::store::{
    ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use crate::testing::block_on;
use crate::{AccountId, KeyId};
use core::error::Error;
use core::fmt::Write;
use core::time::Duration;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::sync::Barrier;
use std::thread;
use std::vec::Vec;

/// How the tests open your store.
///
/// The harness of a store on tokio holds the tokio runtime. Use a multi-threaded runtime, because
/// the cases call [`block_on`](Self::block_on) from many threads at once:
///
/// ```
/// # use countersign::conformance::Harness;
/// # use countersign::store::MemoryStore as PoolStore;
/// # mod tokio { pub mod runtime { pub struct Runtime; impl Runtime {
/// #     pub fn block_on<F: Future>(&self, future: F) -> F::Output {
/// #         countersign::testing::block_on(future)
/// #     }
/// # } } }
/// struct OnTokio {
///     runtime: tokio::runtime::Runtime,
///     store: PoolStore,
/// }
///
/// impl Harness for OnTokio {
///     type Store = PoolStore;
///
///     fn open(&self) -> PoolStore {
///         self.store.clone()
///     }
///
///     fn block_on<F: Future>(&self, future: F) -> F::Output {
///         self.runtime.block_on(future)
///     }
/// }
/// ```
pub trait Harness: Sync {
    /// The store to check.
    type Store: Store;

    /// Opens another handle on the same database. A case calls it several times.
    ///
    /// Return the same kind of handle that one request of your application gets. If two servers or
    /// processes would each have a pool of their own, return a new pool. Then the tests find state
    /// that two pools do not share.
    fn open(&self) -> Self::Store;

    /// Runs a future of the store to its end. The default is for stores that need no runtime.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }

    /// Returns how rare a fault may be so that the tests still find it. The default is a fault that
    /// hits one call in 1,000.
    fn effort(&self) -> Effort {
        Effort::default()
    }
}

/// How rare a fault may be so that the tests still find it, and how long a row must stay.
///
/// The default finds a fault that hits one call in 1,000: fewer than 1 run in 1,000 misses it. A
/// nightly run can set more:
///
/// ```
/// use countersign::store::MemoryStore;
/// use countersign::conformance::{Effort, Harness};
/// use std::time::Duration;
///
/// struct Nightly(MemoryStore);
///
/// impl Harness for Nightly {
///     type Store = MemoryStore;
///
///     fn open(&self) -> MemoryStore {
///         self.0.clone()
///     }
///
///     fn effort(&self) -> Effort {
///         let effort = Effort::default().one_in(20_000);
///         effort.row_age(Duration::from_secs(3600))
///     }
/// }
/// # assert_eq!(Nightly(MemoryStore::new()).effort().repetitions(), 138_160);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Effort {
    one_in: u32,
    row_age: Duration,
}

impl Effort {
    /// Finds faults that hit one call in `calls`. Default: 1,000.
    pub const fn one_in(mut self, calls: u32) -> Self {
        self.one_in = calls;
        self
    }

    /// Checks that a row is still there after this time. Default: 1 second. The case waits for this
    /// time.
    pub const fn row_age(mut self, age: Duration) -> Self {
        self.row_age = age;
        self
    }

    /// Returns how many times each of the three cases for rare faults repeats its call.
    ///
    /// If a fault hits each call with the probability `p`, `n` calls miss it with the probability
    /// `(1 - p)^n`. This probability is less than `exp(-p * n)`, and so less than 1 in 1,000 if `n`
    /// is at least `ln(1000) / p`. For one in 1,000, `n` is 6,908.
    #[must_use]
    pub fn repetitions(&self) -> u64 {
        let calls = u64::from(self.one_in.max(1));
        calls.saturating_mul(LN_1000_IN_1000THS).div_ceil(1000)
    }

    pub(super) const fn age_of_rows(&self) -> Duration {
        self.row_age
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            one_in: 1000,
            row_age: Duration::from_secs(1),
        }
    }
}

/// The natural logarithm of 1,000, rounded up.
const LN_1000_IN_1000THS: u64 = 6908;

/// A case that runs: its calls to the store, and the answers that it expects.
pub(super) struct Run<'h, H> {
    case: &'static str,
    harness: &'h H,
}

impl<'h, H: Harness> Run<'h, H> {
    pub(super) fn new(case: &'static str, harness: &'h H) -> Self {
        Self { case, harness }
    }

    pub(super) fn open(&self) -> H::Store {
        self.harness.open()
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.harness.block_on(future)
    }

    pub(super) fn effort(&self) -> Effort {
        self.harness.effort()
    }

    /// Returns how many times each of `clients` repeats its call, so that all clients together
    /// repeat the call often enough.
    pub(super) fn repetitions_for_each_of(&self, clients: usize) -> usize {
        let repetitions = usize::try_from(self.effort().repetitions()).unwrap_or(usize::MAX);
        repetitions.div_ceil(clients)
    }

    /// Text that no other run used, because the database may keep the rows of earlier runs.
    pub(super) fn nonce(&self) -> Result<String, Failure> {
        Ok(format!("{:016x}", self.random()?))
    }

    pub(super) fn account(&self) -> Result<AccountId, Failure> {
        self.account_named(&format!("{}-{}", self.case, self.nonce()?))
    }

    pub(super) fn account_named(&self, id: &str) -> Result<AccountId, Failure> {
        AccountId::new(id).map_err(|error| self.failure("an account id", error.to_string()))
    }

    pub(super) fn revision(&self) -> Result<Revision, Failure> {
        Ok(Revision::from_random(self.random()?.to_be_bytes()))
    }

    pub(super) fn random(&self) -> Result<u64, Failure> {
        getrandom::u64().map_err(|error| self.failure("a random number", error.to_string()))
    }

    pub(super) fn load(
        &self,
        store: &H::Store,
        account: &AccountId,
    ) -> Result<Option<StoredRecord>, Failure> {
        let loaded = self.block_on(store.load(account));
        loaded.map_err(|error| self.failure("an answer to a load", error_text(error)))
    }

    pub(super) fn compare_and_swap(
        &self,
        store: &H::Store,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Failure> {
        let result = self.block_on(store.compare_and_swap(account, write));
        result.map_err(|error| self.failure(format!("an answer to {write:?}"), error_text(error)))
    }

    /// Writes `record` over the revision `expected`. Returns the new revision if the write was
    /// done.
    pub(super) fn try_write(
        &self,
        store: &H::Store,
        account: &AccountId,
        expected: Option<Revision>,
        record: &[u8],
    ) -> Result<Option<Revision>, Failure> {
        let revision = self.revision()?;
        let write = conditional_write(expected, revision, record);
        match self.compare_and_swap(store, account, write)? {
            WriteResult::Done => Ok(Some(revision)),
            WriteResult::Stale => Ok(None),
        }
    }

    /// Writes as [`try_write`](Self::try_write), and expects `Done`.
    pub(super) fn write(
        &self,
        store: &H::Store,
        account: &AccountId,
        expected: Option<Revision>,
        record: &[u8],
    ) -> Result<Revision, Failure> {
        self.try_write(store, account, expected, record)?
            .ok_or_else(|| {
                let what = expected.map_or("no record", |_| "the revision that is there");
                let len = record.len();
                self.failure(
                    format!("Done for {account:?}: a write of {len} bytes that expects {what}"),
                    "Stale",
                )
            })
    }

    /// Writes as [`try_write`](Self::try_write), and expects `Stale`.
    pub(super) fn expect_stale_write(
        &self,
        store: &H::Store,
        account: &AccountId,
        expected: Option<Revision>,
        record: &[u8],
        why: &str,
    ) -> Result<(), Failure> {
        match self.try_write(store, account, expected, record)? {
            None => Ok(()),
            Some(_) => Err(self.failure(format!("Stale: {why}"), "Done")),
        }
    }

    pub(super) fn erase(
        &self,
        store: &H::Store,
        account: &AccountId,
        expected: Revision,
    ) -> Result<WriteResult, Failure> {
        let write = ConditionalWrite::erase(expected, self.revision()?, summary());
        self.compare_and_swap(store, account, write)
    }

    /// Erases, and expects `Done`.
    pub(super) fn expect_erasure(
        &self,
        store: &H::Store,
        account: &AccountId,
        expected: Revision,
    ) -> Result<(), Failure> {
        match self.erase(store, account, expected)? {
            WriteResult::Done => Ok(()),
            WriteResult::Stale => Err(self.failure(
                format!("Done for {account:?}: an erasure that expects the revision that is there"),
                "Stale",
            )),
        }
    }

    /// Erases, and expects `Stale`.
    pub(super) fn expect_stale_erasure(
        &self,
        store: &H::Store,
        account: &AccountId,
        expected: Revision,
        why: &str,
    ) -> Result<(), Failure> {
        match self.erase(store, account, expected)? {
            WriteResult::Stale => Ok(()),
            WriteResult::Done => Err(self.failure(format!("Stale for an erasure: {why}"), "Done")),
        }
    }

    /// Loads, and expects this record under this revision.
    pub(super) fn expect_record(
        &self,
        store: &H::Store,
        account: &AccountId,
        record: &[u8],
        revision: Revision,
        when: &str,
    ) -> Result<(), Failure> {
        let Some(stored) = self.load(store, account)? else {
            return Err(self.failure(format!("the record of {account:?} {when}"), "no record"));
        };
        if stored.record != record {
            return Err(self.failure(
                format!("{} {when}", bytes_text(record)),
                bytes_text(&stored.record),
            ));
        }
        if stored.revision != revision {
            return Err(self.failure(
                format!("{revision:?} {when}"),
                format!("{:?}", stored.revision),
            ));
        }
        Ok(())
    }

    /// Loads, and expects no record.
    pub(super) fn expect_no_record(
        &self,
        store: &H::Store,
        account: &AccountId,
        when: &str,
    ) -> Result<(), Failure> {
        match self.load(store, account)? {
            None => Ok(()),
            Some(stored) => Err(self.failure(format!("no record {when}"), format!("{stored:?}"))),
        }
    }

    /// Runs `work` on many threads that start together, and returns the result of each.
    pub(super) fn race<T: Send>(
        &self,
        racers: usize,
        work: impl Fn(usize) -> Result<T, Failure> + Sync,
    ) -> Result<Vec<T>, Failure> {
        let (start, work) = (&Barrier::new(racers), &work);
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..racers)
                .map(|racer| {
                    scope.spawn(move || {
                        start.wait();
                        work(racer)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join()).collect()
        });
        results
            .into_iter()
            .map(|joined| {
                joined.unwrap_or_else(|_| Err(self.failure("an answer", "a panic in the store")))
            })
            .collect()
    }

    pub(super) fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        Failure::new(self.case, expected, seen)
    }
}

/// A write whose kind and summary do not matter.
pub(super) fn conditional_write(
    expected: Option<Revision>,
    revision: Revision,
    record: &[u8],
) -> ConditionalWrite<'_> {
    let kind = match expected {
        None => WriteKind::Enrolling,
        Some(_) => WriteKind::Rejected,
    };
    ConditionalWrite::put(expected, revision, record, kind, summary())
}

/// One of two handles. The clients use both, so that the case finds state that a handle does not
/// share.
pub(super) fn handle_of<S>([even, odd]: &[S; 2], client: usize) -> &S {
    if client & 1 == 0 { even } else { odd }
}

fn summary() -> Summary {
    Summary::new(false, 0, KeyId::new(1))
}

/// An error with all its sources.
fn error_text(error: impl Into<Box<dyn Error + Send + Sync>>) -> String {
    let error = error.into();
    let mut text = format!("the error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The length of a record and its first bytes in hexadecimal.
fn bytes_text(bytes: &[u8]) -> String {
    let mut text = format!("a record of {} bytes, ", bytes.len());
    for byte in bytes.iter().take(SHOWN_BYTES) {
        // Writing to a `String` cannot fail.
        _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > SHOWN_BYTES {
        text.push_str("...");
    }
    text
}

const SHOWN_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_1_run_in_1000_misses_a_fault() {
        for calls in [2, 3, 10, 999, 1000, 20_000, 1_000_000, u32::MAX] {
            let repetitions = Effort::default().one_in(calls).repetitions();
            let log_of_sound_call = (-1.0 / f64::from(calls)).ln_1p();
            let missed = (log_of_sound_call * repetitions as f64).exp();
            assert!(missed < 1e-3, "one in {calls}: {missed}");
        }
        assert_eq!(Effort::default().repetitions(), 6908);
        assert_eq!(Effort::default().one_in(0).repetitions(), 7);
    }

    #[test]
    fn repetitions_are_no_more_than_needed() {
        let missed = (1.0 - 1e-3_f64).powi(6904);
        assert!(missed > 1e-3, "{missed}");
    }
}
