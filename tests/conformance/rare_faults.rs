//! Rare faults: one call in 1,000, with 256 seeds. The conformance tests find the fault with every
//! seed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign::conformance::{Effort, Harness};
use countersign::store::{ConditionalWrite, MemoryStore, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};

use crate::case;
use crate::rule_store::RuleStore;

const SEEDS: u64 = 256;

/// Uses `SplitMix64` to decide whether a call is faulty, with a probability of 1 in 1,000.
struct FaultDice {
    seed: u64,
    next: AtomicU64,
}

impl FaultDice {
    fn new(seed: u64) -> Self {
        let next = AtomicU64::new(1);
        Self { seed, next }
    }

    fn is_faulty(&self) -> bool {
        let index = self.next.fetch_add(1, Ordering::SeqCst);
        let z = self
            .seed
            .wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).is_multiple_of(1000)
    }
}

/// The seeds with which the faulty store passes the case.
fn missed<H: Harness>(name: &str, harness: impl Fn(FaultDice) -> H) -> Vec<u64> {
    (0..SEEDS)
        .filter(|seed| case(name).run(&harness(FaultDice::new(*seed))).is_ok())
        .collect()
}

fn losing(dice: FaultDice) -> RuleStore {
    RuleStore::new(move |rows, account, found, write| {
        if found != write.expected() {
            WriteResult::Stale
        } else if dice.is_faulty() {
            WriteResult::Done
        } else {
            rows.put(account, write)
        }
    })
}

#[test]
fn losing_1_write_in_1000_is_caught() {
    let missed = missed("no_write_is_lost_among_16_accounts", losing);
    assert_eq!(missed, [0; 0]);
}

#[test]
fn applying_1_stale_write_in_1000_is_caught() {
    let missed = missed("one_of_16_racers_writes", |dice| {
        RuleStore::new(move |rows, account, found, write| {
            let exists = found.is_some() && write.expected().is_some();
            if found == write.expected() || (exists && dice.is_faulty()) {
                rows.put(account, write)
            } else {
                WriteResult::Stale
            }
        })
    });
    assert_eq!(missed, [0; 0]);
}

/// Returns the row of another account, or none, for a faulty load.
struct Misreading {
    store: MemoryStore,
    dice: Arc<FaultDice>,
}

impl blocking::Store for Misreading {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        if self.dice.is_faulty() {
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        blocking::Store::compare_and_swap(&self.store, account, write)
    }
}

impl Harness for Misreading {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(Self {
            store: self.store.clone(),
            dice: Arc::clone(&self.dice),
        })
    }
}

#[test]
fn misreading_1_load_in_1000_is_caught() {
    let missed = missed("every_load_is_of_its_account", |dice| Misreading {
        store: MemoryStore::new(),
        dice: Arc::new(dice),
    });
    assert_eq!(missed, [0; 0]);
}

/// Counts the writes that a case makes with this effort.
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        blocking::Store::compare_and_swap(&self.store, account, write)
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
fn effort_sets_the_number_of_repetitions() {
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
