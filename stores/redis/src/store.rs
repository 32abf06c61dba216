use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
use redis::{Client, FromRedisValue, RedisError, Value};

use crate::keys::Keys;
use crate::script::{Call, Replicas, Scripts};
use crate::server::{Server, Time};
use crate::{Cursor, Error, Page, PrefixError, UnsafeSetting, failure, setting, walk};

/// A store on a Redis server or cluster, over connections of its own.
///
/// Clones share the connections: one to a server, and one to each node of a cluster. All calls go through them at the same
/// time. They are made when they are needed, by the tokio runtime of the call that needs one.
///
/// ```no_run
/// use countersign_redis::RedisStore;
/// use redis::Client;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisStore::new(Client::open("redis://:password@redis.internal/")?)
///     .with_prefix("2fa:")?
///     .with_timeout(Duration::from_secs(2))
///     .with_replicas(1);
///
/// let nodes = ["redis://10.0.0.1/", "redis://10.0.0.2/", "redis://10.0.0.3/"];
/// let nodes = nodes.into_iter().map(Client::open).collect::<Result<Vec<_>, _>>()?;
/// let store = RedisStore::cluster(nodes)?;
/// # Ok(())
/// # }
/// ```
///
/// # What a call is
///
/// One script on the account's key, and one round trip. Redis runs a script from beginning to end with nothing in between,
/// so a swap is atomic. A server that does not know the script yet, or no more, is sent its text: one round trip more.
///
/// A load is a script too, which does what Redis takes for a write. So a replica refuses it, and so does a primary with fewer
/// replicas in step than its `min-replicas-to-write`: what either holds may be old.
///
/// # Lost answers, time-outs, dropped futures
///
/// A swap is sent once. If its answer is lost, it is an error, and the verifier sends the same swap again: the script finds
/// the swap's own revision on the key, and says so. An erasure leaves no revision to find, so if it is sent again it is
/// stale; the verifier then loads, and finds the account gone, which is what was wanted. A load has no effect, so it is sent
/// again, once, when its connection turns out to be broken.
///
/// When an answer does not come in time, the call is an error, and the connection is replaced by a new one at the next
/// call: it may be one on which no answer will ever come again. (The driver's own connection manager keeps it.) What was sent
/// on it before then waits as long. A future that is dropped leaves the connection as it is, and its write lands whole or not
/// at all.
///
/// # In a cluster
///
/// The store asks the nodes themselves who keeps an account, and follows where they send it (`MOVED`, `ASK`), also while
/// slots move. A node that fails concerns the accounts that it keeps, and no others. After a failover the next call finds the
/// new primary. Nodes must be reachable at the addresses that they announce.
///
/// # Keys
///
/// An account's key is `PREFIX{ACCOUNT}`. Of a key with braces a cluster hashes what is between the first `{` and the next
/// `}`, so keys of the host's own with the same `{ACCOUNT}` are on the same node, for scripts and transactions over both.
/// (An id that has braces itself is kept like any other; only what is hashed of it is another part.) No two accounts share a
/// key, in whatever way they are spelled.
///
/// It is a hash: `revision`, `record`, and `enabled` (0 or 1), `codes_left` and `key_id`, the
/// [`Summary`](countersign::store::Summary) of the record: not authenticated, for queries and never for decisions. It has no time to
/// live; a load takes away one that somebody set.
#[derive(Clone)]
pub struct RedisStore {
    server: Arc<Server>,
    scripts: Arc<Scripts>,
    keys: Arc<Keys>,
    limit: Duration,
    replicas: u32,
}

