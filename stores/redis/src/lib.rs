//! A store for [`countersign`], the second factor, on a Redis server or cluster.
//!
//! # Example
//!
//! ```no_run
//! use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
//! use countersign_redis::RedisStore;
//! use redis::Client;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::new(Client::open("redis://127.0.0.1/")?);
//! for setting in store.unsafe_settings().await? {
//!     eprintln!("{setting}");
//! }
//!
//! // 32 random bytes, the same at every start.
//! let key = std::fs::read("/run/secrets/second-factor-key")?;
//! let key = SealingKey::from_bytes(key.as_slice().try_into()?);
//! let keyring = Keyring::new(KeyId::new(1), key);
//! let verifier = Verifier::builder(store, keyring, "Example").build()?;
//!
//! let receipt = verifier.verify(&AccountId::new("4711")?, "123456").await?;
//! # Ok(())
//! # }
//! ```
//!
//! The page of [`RedisStore`] describes how the store works. For TLS, enable `tokio-rustls-comp` or
//! `tokio-native-tls-comp` on your own dependency on `redis`, and open a client for `rediss://`.
//!
//! # What it needs
//!
//! - Rust 1.89.
//! - A Redis or Valkey server with the commands of Redis 4. The tests use Redis 7.0 and Valkey 9.1.
//! - `EVAL` and `EVALSHA`. [`Error::NotPermitted`] lists the permissions of the Redis user.
//! - The address of the primary, or the addresses of the sentinels ([`RedisStore::sentinel`]). If
//!   the server turns out to be a replica, the store refuses it and connects again at the next
//!   call.
//!
//! # Settings of the server
//!
//! With its default settings, Redis answers before a write is durable. A limit of memory can make
//! it delete records. A second factor needs these settings:
//!
//! | setting | reason |
//! |---|---|
//! | `appendonly yes` | otherwise a restart undoes all writes since the last snapshot |
//! | `appendfsync always` | `everysec` loses the last second or two in a power failure |
//! | `no-appendfsync-on-rewrite no` | otherwise a power failure loses writes during a rewrite |
//! | `maxmemory-policy noeviction` | other policies delete records; the account is then *absent* |
//!
//! With replicas, a second factor also needs these settings:
//!
//! | setting | reason |
//! |---|---|
//! | `replica-read-only yes` | otherwise a replica answers loads, perhaps with old data |
//! | [`with_replicas`](RedisStore::with_replicas) | an answer comes when all replicas have what it says |
//! | `min-replicas-to-write 1` | a primary that is cut off stops answering loads after a while |
//!
//! [`unsafe_settings`](RedisStore::unsafe_settings) checks the settings of the first table. Call it
//! when your service starts. A record takes about 900 bytes of memory per account.
//!
//! # What Redis can lose with these settings
//!
//! Redis copies a write to its replicas after it has answered. If the primary fails before a
//! replica has the write, and that replica takes over, the write **is lost, although it was
//! answered**. The same happens if you restore a snapshot or an older file.
//!
//! [`with_replicas`](RedisStore::with_replicas) with the number of *all* replicas prevents this
//! (`WAIT`). The store refuses a smaller number. `docs/clusters.md` has the counts, with two
//! replicas, Sentinel and 64 accounts:
//!
//! | fault | the store waits for | answered writes | lost |
//! |---|---|---|---|
//! | the primary is cut off for 12 s | nothing | 97,597 | 77,057 |
//! | the same, with `min-replicas-to-write 1` | nothing | 55,819 | 37,746 |
//! | the primary and a replica are cut off for 12 s | 1 replica | 4,943 | 3,469 |
//! | each of these faults, or a kill | all replicas | 1,253 to 1,447 | 0 |
//!
//! Two risks remain. `WAIT` counts a replica that has the write in memory, but perhaps not on disk,
//! so a power failure of all servers can lose it. The store does not use `WAITAOF` of Redis 7.2,
//! which counts the servers that have the write on disk. And an operator can promote a replica that
//! was down for a while.
//!
//! What an attacker gains by a lost write:
//!
//! - A passcode was accepted: **a replay**. An attacker who saw the passcode can use it again while
//!   it is in the window, 90 seconds by default.
//! - A backup code was accepted: an attacker who saw the code can use it again until the user
//!   issues new ones.
//! - A guess was wrong: the guess is not counted.
//! - An authenticator was removed, or backup codes were issued: the old ones work again.
//! - An enrollment was confirmed: the account has no second factor. Keep your own `enrolled` flag,
//!   and treat *flag set and absent* as an error.
//!
//! If you cannot accept such a loss, store the second factors in a database that answers when a
//! majority of its servers has the write.

mod error;
mod failure;
mod keys;
mod pagination;
mod script;
mod server;

mod store;
mod unsafe_settings;
mod vigilance;

pub use error::Error;
pub use keys::PrefixError;
pub use pagination::{Cursor, Page};
pub use store::RedisStore;
pub use unsafe_settings::UnsafeSetting;
pub use vigilance::RedisVigilance;
