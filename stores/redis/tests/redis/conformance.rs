//! Runs the conformance suite on one server of Redis and of Valkey, with a replica, and on a
//! cluster: with one connection for all handles, and with one per handle.

use std::sync::LazyLock;

use countersign::conformance::{Effort, Harness};
use countersign_redis::RedisStore;
use countersign_store_testing::{Durability, Redis, available, rarest_fault};
use tokio::runtime::Runtime;

use crate::replicas::follow;
use crate::support::{PATIENT, client, in_cluster};

struct Handles<F> {
    runtime: Runtime,
    open: F,
    rarest_fault: u32,
}

impl<F: Fn() -> RedisStore + Sync> Handles<F> {
    fn new(open: F) -> Self {
        Self {
            runtime: Runtime::new().unwrap(),
            open,
            rarest_fault: rarest_fault(20),
        }
    }

    /// All suites run the same code, so only some look for rarer faults than one in 20 calls.
    fn thorough(self) -> Self {
        let rarest_fault = rarest_fault(200);
        Self {
            rarest_fault,
            ..self
        }
    }
}

impl<F: Fn() -> RedisStore + Sync> Harness for Handles<F> {
    type Store = RedisStore;

    fn open(&self) -> RedisStore {
        (self.open)()
    }

    fn block_on<T: Future>(&self, future: T) -> T::Output {
        self.runtime.block_on(future)
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(self.rarest_fault)
    }
}

fn single(url: &str) -> RedisStore {
    RedisStore::new(client(url)).with_timeout(PATIENT)
}

mod one_connection {
    use super::*;
    countersign::conformance_tests!({
        let store = single(&shared!(SINGLE, Ok(())).url());
        Handles::new(move || store.clone()).thorough()
    });
}

mod on_valkey {
    use super::*;
    countersign::conformance_tests!({
        let store = single(&shared!(VALKEY, Ok(())).url());
        Handles::new(move || store.clone())
    });
}

mod with_a_replica {
    use super::*;

    static PAIR: LazyLock<Option<[Redis; 2]>> = LazyLock::new(|| {
        let primary = available(Redis::start_valkey(Durability::Fast))?;
        let replica = available(Redis::start_valkey(Durability::Fast))?;
        let runtime = Runtime::new().unwrap();
        runtime.block_on(follow(&replica, &primary));
        Some([primary, replica])
    });

    countersign::conformance_tests!({
        let Some([primary, _]) = &*PAIR else {
            return Ok(());
        };
        let store = single(&primary.url()).with_replicas(1);
        Handles::new(move || store.clone())
    });
}

mod a_connection_for_each_handle {
    use super::*;
    countersign::conformance_tests!({
        let url = shared!(SINGLE, Ok(())).url();
        Handles::new(move || single(&url))
    });
}

mod one_store_on_a_cluster {
    use super::*;
    countersign::conformance_tests!({
        let store = in_cluster(shared!(CLUSTER, Ok(())));
        Handles::new(move || store.clone()).thorough()
    });
}

mod stores_on_a_cluster {
    use super::*;
    countersign::conformance_tests!({
        let cluster = shared!(CLUSTER, Ok(()));
        Handles::new(|| in_cluster(cluster))
    });
}
