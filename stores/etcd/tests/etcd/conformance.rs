//! Runs the conformance suite on one server, whose handles share their connections, and on a
//! cluster, whose handles are on different members and have connections of their own.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::conformance::{Effort, Harness};
use countersign_etcd::EtcdStore;
use tokio::runtime::Runtime;

use crate::support::{PATIENT, repetitions};

struct Handles<F> {
    runtime: Runtime,
    open: F,
    effort: Effort,
}

impl<F: Fn() -> EtcdStore + Sync> Handles<F> {
    fn new(open: F, effort: Effort) -> Self {
        let runtime = Runtime::new().unwrap();
        Self {
            runtime,
            open,
            effort,
        }
    }
}

impl<F: Fn() -> EtcdStore + Sync> Harness for Handles<F> {
    type Store = EtcdStore;

    fn open(&self) -> EtcdStore {
        (self.open)()
    }

    fn effort(&self) -> Effort {
        self.effort.clone()
    }

    fn block_on<T: Future>(&self, future: T) -> T::Output {
        self.runtime.block_on(future)
    }
}

fn on(url: &str) -> EtcdStore {
    EtcdStore::new([url]).unwrap().with_timeout(PATIENT)
}

mod shared_connections {
    use super::*;
    countersign::conformance_tests!({
        let store = on(&shared!(SINGLE, Ok(())).url());
        Handles::new(move || store.clone(), Effort::default())
    });
}

mod handles_on_all_members {
    use super::*;
    countersign::conformance_tests!({
        let urls = shared!(CLUSTER, Ok(())).urls();
        let next = AtomicUsize::new(0);
        // Three members on one computer are slow.
        let effort = Effort::default().one_in(200 * repetitions());
        let open = move || on(&urls[next.fetch_add(1, Ordering::SeqCst) % 3]);
        Handles::new(open, effort)
    });
}
