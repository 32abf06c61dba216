//! Temporary database servers and clusters for tests, and a faulty network. For Linux; not
//! published.
//!
//! A server listens on a free port of 127.0.0.1 and keeps its data in a temporary directory. The
//! server is killed and its directory is removed when the value is dropped, when its test panics,
//! and when the whole process is killed. A small shell script waits for the end of the process,
//! kills the server and removes the directory. So a `static` can contain one server per test
//! binary:
//!
//! ```
//! use countersign_store_testing::{Durability, Redis, available};
//! use std::sync::LazyLock;
//!
//! static SERVER: LazyLock<Option<Redis>> =
//!     LazyLock::new(|| available(Redis::start(Durability::Fast)));
//!
//! // In every test:
//! # fn test() {
//! let Some(server) = &*SERVER else { return };
//! assert!(server.url().starts_with("redis://127.0.0.1:"));
//! # }
//! # test();
//! ```
//!
//! The module `bench`, behind the feature `bench`, measures verifiers on a store. The module `sql`,
//! behind the feature `sql`, has accounts and writes for the tests of SQL stores.
//!
//! If the server's programs are not installed, [`available`] prints `skipped: no redis` to standard
//! error, which the test harness does not capture. With `COUNTERSIGN_SKIP_NOTHING=1` it panics
//! instead.
//!
//! | server | programs (Debian package) |
//! |---|---|
//! | [`Postgres`] | `initdb`, `postgres`, `pg_isready` (`postgresql`) |
//! | [`MariaDb`] | `mariadbd`, `mariadb-install-db`, `mariadb-admin` (`mariadb-server`) |
//! | [`Redis::start_valkey`] | `valkey-server` (`valkey-server`, from Debian 13) |
//! | [`Redis`], [`RedisCluster`] | `redis-server`, `redis-cli` (`redis-server`, `redis-tools`) |
//! | [`Etcd`], [`EtcdCluster`] | `etcd` (`etcd-server`) |
//! | [`PostgresPair`] | also `pg_basebackup`, `pg_ctl` (`postgresql`) |
//! | [`PgBouncer`] | `pgbouncer` (`pgbouncer`) |
//! | [`GaleraCluster`] | also `rsync`, and the library of Galera (`rsync`, `galera-4`) |
//! | [`RedisSentinel`] | `redis-server` (`redis-server`) |
//! | [`ReplicatedRedisCluster`] | as [`RedisCluster`] |
//!
//! A [`Proxy`] injects a fault into one request. A [`Relay`] delays and cuts the network between
//! the servers of a cluster.

#[cfg(feature = "bench")]
pub mod bench;
mod durability;
mod etcd;
mod etcd_cluster;
mod example;
mod fault;
mod galera_cluster;
mod maria_db;
mod pg_bouncer;
mod postgres;
mod postgres_pair;
mod process;
mod programs;
mod proxy;
mod rarest_fault;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod relay;
mod replicated_redis_cluster;
mod server_directory;
#[cfg(feature = "sql")]
pub mod sql;
mod start_error;

pub use durability::Durability;
pub use etcd::Etcd;
pub use etcd_cluster::EtcdCluster;
pub use example::{run_example, run_login_example};
pub use fault::Fault;
pub use galera_cluster::GaleraCluster;
pub use maria_db::MariaDb;
pub use pg_bouncer::PgBouncer;
pub use postgres::Postgres;
pub use postgres_pair::PostgresPair;
pub use proxy::Proxy;
pub use rarest_fault::rarest_fault;
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
pub use relay::Relay;
pub use replicated_redis_cluster::ReplicatedRedisCluster;
pub use start_error::{StartError, available};
