use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use countersign::store::{Store, WriteResult};
use tokio::sync::Barrier;

use super::{account, erase, write};

/// A store that tasks can share.
pub trait SharedStore: Store<Error: Debug> + Clone + 'static {}
impl<S: Store<Error: Debug> + Clone + 'static> SharedStore for S {}

/// 64 tasks create, replace and erase one revision at the same time: one is `Done`, and all others
/// are `Stale`. No answer of the database becomes an error.
pub async fn one_of_64_writes_is_done(store: &impl SharedStore, rounds: u32) {
    for round in 0..rounds {
        let account = account(round);
        for step in 0..3 {
            let start = Arc::new(Barrier::new(64));
            let tasks: Vec<_> = (1..65)
                .map(|number| {
                    let (store, account, start) = (store.clone(), account.clone(), start.clone());
                    tokio::spawn(async move {
                        let write = match step {
                            0 => write(None, 7, b"created"),
                            1 => write(Some(7), 1000 + number, b"replaced"),
                            _ => {
                                let stored = store.load(&account).await.unwrap();
                                erase(stored.unwrap().revision.as_i64())
                            }
                        };
                        start.wait().await;
                        store.compare_and_swap(&account, write).await.unwrap()
                    })
                })
                .collect();
            let mut done = 0;
            for task in tasks {
                if task.await.unwrap() == WriteResult::Done {
                    done += 1;
                }
            }
            assert_eq!(done, 1, "round {round}, step {step}");
        }
        assert_eq!(store.load(&account).await.unwrap(), None);
    }
}

/// 16 tasks create, replace and erase one account in any order: no answer is an error, and the
/// number of rows matches the answers.
pub async fn a_concurrent_mix_matches_the_rows(store: &impl SharedStore, rounds: u32) {
    let (account, next) = (account(1), Arc::new(AtomicI64::new(1)));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (store, account, next) = (store.clone(), account.clone(), next.clone());
            tokio::spawn(async move {
                let mut rows = 0;
                for round in 0..rounds {
                    let found = store.load(&account).await.unwrap();
                    let found = found.map(|stored| stored.revision.as_i64());
                    let new = next.fetch_add(1, Ordering::SeqCst);
                    let (write, change) = match found {
                        None => (write(None, new, b"created"), 1),
                        Some(old) if round % 3 == 0 => (erase(old), -1),
                        Some(old) => (write(Some(old), new, b"replaced"), 0),
                    };
                    if store.compare_and_swap(&account, write).await.unwrap() == WriteResult::Done {
                        rows += change;
                    }
                }
                rows
            })
        })
        .collect();
    let mut rows = 0;
    for task in tasks {
        rows += task.await.unwrap();
    }
    let live = store.load(&account).await.unwrap();
    assert_eq!(rows, i32::from(live.is_some()));
}
