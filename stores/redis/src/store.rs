use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
use redis::{Client, FromRedisValue, RedisError, Value};

use crate::keys::Keys;
use crate::script::{Call, Replicas, Scripts};
use crate::server::{Deadline, Server};
use crate::{
    Cursor, Error, Page, PrefixError, UnsafeSetting, failure, pagination, unsafe_settings,
};

/// A store on a Redis server or cluster, over connections of its own.
///
/// Clones share the connections: one to a server, or one to each node of a cluster. All calls share
/// a connection at the same time. The first call that needs a connection opens it on its own tokio
/// runtime.
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
/// # One script per call
///
/// A call is one script on the account's key, in one round trip. Redis runs a script without
/// interruption, so a conditional write is atomic. If the server does not know the script, the
/// store sends its text in one more round trip.
///
/// A load is a script too. It includes a command that Redis treats as a write. So a replica refuses
/// a load. A primary also refuses a load if it has fewer connected replicas than its
/// `min-replicas-to-write`. In both cases, the data on the server may be old.
///
/// # Lost answers, time-outs, dropped futures
///
/// The store sends a write once. If its answer is lost, the call fails, and the verifier sends the
/// same write again. The script then finds the revision of this write on the key, and answers
/// `Done`. An erasure leaves no revision, so a repeated erasure is `Stale`. The verifier then loads
/// the account, and finds that it is gone, as intended. A load changes nothing, so the store sends
/// a load again, once, if the connection was broken.
///
/// If an answer does not come in time, the call fails. The next call opens a new connection,
/// because the old connection may never answer. The driver's own connection manager would keep the
/// old connection. Other calls on the old connection wait for their own time limit. If you drop a
/// future, the connection stays usable, and its write is applied completely or not at all.
///
/// # In a cluster
///
/// The store asks the nodes themselves which node owns an account, and follows their redirections
/// (`MOVED`, `ASK`), also while slots move. A failed node affects only its own accounts. After a
/// failover, the next call finds the new primary. Every node must be reachable at the address that
/// it announces.
///
/// # Keys
///
/// The key of an account is `PREFIX{ACCOUNT}`. A cluster hashes the part between the first `{` and
/// the next `}`. So your own keys with the same `{ACCOUNT}` are on the same node, and you can use
/// both in one script or transaction. An id may contain braces; the cluster then hashes another
/// part of the key. Different accounts have different keys.
///
/// The value is a hash with the fields `revision` and `record`. The fields `enabled` (0 or 1),
/// `codes_left` and `key_id` are the [`Summary`](countersign::store::Summary) of the record. Use
/// them for queries only, never for decisions, because they are not authenticated. The key has no
/// time to live. If other software sets one, a load removes it.
#[derive(Clone)]
pub struct RedisStore {
    server: Arc<Server>,
    scripts: Arc<Scripts>,
    keys: Arc<Keys>,
    limit: Duration,
    replicas: u32,
    accepts_loss: bool,
}

