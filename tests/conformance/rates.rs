//! Faults that are rare: one call in 1,000, drawn from 256 seeds. No seed is missed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign::conformance::{Effort, Harness};
use countersign::store::{ConditionalWrite, MemoryStore, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};

use crate::broken::Broken;
use crate::case;

const SEEDS: u64 = 256;

/// Draws by `SplitMix64` whether a call is hit, with the probability of 1 in 1,000.
struct Draws {
    seed: u64,
    next: AtomicU64,
}

impl Draws {
    fn new(seed: u64) -> Self {
        let next = AtomicU64::new(1);
        Self { seed, next }
    }

    fn hit(&self) -> bool {
        let place = self.next.fetch_add(1, Ordering::SeqCst);
        let z = self
            .seed
            .wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).is_multiple_of(1000)
    }
}

/// The seeds of stores that pass the case.
fn missed<H: Harness>(name: &str, harness: impl Fn(Draws) -> H) -> Vec<u64> {
    (0..SEEDS)
        .filter(|seed| case(name).run(&harness(Draws::new(*seed))).is_ok())
        .collect()
}

fn losing(draws: Draws) -> Broken {
    Broken::new(move |rows, account, found, swap| {
        if found != swap.expected() {
            WriteResult::Stale
        } else if draws.hit() {
            WriteResult::Done
        } else {
            rows.put(account, swap)
        }
    })
}

#[test]
fn a_store_that_loses_1_write_in_1000_is_caught() {
    let missed = missed("no_write_is_lost_among_16_accounts", losing);
    assert_eq!(missed, [0; 0]);
}

#[test]
fn a_store_that_does_1_stale_swap_in_1000_is_caught() {
    let missed = missed("one_of_16_racers_writes", |draws| {
        Broken::new(move |rows, account, found, swap| {
            let exists = found.is_some() && swap.expected().is_some();
            if found == swap.expected() || (exists && draws.hit()) {
                rows.put(account, swap)
            } else {
                WriteResult::Stale
            }
        })
    });
    assert_eq!(missed, [0; 0]);
}

/// Gives the row of another account, or none, for a load that is hit.
struct Misreading {
    store: MemoryStore,
    draws: Arc<Draws>,
}

impl blocking::Store for Misreading {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        if self.draws.hit() {
            let page = self.store.accounts_after(Some(account), 1);
            return match page.first() {
                Some(other) => blocking::Store::load(&self.store, other),
                None => Ok(None),
            };
        }
        blocking::Store::load(&self.store, account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        blocking::Store::compare_and_swap(&self.store, account, swap)
    }
}

impl Harness for Misreading {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(Self {
            store: self.store.clone(),
            draws: Arc::clone(&self.draws),
        })
    }
}

#[test]
fn a_store_that_misreads_1_load_in_1000_is_caught() {
    let missed = missed("every_load_is_of_its_account", |draws| Misreading {
        store: MemoryStore::new(),
        draws: Arc::new(draws),
    });
    assert_eq!(missed, [0; 0]);
}

/// Counts the writes that the case of lost writes makes with this effort.
struct Counting {
    store: MemoryStore,
    writes: Arc<AtomicU64>,
    effort: Effort,
}

impl blocking::Store for Counting {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        blocking::Store::load(&self.store, account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        blocking::Store::compare_and_swap(&self.store, account, swap)
    }
}

impl Harness for Counting {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(Self {
            store: self.store.clone(),
            writes: Arc::clone(&self.writes),
            effort: self.effort.clone(),
        })
    }

    fn effort(&self) -> Effort {
        self.effort.clone()
    }
}

#[test]
fn a_host_can_ask_for_more_repetitions_and_for_fewer() {
    for (calls, least, most) in [(1000, 6908, 7200), (3000, 20_724, 21_000), (1, 7, 200)] {
        let harness = Counting {
            store: MemoryStore::new(),
            writes: Arc::default(),
            effort: Effort::default().one_in(calls),
        };
        case("no_write_is_lost_among_16_accounts")
            .run(&harness)
            .unwrap();
        let writes = harness.writes.load(Ordering::SeqCst);
        assert!((least..=most).contains(&writes), "{calls}: {writes}");
    }
}
