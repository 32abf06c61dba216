use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use data_encoding::BASE64;
use hyper_util::client::legacy::connect::Connect;
use serde::Deserialize;

use crate::answer::{RangeAnswer, TxnAnswer};
use crate::endpoints::Endpoints;
use crate::gateway::Gateway;
use crate::keys::Keys;
use crate::login::Login;
use crate::{EndpointError, Error, PrefixError, request, value};

/// A store on an etcd cluster, over its JSON gateway.
///
/// Clones share the connections. A concurrent call takes a connection of its own. Calls need a
/// tokio runtime.
///
/// ```no_run
/// use countersign_etcd::EtcdStore;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let password = String::new();
/// let store = EtcdStore::new(["http://10.0.0.1:2379", "http://10.0.0.2:2379"])?
///     .with_user("second-factor", password)
///     .with_prefix("my-app/2fa")?
///     .with_timeout(Duration::from_secs(3));
/// # Ok(())
/// # }
/// ```
///
/// # One transaction per call
///
/// A load reads one key. A conditional write is one transaction, which compares the revision and
/// writes the key. Each is one round trip. etcd serves a load only after its leader has confirmed
/// with a majority that it leads. So every member gives the latest record.
///
/// # Endpoints
///
/// The store uses the first endpoint, until a call there fails. From then on it uses the next one.
/// If a member cannot be reached, the same call goes to the next endpoint. To spread the load, give
/// each of your servers the endpoints in another order. The endpoints must belong to one cluster;
/// if they do not, calls fail with [`Error::OtherCluster`].
///
/// # Lost answers, time-outs, dropped futures
///
/// The store sends a write once. If its answer is lost, the call fails, and the verifier sends the
/// same write again. If the first copy was applied, the second one is `Stale`. The verifier then
/// finds the write in the history of the record. A load changes nothing, so the store sends it to
/// the next endpoint, or to a single endpoint once more. Each attempt gets an equal share of the
/// time limit.
///
/// If you drop a future, the store closes its connection. Its write is applied completely or not at
/// all.
///
/// # Keys
///
/// The key of an account is `PREFIX:ACCOUNT`. The value is the revision as 8 bytes, big-endian, and
/// then the encrypted record. The transaction compares this revision, and not the `mod_revision` of
/// etcd. The key has no lease. If other software attaches one, the next write removes it.
#[derive(Clone)]
pub struct EtcdStore {
    gateway: Gateway,
    keys: Arc<Keys>,
    limit: Duration,
}

