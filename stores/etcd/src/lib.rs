//! A store for [`countersign`], the second factor, on an etcd cluster.
//!
//! # Example
//!
//! ```no_run
//! use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
//! use countersign_etcd::EtcdStore;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = EtcdStore::new([
//!     "http://10.0.0.1:2379",
//!     "http://10.0.0.2:2379",
//!     "http://10.0.0.3:2379",
//! ])?;
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
//! The page of [`EtcdStore`] describes how the store works. For TLS, see
//! [`EtcdStore::with_connector`]; for a user and a password, [`EtcdStore::with_user`].
//!
//! # What it needs
//!
//! - Rust 1.89, and a tokio runtime.
//! - etcd 3.4 or later. The tests use etcd 3.4.23; run the conformance suite on another version.
//! - The JSON gateway of etcd, which is on by default (`--enable-grpc-gateway`). If you set
//!   `--listen-client-http-urls`, give these URLs.
//!
//! # What a cluster guarantees
//!
//! etcd answers a write after a majority of the members has it on disk. So an answered write
//! survives the loss of any minority. Three members survive the loss of one, and five the loss of
//! two. Without a majority, every call fails and nothing is accepted. All members serve the same
//! data, so it does not matter which one the store asks.
//!
//! The tests race on three members, with a killed leader, a paused leader, and all members killed
//! at once. They find no lost write and no revision that two writes replaced.
//!
//! # Settings of the server
//!
//! | setting | reason |
//! |---|---|
//! | three or five members | a single member is lost with its disk |
//! | `--auto-compaction-retention` | otherwise etcd keeps each replaced record, until it is full |
//! | `--quota-backend-bytes` | a full database refuses writes, and so sign-ins ([`Error::NoSpace`]) |
//! | no `--unsafe-no-fsync` | otherwise a power failure loses answered writes |
//!
//! If you restore a snapshot, all writes after it are lost:
//!
//! | what was lost | what an attacker gains |
//! |---|---|
//! | an accepted passcode | the passcode works again, while it is in the window of 90 seconds |
//! | an accepted backup code | the code works again, until the user issues new ones |
//! | a wrong guess | the guess is not counted |
//! | a removed authenticator, or new backup codes | the old ones work again |
//! | a confirmed enrollment | the account has no second factor |
//!
//! So keep your own `enrolled` flag. If the flag is set and the status is `Absent`, refuse the
//! login.

mod answer;
mod endpoints;
mod error;
mod gateway;
mod keys;
mod login;
mod request;
mod store;
mod value;

pub use endpoints::EndpointError;
pub use error::Error;
pub use keys::PrefixError;
pub use store::EtcdStore;
