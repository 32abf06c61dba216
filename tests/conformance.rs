//! The suite itself: a store that keeps the contract passes, and each way of breaking it is caught by the case that is
//! named after it.
#![cfg(feature = "conformance")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use countersign::conformance::{Harness, cases, run_cases};
use countersign::{
    AccountId, BoxStore, KeyId, MemoryStore, Revision, Stored, Summary, Swap, SwapKind, Swapped,
    blocking,
};

#[derive(Default)]
struct Sound(MemoryStore);

impl Harness for Sound {
    type Store = MemoryStore;

    fn open(&self) -> MemoryStore {
        self.0.clone()
    }
}

countersign::conformance_tests!(Sound::default());

mod through_the_wrappers {
    use super::*;

    struct Wrapped(Arc<blocking::Adapter<MemoryStore>>);

    impl Harness for Wrapped {
        type Store = BoxStore;

        fn open(&self) -> BoxStore {
            BoxStore::new(Arc::clone(&self.0))
        }
    }

    countersign::conformance_tests!(Wrapped(Arc::new(
        blocking::Adapter::new(MemoryStore::new())
    )));
}

#[test]
fn every_case_says_what_an_attacker_gains() {
    let cases = cases::<Sound>();
    assert!(cases.len() >= 25);
    for case in cases {
        assert!(case.attacker_gains().len() > 20, "{case:?}");
    }
}

#[test]
fn a_failure_says_what_was_expected_and_what_was_seen() {
    let harness = Broken::new(|rows, account, _, swap| rows.put(account, swap));
    let case = cases()
        .into_iter()
        .find(|case| case.name() == "a_stale_swap_changes_nothing");
    let failure = case.unwrap().run(&harness).unwrap_err();
    assert_eq!(failure.case(), "a_stale_swap_changes_nothing");
    assert_eq!(
        format!("{failure:?}"),
        "a_stale_swap_changes_nothing\n  \
         expected: Stale: it expects the revision before\n  \
         seen: Done\n  \
         an attacker gains: a passcode accepted twice: the slower login writes over the faster one's record of it"
    );
}

#[test]
fn a_store_that_ignores_the_expected_revision_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match found {
        Some(_) if swap.expected().is_none() => Swapped::Stale,
        None if swap.expected().is_some() => Swapped::Stale,
        _ => rows.put(account, swap),
    });
    let caught = failed_cases(&harness);
    for case in [
        "a_stale_swap_changes_nothing",
        "a_stale_erase_changes_nothing",
        "one_of_16_racers_swaps",
        "one_of_16_racers_erases",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
    assert!(!caught.contains(&"one_of_16_racers_creates"), "{caught:?}");
}

#[test]
fn a_store_that_creates_over_a_record_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match swap.expected() {
        None => rows.put(account, swap),
        expected if expected == found => rows.put(account, swap),
        _ => Swapped::Stale,
    });
    let caught = failed_cases(&harness);
    for case in [
        "creating_over_a_record_is_stale",
        "one_of_16_racers_creates",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
}

#[test]
fn a_store_that_creates_when_it_should_replace_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| match found {
        None => rows.put(account, swap),
        found if found == swap.expected() => rows.put(account, swap),
        _ => Swapped::Stale,
    });
    let caught = failed_cases(&harness);
    for case in [
        "a_swap_of_an_absent_account_is_stale",
        "an_erased_record_is_gone",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
}

