//! A store for [`countersign`], the second factor, on a Redis server or cluster.
//!
//! ```no_run
//! use countersign_redis::RedisStore;
//! use redis::Client;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::new(Client::open("redis://127.0.0.1/")?);
//! for setting in store.unsafe_settings().await? {
//!     eprintln!("{setting}");
//! }
//! // Hand the store to a verifier.
//! # Ok(())
//! # }
//! ```
//!
//! [`RedisStore`] says how it works. For TLS the host enables `tokio-rustls-comp` or `tokio-native-tls-comp` on its own
//! dependency on `redis`, and gives a client for `rediss://`.
//!
//! # What Redis must be set to
//!
//! As it is installed, Redis answers before it keeps anything, and can drop what it has kept. A second factor needs:
//!
//! | setting | why |
//! |---|---|
//! | `appendonly yes` | else a restart takes back all that was written since the last snapshot |
//! | `appendfsync always` | with `everysec`, a loss of power takes back the writes of the last second or two |
//! | `no-appendfsync-on-rewrite no` | else the same, for as long as the file is rewritten |
//! | `maxmemory-policy noeviction` | any other policy deletes records when memory is short; the account is then *absent* |
//! | `replica-read-only yes` | with replicas: else one of them would answer loads with what may be old |
//! | `min-replicas-to-write`, `min-replicas-max-lag` | with replicas: a primary that is cut off from them stops, instead of answering a part of the network |
//! | [`with_replicas`](RedisStore::with_replicas) | with replicas: a write is answered when they have it |
//!
//! [`unsafe_settings`](RedisStore::unsafe_settings) reports the first four, for the start of a service. Records take about
//! 900 bytes of memory for an account.
//!
//! # What Redis can lose all the same
//!
//! Redis copies to its replicas after it has answered. When a primary fails and a replica takes its place, the writes that
//! had not reached that replica are **gone, though they were answered**. The same happens when a snapshot or an older file is
//! put back. `WAIT`, which `with_replicas` uses, makes that rare and does not rule it out: a replica has the write in memory
//! then, perhaps not on its disk, and a failover can choose one that does not have it. (`WAITAOF` of Redis 7.2, which counts
//! disks, is not used.) What a lost write is worth to an attacker:
//!
//! | lost write | what it opens |
//! |---|---|
//! | a passcode was accepted | **a replay window**: who saw it can use it again, for as long as it is in the window: 90 seconds by default |
//! | a backup code was accepted | who saw it can use it again, until its owner issues new ones |
//! | a guess was wrong | that guess was free |
//! | an authenticator was removed, codes were issued | the old ones work again |
//! | an enrollment was confirmed | the account has no second factor; hosts keep a flag of their own and treat *flag set and absent* as an error |
//!
//! A host that cannot live with that keeps its second factors in a database that answers when a majority has the write.
//!
//! # Versions
//!
//! Tested with Redis 7.0. The commands are those of Redis 4, and of Valkey. There is nothing of its own for Sentinel: give an
//! address that leads to the primary (a name, a proxy). A server that turns out to be a replica is refused, and the next call
//! connects anew.
//!
//! The store needs `EVAL` and `EVALSHA`; [`Error::NotPermitted`] names the permissions of its Redis user.

mod error;
mod failure;
mod keys;
mod page;
mod script;
mod server;
mod setting;
mod store;
mod walk;

pub use error::Error;
pub use keys::PrefixError;
pub use page::{Cursor, Page};
pub use setting::UnsafeSetting;
pub use store::RedisStore;
