//! Throw-away database servers for tests, and a proxy that breaks connections to them. For Unix; not published.
//!
//! A server listens on a free port of 127.0.0.1 and keeps its data in a folder under the system's temporary one. Both are
//! gone when the value is dropped, when its test panics, and when the whole process is killed: a shell of two lines waits
//! for the process to end, kills the server and removes the folder. So a server may live in a `static`, one for a test
//! binary:
//!
//! ```
//! use countersign_store_testing::{Durability, Redis, available};
//! use std::sync::LazyLock;
//!
//! static SERVER: LazyLock<Option<Redis>> = LazyLock::new(|| available(Redis::start(Durability::Fast)));
//!
//! // In every test:
//! # fn test() {
//! let Some(server) = &*SERVER else { return };
//! assert!(server.url().starts_with("redis://127.0.0.1:"));
//! # }
//! # test();
//! ```
//!
//! The module `bench` (behind the feature of the same name) measures verifiers over a store.
//!
//! Where the server's programs are not installed, [`available`] prints `skipped: no redis` to standard error, past the
//! capture of the test harness; with `COUNTERSIGN_SKIP_NOTHING=1` it panics instead.
//!
//! | server | programs (Debian package) |
//! |---|---|
//! | [`Postgres`] | `initdb`, `postgres`, `pg_isready` (`postgresql`) |
//! | [`MariaDb`] | `mariadbd`, `mariadb-install-db`, `mariadb-admin` (`mariadb-server`) |
//! | [`Redis`], [`RedisCluster`] | `redis-server`, `redis-cli` (`redis-server`, `redis-tools`) |

#[cfg(feature = "bench")]
pub mod bench;
mod durability;
mod fault;
mod folder;
mod maria_db;
mod postgres;
mod process;
mod programs;
mod proxy;
mod redis;
mod redis_cluster;
mod start_error;

pub use durability::Durability;
pub use fault::Fault;
pub use maria_db::MariaDb;
pub use postgres::Postgres;
pub use proxy::Proxy;
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use start_error::{StartError, available};