#[test]
fn a_store_that_says_done_to_a_stale_swap_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found == swap.expected() {
            return rows.put(account, swap);
        }
        Swapped::Done
    });
    let caught = failed_cases(&harness);
    assert!(
        caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_takes_any_revision_the_account_ever_had_is_caught() {
    let seen = Mutex::new(HashMap::<AccountId, Vec<Revision>>::new());
    let harness = Broken::new(move |rows, account, found, swap| {
        let mut seen = seen.lock().unwrap();
        let seen = seen.entry(account.clone()).or_default();
        // While a record lives its revision is compared; when it was created anew, only that the expected one is known.
        let created_again = rows.writes(account) == 1 && seen.len() > 1;
        let known = created_again && swap.expected().is_some_and(|it| seen.contains(&it));
        if found == swap.expected() || (found.is_some() && known) {
            seen.push(swap.revision());
            rows.put(account, swap)
        } else {
            Swapped::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["an_old_revision_never_comes_back"]);
}

#[test]
fn a_store_that_skips_a_write_of_equal_bytes_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found != swap.expected() {
            Swapped::Stale
        } else if swap
            .record()
            .is_some_and(|record| rows.record(account) == Some(record))
        {
            Swapped::Done
        } else {
            rows.put(account, swap)
        }
    });
    let caught = failed_cases(&harness);
    assert!(
        caught.contains(&"an_equal_record_still_changes_the_revision"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_erases_whatever_is_expected_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found == swap.expected() || (swap.record().is_none() && found.is_some()) {
            rows.put(account, swap)
        } else {
            Swapped::Stale
        }
    });
    let caught = failed_cases(&harness);
    for case in [
        "a_stale_erase_changes_nothing",
        "an_old_revision_never_comes_back",
        "one_of_16_racers_erases",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
    assert!(
        !caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_writes_every_account_of_that_revision_is_caught() {
    let harness = Broken::new(|rows, account, found, swap| {
        if found != swap.expected() {
            return Swapped::Stale;
        }
        if let Some(revision) = found {
            for other in rows.accounts_at(revision) {
                assert_eq!(rows.put(&other, swap), Swapped::Done);
            }
        }
        rows.put(account, swap)
    });
    assert_eq!(failed_cases(&harness), ["other_accounts_are_left_alone"]);
}

#[test]
fn a_store_that_rounds_revisions_is_caught() {
    // As JSON numbers do: 53 bits.
    let round = |revision: Revision| (revision.as_i64() as f64) as i64;
    let harness = Broken::new(move |rows, account, found, swap| {
        if found.map(round) == swap.expected().map(round) {
            rows.put(account, swap)
        } else {
            Swapped::Stale
        }
    });
    assert_eq!(failed_cases(&harness), ["revisions_at_both_ends_are_kept"]);
}

#[test]
fn a_store_that_equates_ids_of_another_case_is_caught() {
    let caught = failed_cases(&Broken::sound().with_ids(|id| id.to_lowercase()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_that_ignores_trailing_blanks_of_ids_is_caught() {
    let caught = failed_cases(&Broken::sound().with_ids(|id| id.trim_end_matches(' ').into()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_that_cuts_ids_short_is_caught() {
    let caught = failed_cases(&Broken::sound().with_ids(|id| id.chars().take(254).collect()));
    assert_eq!(caught, ["odd_account_ids_are_distinct"]);
}

#[test]
fn a_store_that_cuts_records_short_is_caught() {
    let caught = failed_cases(&Broken::sound().with_records(|record| record.truncate(65_535)));
    assert_eq!(caught, ["records_come_back_whole"]);
}

#[test]
fn a_store_that_keeps_records_as_text_is_caught() {
    let harness = Broken::sound()
        .with_records(|record| *record = String::from_utf8_lossy(record).into_owned().into());
    let caught = failed_cases(&harness);
    assert_eq!(
        caught.first(),
        Some(&"records_come_back_whole"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_reads_first_and_writes_then_is_caught() {
    let caught = failed_cases(&TwoSteps::default());
    assert!(caught.contains(&"no_increment_is_lost"), "{caught:?}");
    for case in [
        "a_passcode_is_spent_once",
        "guesses_at_once_are_all_counted",
    ] {
        assert!(caught.contains(&case), "{case} is not in {caught:?}");
    }
    assert!(
        !caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_in_a_transaction_that_is_rolled_back_is_caught() {
    let caught = failed_cases(&RolledBack::default());
    assert!(
        caught.contains(&"a_done_write_outlives_its_handle"),
        "{caught:?}"
    );
    assert!(
        caught.contains(&"a_failure_outlives_its_request"),
        "{caught:?}"
    );
    assert!(
        !caught.contains(&"two_handles_see_each_other_at_once"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_caches_what_it_loaded_is_caught() {
    let caught = failed_cases(&Cached::default());
    assert!(
        caught.contains(&"two_handles_see_each_other_at_once"),
        "{caught:?}"
    );
    assert!(
        !caught.contains(&"a_stale_swap_changes_nothing"),
        "{caught:?}"
    );
}

#[test]
fn a_store_that_lags_while_others_write_is_caught() {
    let caught = failed_cases(&Lagging::default());
    assert_eq!(caught, ["loads_and_swaps_are_linearizable"]);
}

#[test]
fn a_store_that_loses_a_connection_with_every_dropped_call_is_caught() {
    // A pool of its own for each case: it does not recover.
    let failed = cases()
        .into_iter()
        .filter_map(|case| case.run(&Leaking::default()).err());
    let caught: Vec<_> = failed.map(|failure| failure.case()).collect();
    assert_eq!(caught, ["a_dropped_call_leaves_the_store_usable"]);
}

#[test]
fn a_store_that_tears_a_record_when_a_call_is_dropped_is_caught() {
    let caught = failed_cases(&Tearing::default());
    assert_eq!(caught, ["a_dropped_call_leaves_the_store_usable"]);
}

#[test]
fn a_report_lists_what_ran_what_failed_and_what_was_left_out() {
    let report = run_cases(&Sound::default(), |case| case.name().contains("erase"));
    assert!(report.is_ok());
    assert_eq!(report.passed().count(), 3, "{report}");
    let text = report.to_string();
    assert!(text.contains("an_erased_record_is_gone ... ok\n"), "{text}");
    assert!(
        text.contains("no_increment_is_lost ... left out\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\n3 passed, 0 failed, 22 left out"),
        "{text}"
    );

    let nothing = run_cases(&Sound::default(), |_| false);
    assert!(!nothing.is_ok(), "nothing ran, so nothing is known");

    let harness = Broken::new(|rows, account, _, swap| rows.put(account, swap));
    let report = run_cases(&harness, |case| case.name().contains("changes_nothing"));
    assert!(!report.is_ok());
    assert_eq!(report.failures().count(), 2);
    let text = report.to_string();
    assert!(
        text.contains("a_stale_swap_changes_nothing ... FAILED\n"),
        "{text}"
    );
    assert!(text.contains("an attacker gains: "), "{text}");
}

#[test]
fn a_store_that_panics_or_fails_is_caught_and_not_passed_on() {
    let failing = Failing(|| Err("the disk is full"));
    assert_eq!(failed_cases(&failing).len(), cases::<Failing>().len());
    let case = cases()
        .into_iter()
        .find(|case| case.name() == "one_of_16_racers_creates");
    let panicking = Failing(|| panic!("on purpose"));
    let failure = case.unwrap().run(&panicking).unwrap_err();
    assert_eq!(failure.seen(), "a panic in the store");
}

fn failed_cases<H: Harness>(harness: &H) -> Vec<&'static str> {
    cases::<H>()
        .iter()
        .filter_map(|case| case.run(harness).err())
        .map(|failure| failure.case())
        .collect()
}

/// A store that does as its rule says, under one lock.
struct Broken {
    rows: Arc<Mutex<Rows>>,
    rule: Arc<Rule>,
    id: fn(&str) -> String,
    record: fn(&mut Vec<u8>),
}

type Rule = dyn Fn(&mut Rows, &AccountId, Option<Revision>, Swap<'_>) -> Swapped + Send + Sync;

#[derive(Default)]
struct Rows(HashMap<AccountId, (Stored, usize)>);

impl Rows {
    fn put(&mut self, account: &AccountId, swap: Swap<'_>) -> Swapped {
        match swap.record() {
            Some(record) => {
                let writes = self.writes(account) + 1;
                let stored = Stored::new(record.to_vec(), swap.revision());
                self.0.insert(account.clone(), (stored, writes));
            }
            None => {
                self.0.remove(account);
            }
        }
        Swapped::Done
    }

    fn record(&self, account: &AccountId) -> Option<&[u8]> {
        self.0.get(account).map(|(stored, _)| &stored.record[..])
    }

    fn revision(&self, account: &AccountId) -> Option<Revision> {
        self.0.get(account).map(|(stored, _)| stored.revision)
    }

    /// How often the account was written since it was created.
    fn writes(&self, account: &AccountId) -> usize {
        self.0.get(account).map_or(0, |(_, writes)| *writes)
    }

    fn accounts_at(&self, revision: Revision) -> Vec<AccountId> {
        let at = self
            .0
            .iter()
            .filter(|(_, (stored, _))| stored.revision == revision);
        at.map(|(account, _)| account.clone()).collect()
    }
}

impl Broken {
    fn new(
        rule: impl Fn(&mut Rows, &AccountId, Option<Revision>, Swap<'_>) -> Swapped
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            rows: Arc::default(),
            rule: Arc::new(rule),
            id: str::to_owned,
            record: |_| {},
        }
    }

    fn sound() -> Self {
        Self::new(|rows, account, found, swap| {
            if found == swap.expected() {
                rows.put(account, swap)
            } else {
                Swapped::Stale
            }
        })
    }

    fn with_ids(self, id: fn(&str) -> String) -> Self {
        Self { id, ..self }
    }

    fn with_records(self, record: fn(&mut Vec<u8>)) -> Self {
        Self { record, ..self }
    }

    fn key(&self, account: &AccountId) -> AccountId {
        (self.id)(account.as_str()).parse().unwrap()
    }
}

impl blocking::Store for Broken {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        let rows = self.rows.lock().unwrap();
        let row = rows.0.get(&self.key(account));
        Ok(row.map(|(stored, _)| {
            let mut stored = stored.clone();
            (self.record)(&mut stored.record);
            stored
        }))
    }

    fn compare_and_swap(&self, account: &AccountId, swap: Swap<'_>) -> Result<Swapped, Infallible> {
        let mut rows = self.rows.lock().unwrap();
        let account = self.key(account);
        let found = rows.revision(&account);
        Ok((self.rule)(&mut rows, &account, found, swap))
    }
}

impl Harness for Broken {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(Self {
            rows: Arc::clone(&self.rows),
            rule: Arc::clone(&self.rule),
            ..*self
        })
    }
}

#[test]
fn the_store_that_the_others_break_is_sound() {
    assert_eq!(failed_cases(&Broken::sound()), [""; 0]);
}

/// Reads, lets others go first, and writes what it found right a moment ago.
#[derive(Clone, Default)]
struct TwoSteps(Arc<Mutex<Rows>>);

impl blocking::Store for TwoSteps {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        let rows = self.0.lock().unwrap();
        Ok(rows.0.get(account).map(|(stored, _)| stored.clone()))
    }

    fn compare_and_swap(&self, account: &AccountId, swap: Swap<'_>) -> Result<Swapped, Infallible> {
        let found = self.0.lock().unwrap().revision(account);
        if found != swap.expected() {
            return Ok(Swapped::Stale);
        }
        thread::sleep(Duration::from_millis(5));
        Ok(self.0.lock().unwrap().put(account, swap))
    }
}

impl Harness for TwoSteps {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.clone())
    }
}

/// Writes that others see (dirty reads), and that are undone when the handle goes.
#[derive(Default)]
struct RolledBack(Arc<Mutex<Rows>>);

struct Request {
    rows: Arc<Mutex<Rows>>,
    undo: Mutex<Vec<(AccountId, Option<Stored>)>>,
}

impl blocking::Store for Request {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        TwoSteps(Arc::clone(&self.rows)).load(account)
    }

    fn compare_and_swap(&self, account: &AccountId, swap: Swap<'_>) -> Result<Swapped, Infallible> {
        let mut rows = self.rows.lock().unwrap();
        if rows.revision(account) != swap.expected() {
            return Ok(Swapped::Stale);
        }
        let before = rows.0.get(account).map(|(stored, _)| stored.clone());
        self.undo.lock().unwrap().push((account.clone(), before));
        Ok(rows.put(account, swap))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut rows = self.rows.lock().unwrap();
        for (account, before) in self.undo.get_mut().unwrap().drain(..).rev() {
            match before {
                Some(stored) => rows.0.insert(account, (stored, 1)),
                None => rows.0.remove(&account),
            };
        }
    }
}

impl Harness for RolledBack {
    type Store = blocking::Adapter<Request>;

    fn open(&self) -> Self::Store {
        let (rows, undo) = (Arc::clone(&self.0), Mutex::default());
        blocking::Adapter::new(Request { rows, undo })
    }
}

/// Each handle remembers what it loaded until it writes the account itself.
#[derive(Default)]
struct Cached(Arc<Mutex<Rows>>);

struct Caching {
    rows: TwoSteps,
    cache: Mutex<HashMap<AccountId, Option<Stored>>>,
}

impl blocking::Store for Caching {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        let mut cache = self.cache.lock().unwrap();
        if let Some(cached) = cache.get(account) {
            return Ok(cached.clone());
        }
        let loaded = self.rows.load(account)?;
        cache.insert(account.clone(), loaded.clone());
        Ok(loaded)
    }

    fn compare_and_swap(&self, account: &AccountId, swap: Swap<'_>) -> Result<Swapped, Infallible> {
        self.cache.lock().unwrap().remove(account);
        let mut rows = self.rows.0.lock().unwrap();
        if rows.revision(account) != swap.expected() {
            return Ok(Swapped::Stale);
        }
        Ok(rows.put(account, swap))
    }
}

impl Harness for Cached {
    type Store = blocking::Adapter<Caching>;

    fn open(&self) -> Self::Store {
        let (rows, cache) = (TwoSteps(Arc::clone(&self.0)), Mutex::default());
        blocking::Adapter::new(Caching { rows, cache })
    }
}

/// With more than two handles open, the others read from a replica: each write comes to them one load too late.
#[derive(Default)]
struct Lagging {
    rows: TwoSteps,
    before: Arc<Mutex<HashMap<AccountId, Stored>>>,
    open: Arc<AtomicUsize>,
}

struct Replica {
    store: Lagging,
    lags: bool,
    seen: Mutex<HashMap<AccountId, Revision>>,
}

impl blocking::Store for Replica {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        let Some(stored) = self.store.rows.load(account)? else {
            return Ok(None);
        };
        let mut seen = self.seen.lock().unwrap();
        let seen = seen.insert(account.clone(), stored.revision);
        let before = self.store.before.lock().unwrap().get(account).cloned();
        let news = seen != Some(stored.revision);
        Ok(before.filter(|_| self.lags && news).or(Some(stored)))
    }

    fn compare_and_swap(&self, account: &AccountId, swap: Swap<'_>) -> Result<Swapped, Infallible> {
        let mut rows = self.store.rows.0.lock().unwrap();
        if rows.revision(account) != swap.expected() {
            return Ok(Swapped::Stale);
        }
        if let Some((stored, _)) = rows.0.get(account) {
            let mut before = self.store.before.lock().unwrap();
            before.insert(account.clone(), stored.clone());
        }
        Ok(rows.put(account, swap))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.store.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Harness for Lagging {
    type Store = blocking::Adapter<Replica>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(Replica {
            lags: self.open.fetch_add(1, Ordering::SeqCst) >= 2,
            store: Self {
                rows: self.rows.clone(),
                before: Arc::clone(&self.before),
                open: Arc::clone(&self.open),
            },
            seen: Mutex::default(),
        })
    }
}

/// Pending once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return std::task::Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// A pool whose connections come back only from calls that end.
#[derive(Clone, Default)]
struct Leaking {
    store: MemoryStore,
    lent: Arc<AtomicUsize>,
}

impl Leaking {
    const POOL: usize = 40;

    async fn lend<T>(
        &self,
        call: impl Future<Output = Result<T, Infallible>>,
    ) -> Result<T, &'static str> {
        if self.lent.fetch_add(1, Ordering::SeqCst) >= Self::POOL {
            return Err("no connection is left");
        }
        pause().await;
        let Ok(answer) = call.await;
        self.lent.fetch_sub(1, Ordering::SeqCst);
        Ok(answer)
    }
}

impl countersign::Store for Leaking {
    type Error = &'static str;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, &'static str> {
        self.lend(async { blocking::Store::load(&self.store, account) })
            .await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: Swap<'_>,
    ) -> Result<Swapped, &'static str> {
        self.lend(async { blocking::Store::compare_and_swap(&self.store, account, swap) })
            .await
    }
}

impl Harness for Leaking {
    type Store = Self;

    fn open(&self) -> Self {
        self.clone()
    }
}

/// Writes a record in two pieces; nobody sees the first alone, unless the writer goes in between.
#[derive(Clone, Default)]
struct Tearing {
    rows: TwoSteps,
    writing: Arc<Mutex<HashSet<AccountId>>>,
}

/// Ends the writing when the writer is gone.
struct Writing<'a>(&'a Tearing, &'a AccountId);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writing.lock().unwrap().remove(self.1);
    }
}

impl Tearing {
    async fn enter<'a>(&'a self, account: &'a AccountId) -> Writing<'a> {
        while !self.writing.lock().unwrap().insert(account.clone()) {
            pause().await;
        }
        Writing(self, account)
    }
}

impl countersign::Store for Tearing {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        let _writing = self.enter(account).await;
        blocking::Store::load(&self.rows, account)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: Swap<'_>,
    ) -> Result<Swapped, Infallible> {
        let _writing = self.enter(account).await;
        let Some(record) = swap.record() else {
            let mut rows = self.rows.0.lock().unwrap();
            let stale = rows.revision(account) != swap.expected();
            return Ok(if stale {
                Swapped::Stale
            } else {
                rows.put(account, swap)
            });
        };
        {
            let mut rows = self.rows.0.lock().unwrap();
            if rows.revision(account) != swap.expected() {
                return Ok(Swapped::Stale);
            }
            let first = &record[..record.len() / 2];
            let (kind, summary) = (swap.kind(), swap.summary());
            let piece = Swap::write(swap.expected(), swap.revision(), first, kind, summary);
            assert_eq!(rows.put(account, piece), Swapped::Done);
        }
        pause().await;
        Ok(self.rows.0.lock().unwrap().put(account, swap))
    }
}

impl Harness for Tearing {
    type Store = Self;

    fn open(&self) -> Self {
        self.clone()
    }
}

#[derive(Clone, Copy)]
struct Failing(fn() -> Result<(), &'static str>);

impl blocking::Store for Failing {
    type Error = &'static str;

    fn load(&self, _: &AccountId) -> Result<Option<Stored>, &'static str> {
        (self.0)().map(|()| None)
    }

    fn compare_and_swap(&self, _: &AccountId, _: Swap<'_>) -> Result<Swapped, &'static str> {
        (self.0)().map(|()| Swapped::Stale)
    }
}

impl Harness for Failing {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(*self)
    }
}

#[test]
fn futures_of_the_adapter_do_nothing_until_they_are_polled() {
    use countersign::Store as _;

    let store = blocking::Adapter::new(MemoryStore::new());
    let account = AccountId::from(1_u32);
    let summary = Summary::new(false, 0, KeyId::new(1));
    let revision = Revision::from_i64(1).unwrap();
    let swap = Swap::write(None, revision, b"record", SwapKind::Enrolling, summary);
    drop(store.compare_and_swap(&account, swap));
    assert_eq!(blocking::Store::load(store.get_ref(), &account), Ok(None));
}
