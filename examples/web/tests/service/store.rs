use countersign::conformance::{Harness, cases};
use countersign_web::{AppStore, SharedClock};
use tokio::runtime::Runtime;

use crate::support::Service;

struct WebStore {
    runtime: Runtime,
    service: Service,
}

impl Harness for WebStore {
    type Store = AppStore;

    fn open(&self) -> AppStore {
        let Service {
            database, clock, ..
        } = &self.service;
        AppStore::new(database.clone(), SharedClock::new(clock.clone()))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

/// Runs the conformance tests on the store that writes the service's own rows with the record.
fn conforms(runtime: Runtime, service: Service) {
    let store = WebStore { runtime, service };
    let failures = cases()
        .into_iter()
        .filter_map(|case| case.run(&store).err());
    let failures: Vec<_> = failures.map(|failure| failure.to_string()).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn the_store_conforms_on_sqlite() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(Service::on_sqlite());
    conforms(runtime, service);
}

#[test]
fn the_store_conforms_on_postgres() {
    let runtime = Runtime::new().unwrap();
    if let Some(service) = runtime.block_on(Service::on_postgres()) {
        conforms(runtime, service);
    }
}