impl RedisStore {
    /// Makes a store on one server, with keys that begin with `countersign:` and a time limit of 3
    /// seconds per call. It connects at the first call.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::on(Server::single(client))
    }

    /// Makes a store on a cluster, from some or all of its nodes.
    ///
    /// The store learns the other nodes from these. It connects to them with the user, password,
    /// TLS and socket options of the first node.
    ///
    /// # Errors
    /// [`RedisError`] if there is no node, or if a node is a socket in the file system.
    pub fn cluster(nodes: impl IntoIterator<Item = Client>) -> Result<Self, RedisError> {
        Ok(Self::on(Server::cluster(nodes)?))
    }

    /// Makes a store on the primary that these sentinels name, also after a failover.
    ///
    /// The host in the URL of `primary` is the name that the sentinels monitor. The store connects
    /// to the primary with the user, password, TLS and socket options of `primary`. A client of a
    /// sentinel has its own.
    ///
    /// ```no_run
    /// use countersign_redis::RedisStore;
    /// use redis::Client;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sentinels = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|host| (host, 26_379));
    /// let sentinels = sentinels.into_iter().map(Client::open).collect::<Result<Vec<_>, _>>()?;
    /// let primary = Client::open("redis://:password@records/")?;
    /// let store = RedisStore::sentinel(sentinels, primary)?.with_replicas(2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RedisError`] if there is no sentinel, or if `primary` is a socket in the file system.
    pub fn sentinel(
        sentinels: impl IntoIterator<Item = Client>,
        primary: Client,
    ) -> Result<Self, RedisError> {
        Ok(Self::on(Server::behind_sentinels(sentinels, primary)?))
    }

    fn on(server: Server) -> Self {
        Self {
            server: Arc::new(server),
            scripts: Arc::new(Scripts::new()),
            keys: Arc::new(Keys::default()),
            limit: LIMIT,
            replicas: 0,
            accepts_loss: false,
        }
    }

    /// Sets the prefix of the keys, which are `PREFIX{ACCOUNT}`.
    ///
    /// # Errors
    /// [`PrefixError`] unless the prefix is 1 to 64 visible ASCII characters without braces.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, PrefixError> {
        let keys = Arc::new(Keys::new(prefix)?);
        Ok(Self { keys, ..self })
    }

    /// Sets the time limit per call; the default is 3 seconds. An attempt to connect takes at most
    /// a third of this time.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Answers a call only after `count` replicas have what it wrote or read (`WAIT`).
    ///
    /// If they do not confirm within half the time limit, the call fails with
    /// [`NotReplicated`](Error::NotReplicated). The verifier treats this error as a lost answer,
    /// and sends the write again. The repeated call waits again, but does not change the record
    /// again. A load waits too, because the verifier accepts a code if a load shows that an earlier
    /// write has recorded it.
    ///
    /// Set `count` to the number of *all* replicas of each primary. Then every replica that can
    /// take over has the write. But every call fails while a replica is down, so nobody signs in.
    /// While a call waits, the calls behind it on the same connection wait too.
    ///
    /// By default, a write is done when the primary has it. That is right for a server without
    /// replicas. The store asks the server for the number of its replicas (`ROLE`), when it
    /// connects and then once a minute. If there are more replicas than `count`, every call fails
    /// with [`MoreReplicas`](Error::MoreReplicas).
    #[must_use]
    pub fn with_replicas(self, count: u32) -> Self {
        Self {
            replicas: count,
            ..self
        }
    }

    /// Accepts a server with more replicas than a write waits for. **After a failover, accepted
    /// codes may come back**: a replica that takes over may lack them, and accepts them again. It
    /// may also lack counted guesses and a whole second factor.
    ///
    /// `docs/clusters.md` counts the losses. When the network was cut for 12 seconds, 63 of 64
    /// accounts accepted a code twice.
    #[must_use]
    pub fn danger_accepted_codes_may_come_back(self) -> Self {
        Self {
            accepts_loss: true,
            ..self
        }
    }

    /// Returns a page of accounts, for `reseal` and for reports (`SCAN`).
    ///
    /// Begin with [`Cursor::default`], and continue with the page's `next` until it is `None`.
    ///
    /// An account that exists during the whole listing is on at least one page, perhaps on two. An
    /// account that is created or erased during that time may be missing. If a server restarts, a
    /// replica takes over, or slots move, some accounts may be missing. So repeat the whole listing
    /// for `reseal`, until one listing changes nothing.
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
    /// [`Error`] if the server cannot be read; [`Error::CursorExpired`] if the node of the cursor
    /// stores no accounts any more.
    pub async fn accounts(&self, cursor: Cursor) -> Result<Page, Error> {
        pagination::page(&self.server, &self.keys, cursor, Deadline::new(self.limit)).await
    }

    /// Returns the settings with which the server, or a primary of the cluster, can lose or delete
    /// records. An empty answer means that these settings are safe.
    ///
    /// Call it when your service starts, or from your monitoring. The Redis user needs the
    /// permission `+config|get`. The method cannot check replicas, disks and backups.
    ///
    /// # Errors
    /// [`Error`] if the settings cannot be read.
    pub async fn unsafe_settings(&self) -> Result<Vec<UnsafeSetting>, Error> {
        unsafe_settings::unsafe_settings(&self.server, Deadline::new(self.limit)).await
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// The replicas that must have what a call wrote or read.
    fn awaited(&self) -> Option<Replicas> {
        (self.replicas > 0).then(|| Replicas {
            count: self.replicas,
            timeout: self.limit.checked_div(2).unwrap_or_default(),
        })
    }

    /// Fails if too few replicas confirmed, as the answer of `WAIT` says.
    fn confirmed(&self, of_wait: &Value) -> Result<(), Error> {
        match *of_wait {
            Value::Int(acknowledged) if acknowledged < i64::from(self.replicas) => {
                Err(Error::NotReplicated {
                    acknowledged,
                    wanted: self.replicas,
                })
            }
            _ => Ok(()),
        }
    }

    /// The number of replicas that a server may have.
    fn most_replicas(&self) -> Option<u32> {
        (!self.accepts_loss).then_some(self.replicas)
    }

    /// The answers of a script and of `WAIT`.
    pub(crate) async fn answer(
        &self,
        call: &Call<'_>,
        deadline: Deadline,
    ) -> Result<(Value, Value), Error> {
        let answers = self.server.call(call, deadline).await?;
        let mut answers = answers.into_iter().map(Value::extract_error);
        let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
        let (of_script, of_wait) = (next(), next());
        let error = |error| {
            if failure::is_wrong_type(&error) {
                return corrupt(call, error);
            }
            failure::error(error)
        };
        // After the script, nothing may claim that nothing was written.
        Ok((of_script.map_err(error)?, of_wait.map_err(Error::Server)?))
    }
}