impl EtcdStore {
    /// Makes a store on a cluster, from the URLs of its members (`http://HOST:PORT`). It connects
    /// at the first call. An attempt to connect takes at most a second.
    ///
    /// # Errors
    /// [`EndpointError`] if there is no endpoint, or if one is malformed or needs TLS.
    pub fn new<I>(endpoints: I) -> Result<Self, EndpointError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let endpoints = Endpoints::parse(endpoints)?.without_tls()?;
        Ok(Self::on(Gateway::new(endpoints)))
    }

    /// Makes a store that connects by your own connector, for example a TLS connector of
    /// `hyper-rustls` or `hyper-tls`. The connector authenticates the server. If the server wants
    /// it, the connector authenticates your service by a certificate.
    ///
    /// Limit an attempt to connect to about a second, so that a call can try another member. Do not
    /// offer HTTP/2, which the store does not use.
    ///
    /// ```no_run
    /// use countersign_etcd::EtcdStore;
    /// use hyper_util::client::legacy::connect::HttpConnector;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut connector = HttpConnector::new();
    /// connector.set_nodelay(true);
    /// connector.set_connect_timeout(Some(Duration::from_secs(1)));
    /// connector.enforce_http(false);
    /// // With hyper-rustls:
    /// // let connector = HttpsConnectorBuilder::new()
    /// //     .with_tls_config(tls_config)
    /// //     .https_only()
    /// //     .enable_http1()
    /// //     .wrap_connector(connector);
    /// let store = EtcdStore::with_connector(connector, ["https://etcd-1.internal:2379"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`EndpointError`] if there is no endpoint, or if one is malformed.
    pub fn with_connector<C, I>(connector: C, endpoints: I) -> Result<Self, EndpointError>
    where
        C: Connect + Clone + Send + Sync + 'static,
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let endpoints = Endpoints::parse(endpoints)?;
        Ok(Self::on(Gateway::over(connector, endpoints)))
    }

    fn on(gateway: Gateway) -> Self {
        Self {
            gateway,
            keys: Arc::default(),
            limit: LIMIT,
        }
    }

    /// Logs in as a user of etcd. By default, the store uses no user. Over the JSON gateway, etcd
    /// takes no user from the certificate of a client.
    ///
    /// The role of the user needs `readwrite` on the keys that begin with the prefix and a colon:
    ///
    /// ```sh
    /// etcdctl role grant-permission ROLE --prefix=true readwrite countersign:
    /// ```
    #[must_use]
    pub fn with_user(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        let login = Login::new(user.into(), password.into());
        let gateway = self.gateway.with_login(login);
        Self { gateway, ..self }
    }

    /// Sets the prefix of the keys, which are `PREFIX:ACCOUNT`. Default: `countersign`.
    ///
    /// # Errors
    /// [`PrefixError`] unless the prefix is 1 to 64 visible ASCII characters without a colon.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, PrefixError> {
        let keys = Arc::new(Keys::new(prefix)?);
        Ok(Self { keys, ..self })
    }

    /// Sets the time limit per call; the default is 5 seconds. It is longer than the time in which
    /// etcd elects a new leader, 1 to 2 seconds by default.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Returns the next accounts after `cursor`, at most `limit` and at most 1,000, in the order of
    /// their bytes. Use it for `reseal` and for reports.
    ///
    /// Begin with `None`, and continue with the last account returned. An empty answer is the end.
    /// An account that is created or erased during the listing may be missing; no other account is
    /// missing.
    ///
    /// # Errors
    /// [`Error`] if the cluster cannot be read; [`Error::WrongKey`] if a key with the prefix names
    /// no account.
    pub async fn accounts_after(
        &self,
        cursor: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, Error> {
        if limit == 0 {
            // etcd takes 0 for no limit.
            return Ok(Vec::new());
        }
        let range = self.keys.range_after(cursor);
        let request = request::list(&range, limit.min(PAGE));
        let answer = self.gateway.read(&request, self.limit).await?;
        let (first, _) = &range;
        let answer: RangeAnswer<'_> = parse(first, &answer)?;
        let account = |key: &str| {
            let key = decode(first, key)?;
            self.keys.account(&key).ok_or_else(|| Error::WrongKey {
                key: String::from_utf8_lossy(&key).into_owned(),
            })
        };
        answer.kvs.iter().map(|pair| account(&pair.key)).collect()
    }
}

impl Store for EtcdStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let key = self.keys.key(account);
        let answer = self.gateway.read(&request::load(&key), self.limit).await?;
        let answer: RangeAnswer<'_> = parse(&key, &answer)?;
        let pair = match &answer.kvs[..] {
            [] => return Ok(None),
            [pair] if decode(&key, &pair.key)? == key.as_bytes() => pair,
            _ => return Err(corrupt(&key, "etcd answered with another key")),
        };
        let value = decode(&key, &pair.value)?;
        let record = value::decode(&value).map_err(|error| corrupt(&key, error))?;
        Ok(Some(record))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let key = self.keys.key(account);
        let request = request::write(&key, &write);
        let answer = self.gateway.write(&request, self.limit).await?;
        match parse(&key, &answer)? {
            TxnAnswer { succeeded: true } => Ok(WriteResult::Done),
            TxnAnswer { succeeded: false } => Ok(WriteResult::Stale),
        }
    }
}

/// Reads an answer about this key. The gateway has checked that the answer is etcd's.
fn parse<'a, T: Deserialize<'a>>(key: &str, answer: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|error| corrupt(key, error))
}

fn decode(key: &str, base64: &str) -> Result<Vec<u8>, Error> {
    let bytes = BASE64.decode(base64.as_bytes());
    bytes.map_err(|error| corrupt(key, error))
}

fn corrupt(key: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::CorruptValue {
        key: key.to_owned(),
        source: source.into(),
    }
}

impl fmt::Debug for EtcdStore {
    /// Shows no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore")
            .field("gateway", &self.gateway)
            .field("prefix", &self.keys.prefix())
            .field("limit", &self.limit)
            .finish()
    }
}

const LIMIT: Duration = Duration::from_secs(5);
/// The most accounts in an answer.
const PAGE: u32 = 1000;
