//! Runs the conformance suite on one server, whose handles share their connections, and on a
//! cluster, whose handles are on different members and have connections of their own.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::conformance::{Effort, Harness};
use countersign_etcd::EtcdStore;
use countersign_store_testing::rarest_fault;
use tokio::runtime::Runtime;

use crate::support::PATIENT;

struct Handles<F> {
    runtime: Runtime,
    open: F,
    rarest_fault: u32,
}

impl<F: Fn() -> EtcdStore + Sync> Handles<F> {
    fn new(open: F, rarest_fault: u32) -> Self {
        let runtime = Runtime::new().unwrap();
        Self {
            runtime,
            open,
            rarest_fault,
        }
    }
}

impl<F: Fn() -> EtcdStore + Sync> Harness for Handles<F> {
    type Store = EtcdStore;

    fn open(&self) -> EtcdStore {
        (self.open)()
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(self.rarest_fault)
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
        Handles::new(move || store.clone(), rarest_fault(200))
    });
}

mod handles_on_all_members {
    use super::*;
    countersign::conformance_tests!({
        let urls = shared!(CLUSTER, Ok(())).urls();
        let next = AtomicUsize::new(0);
        let open = move || on(&urls[next.fetch_add(1, Ordering::SeqCst) % 3]);
        // Three members on one computer are slow.
        Handles::new(open, rarest_fault(50))
    });
}