impl Store for RedisStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let deadline = Deadline::new(self.limit);
        let key = self.keys.key(account);
        let mut call = self.scripts.load.call(&key);
        let awaited = self.awaited();
        if awaited.is_some() {
            call = call.with("1");
        }
        let call = call.replicated(awaited).on_at_most(self.most_replicas());
        let answer = match self.answer(&call, deadline).await {
            // The connection may have broken long ago. A load changes nothing, so a second load is
            // safe.
            Err(Error::Disconnected(_)) => self.answer(&call, deadline).await,
            answer => answer,
        };
        let (answer, of_wait) = answer?;
        self.confirmed(&of_wait)?;
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let key = self.keys.key(account);
        let text = |revision: Revision| revision.as_i64().to_string();
        let call = self.scripts.write.call(&key);
        let mut call = call.with(write.expected().map(text).unwrap_or_default());
        call = call.with(text(write.revision()));
        if let Some(record) = write.record() {
            let summary = write.summary();
            call = call.with(record);
            call = call.with(u8::from(summary.enabled).to_string());
            call = call.with(summary.codes_left.to_string());
            call = call.with(summary.key.get().to_string());
        }
        let call = call.replicated(self.awaited());
        let call = call.on_at_most(self.most_replicas());
        let (answer, of_wait) = self.answer(&call, Deadline::new(self.limit)).await?;
        match answer {
            Value::Int(DONE) => self.confirmed(&of_wait).map(|()| WriteResult::Done),
            Value::Int(STALE) => Ok(WriteResult::Stale),
            _ => Err(corrupt(&call, "it lacks a revision")),
        }
    }
}

pub(crate) fn corrupt(
    call: &Call<'_>,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    Error::CorruptKey {
        key: call.key().to_owned(),
        source: source.into(),
    }
}

impl fmt::Debug for RedisStore {
    /// Shows no users and no passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("server", &self.server)
            .field("prefix", &self.keys.prefix())
            .field("limit", &self.limit)
            .field("replicas", &self.replicas)
            .field("accepts_loss", &self.accepts_loss)
            .finish()
    }
}

// The answers of the write script.
const DONE: i64 = 1;
const STALE: i64 = 0;

const LIMIT: Duration = Duration::from_secs(3);