impl RedisStore {
    /// A store on one server, under keys that begin with `countersign:`, with 3 seconds for a call. Nothing is connected
    /// yet.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::on(Server::single(client))
    }

    /// A store on a cluster, of which these are some nodes, or all. The others are learned from them, and are reached with
    /// the user, the password, the TLS and the socket options of the first.
    ///
    /// # Errors
    /// [`RedisError`] if there is no node, or one that is a socket in the file system.
    pub fn cluster(nodes: impl IntoIterator<Item = Client>) -> Result<Self, RedisError> {
        Ok(Self::on(Server::cluster(nodes)?))
    }

    fn on(server: Server) -> Self {
        Self {
            server: Arc::new(server),
            scripts: Arc::new(Scripts::new()),
            keys: Arc::new(Keys::default()),
            limit: LIMIT,
            replicas: 0,
        }
    }

    /// Keeps the records under keys that begin with another text: `PREFIX{ACCOUNT}`.
    ///
    /// # Errors
    /// [`PrefixError`] if it is anything but 1 to 64 visible ASCII characters without braces.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, PrefixError> {
        let keys = Arc::new(Keys::new(prefix)?);
        Ok(Self { keys, ..self })
    }

    /// Bounds every call by another time than 3 seconds. A third of it is for an attempt to connect.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Answers a write only when so many replicas have it too (`WAIT`), and with the error
    /// [`NotReplicated`](Error::NotReplicated) if they do not within half the time-out. That error is treated as a lost
    /// answer, so the verifier sends the swap again, which then waits again and does not write again.
    ///
    /// With the number of replicas that each primary has, whichever takes over has the write; but then no write is answered
    /// while one of them is down. With fewer, one that lacks it can take over. While a write waits, so do the calls behind it
    /// on the same connection.
    ///
    /// By default a write is answered when the primary has it.
    #[must_use]
    pub fn with_replicas(self, count: u32) -> Self {
        Self {
            replicas: count,
            ..self
        }
    }

    /// Some of the accounts, for `reseal` and reports (`SCAN`). Begin with [`Cursor::default`], go on with the page's `next`,
    /// and end when there is none.
    ///
    /// An account that is there all the time is on a page, perhaps on two; one that is created or erased meanwhile may or
    /// may not be. When a server restarts, a replica takes over or slots move during the walk, some may be missed. So reseal
    /// in whole walks, until one of them finds nothing to change.
    ///
    /// ```no_run
    /// # use countersign_redis::{Cursor, Error, RedisStore};
    /// # async fn count(store: RedisStore) -> Result<(), Error> {
    /// let mut cursor = Some(Cursor::default());
    /// while let Some(at) = cursor {
    ///     let page = store.accounts(at).await?;
    ///     for account in page.accounts {
    ///         println!("{account}");
    ///     }
    ///     cursor = page.next;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the server cannot be read; [`Error::WalkBroken`] if the node of the cursor keeps no accounts any more.
    pub async fn accounts(&self, cursor: Cursor) -> Result<Page, Error> {
        walk::page(&self.server, &self.keys, cursor, Time::new(self.limit)).await
    }

    /// The settings with which the server, or a primary of the cluster, can lose or drop records: none, if all is well. For
    /// the start of a service, or its monitoring; it takes the permission `+config|get`.
    ///
    /// It does not see what is outside of the server: replicas, disks, backups.
    ///
    /// # Errors
    /// [`Error`] if the settings cannot be read.
    pub async fn unsafe_settings(&self) -> Result<Vec<UnsafeSetting>, Error> {
        setting::unsafe_settings(&self.server, Time::new(self.limit)).await
    }

    /// The answers of a script and of `WAIT`.
    async fn answer(&self, call: &Call<'_>, time: Time) -> Result<(Value, Value), Error> {
        let answers = self.server.call(call, time).await?;
        let mut answers = answers.into_iter().map(Value::extract_error);
        let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
        let (of_script, of_wait) = (next(), next());
        let error = |error| {
            if failure::is_wrong_type(&error) {
                return corrupt(call, error);
            }
            failure::error(error)
        };
        Ok((of_script.map_err(error)?, of_wait.map_err(failure::error)?))
    }
}

impl Store for RedisStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let time = Time::new(self.limit);
        let key = self.keys.key(account);
        let call = self.scripts.load.call(&key);
        let answer = match self.answer(&call, time).await {
            // The connection may have been broken for long. A load has no effect, so it can be sent again.
            Err(Error::Disconnected(_)) => self.answer(&call, time).await,
            answer => answer,
        };
        let (answer, _) = answer?;
        if matches!(answer, Value::Nil) {
            return Ok(None);
        }
        let fields = <(Option<String>, Option<Vec<u8>>)>::from_redis_value(answer);
        let fields = fields.map_err(|error| corrupt(&call, RedisError::from(error)))?;
        let (Some(revision), Some(record)) = fields else {
            return Err(corrupt(&call, "it lacks a revision or a record"));
        };
        let revision = revision.parse().map_err(|error| corrupt(&call, error))?;
        let revision = Revision::from_i64(revision).map_err(|error| corrupt(&call, error))?;
        Ok(Some(StoredRecord::new(record, revision)))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let key = self.keys.key(account);
        let text = |revision: Revision| revision.as_i64().to_string();
        let call = self.scripts.swap.call(&key);
        let mut call = call.with(swap.expected().map(text).unwrap_or_default());
        call = call.with(text(swap.revision()));
        if let Some(record) = swap.record() {
            let summary = swap.summary();
            call = call.with(record);
            call = call.with(u8::from(summary.enabled).to_string());
            call = call.with(summary.codes_left.to_string());
            call = call.with(summary.key.get().to_string());
        }
        let replicas = (self.replicas > 0).then(|| Replicas {
            count: self.replicas,
            patience: self.limit.checked_div(2).unwrap_or_default(),
        });
        let call = call.replicated(replicas);
        let (answer, acknowledged) = self.answer(&call, Time::new(self.limit)).await?;
        match (answer, acknowledged) {
            (Value::Int(DONE), Value::Int(acknowledged))
                if acknowledged < i64::from(self.replicas) =>
            {
                Err(Error::NotReplicated {
                    acknowledged,
                    wanted: self.replicas,
                })
            }
            (Value::Int(DONE), _) => Ok(WriteResult::Done),
            (Value::Int(STALE), _) => Ok(WriteResult::Stale),
            _ => Err(corrupt(&call, "it lacks a revision")),
        }
    }
}

fn corrupt(call: &Call<'_>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::CorruptKey {
        key: call.key().to_owned(),
        source: source.into(),
    }
}

impl fmt::Debug for RedisStore {
    /// Without users and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("server", &self.server)
            .field("prefix", &self.keys.prefix())
            .field("limit", &self.limit)
            .field("replicas", &self.replicas)
            .finish()
    }
}

// What the script answers to a swap.
const DONE: i64 = 1;
const STALE: i64 = 0;

const LIMIT: Duration = Duration::from_secs(3);
