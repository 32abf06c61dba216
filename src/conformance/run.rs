use core::error::Error;
use core::fmt::Write;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::sync::Barrier;
use std::thread;
use std::vec::Vec;

use super::{Effort, Failure, Harness};
use crate::store::{
    ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use crate::{AccountId, KeyId};

/// One case on its way: short words for what it asks of a store, and for what it expects.
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

    /// How often each of so many clients repeats its call, so that all together do it often enough.
    pub(super) fn repetitions_for_each_of(&self, clients: usize) -> usize {
        let repetitions = usize::try_from(self.effort().repetitions()).unwrap_or(usize::MAX);
        repetitions.div_ceil(clients)
    }

    /// Text that no other run has used, so that a database that is kept will do.
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
        let loaded = self.harness.block_on(store.load(account));
        loaded.map_err(|error| self.failure("an answer to a load", error_text(error)))
    }

    pub(super) fn swap(
        &self,
        store: &H::Store,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Failure> {
        let swapped = self.harness.block_on(store.compare_and_swap(account, swap));
        swapped.map_err(|error| self.failure(format!("an answer to {swap:?}"), error_text(error)))
    }

    /// Writes `record` over the revision `expected`, and gives the new revision if that was done.
    pub(super) fn try_write(
        &self,
        store: &H::Store,
        account: &AccountId,
        expected: Option<Revision>,
        record: &[u8],
    ) -> Result<Option<Revision>, Failure> {
        let revision = self.revision()?;
        match self.swap(store, account, write(expected, revision, record))? {
            WriteResult::Done => Ok(Some(revision)),
            WriteResult::Stale => Ok(None),
        }
    }

    /// Writes as [`try_write`](Self::try_write), where nothing stands in the way.
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

    /// Writes as [`try_write`](Self::try_write), where the contract forbids it.
    pub(super) fn write_stale(
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
        let swap = ConditionalWrite::erase(expected, self.revision()?, summary());
        self.swap(store, account, swap)
    }

    /// Expects the account to hold this record under this revision.
    pub(super) fn holds(
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

    /// Expects the account to have no record.
    pub(super) fn holds_nothing(
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

    /// Does the same on many threads that begin together, and gives what each came to.
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

/// A write as the suite makes them: the kind and the summary are of no account.
pub(super) fn write(
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

/// Racers take turns with two handles, so that what a handle keeps to itself shows.
pub(super) fn store_of<S>([even, odd]: &[S; 2], racer: usize) -> &S {
    if racer & 1 == 0 { even } else { odd }
}

fn summary() -> Summary {
    Summary::new(false, 0, KeyId::new(1))
}

/// The error with all its sources.
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

/// The length and the first bytes, in hexadecimal.
fn bytes_text(bytes: &[u8]) -> String {
    let mut text = format!("a record of {} bytes, ", bytes.len());
    for byte in bytes.iter().take(SHOWN) {
        // Writing to a `String` cannot fail.
        _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > SHOWN {
        text.push_str("...");
    }
    text
}

const SHOWN: usize = 16;
