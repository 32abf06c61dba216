//! The vigilance of several processes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign::Timestamp;
use countersign::runtime::{RandomSource, SystemRandom};
use countersign::vigilance::{AlarmRules, DayKey, DayStatus, History, Observation, Vigilance};
use redis::{FromRedisValue, RedisError, Value};

use crate::script::{Call, Script};
use crate::server::Deadline;
use crate::store::corrupt;
use crate::{Error, RedisStore};

/// A [`Vigilance`] on a Redis server or cluster: [`RedisStore::vigilance`]. All processes share the
/// counts.
///
/// ```no_run
/// use countersign::{KeyId, Keyring, SealingKey, Verifier};
/// use countersign_redis::RedisStore;
/// use redis::Client;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
/// let store = RedisStore::new(Client::open("redis://127.0.0.1/")?);
/// let vigilance = store.vigilance();
/// let verifier = Verifier::builder(store, keyring, "Example").vigilance(vigilance).build()?;
/// # Ok(())
/// # }
/// ```
///
/// The second factors themselves may be in another database.
///
/// # Lost answers
///
/// A call is one script in one round trip. The accounts of a day are a set, so a call that is sent
/// twice counts once. If the connection breaks, the vigilance sends the call again, once. A lost
/// server loses at most the counts of the present day, and the days before if it loses its data.
///
/// # Keys
///
/// The keys are `PREFIX{vigilance}:accounts`, `PREFIX{vigilance}:day` and
/// `PREFIX{vigilance}:history`, on one node of a cluster. Accounts are keyed hashes. The key of the
/// day is next to them, so until the day is over, whoever reads the server can find out which
/// accounts had a wrong code. The first call of the next day deletes both. Without any call, they
/// expire after two days at the latest. Files and backups of the server keep them longer.
#[derive(Clone)]
pub struct RedisVigilance {
    store: RedisStore,
    rules: AlarmRules,
    random: Arc<dyn RandomSource>,
    scripts: Arc<Scripts>,
    keys: Arc<[String; 3]>,
    today: Arc<Mutex<Option<Today>>>,
}

struct Scripts {
    observe: Script,
    new_day: Script,
}

/// The key that this process knows.
struct Today {
    day: u64,
    key: DayKey,
}

/// The answer of `observe.lua`.
struct Answer {
    kind: String,
    day: Option<u64>,
    history: History,
    accounts: u32,
    key: Vec<u8>,
}

impl RedisStore {
    /// Returns a vigilance on the same server, which counts the accounts with wrong codes of all
    /// processes. It shares the connections, the prefix and the time limit.
    #[must_use]
    pub fn vigilance(&self) -> RedisVigilance {
        RedisVigilance::new(self.clone())
    }
}

impl RedisVigilance {
    fn new(store: RedisStore) -> Self {
        let prefix = store.keys().prefix();
        let key = |name| format!("{prefix}{{vigilance}}:{name}");
        Self {
            keys: Arc::new([key("accounts"), key("day"), key("history")]),
            rules: AlarmRules::default(),
            random: Arc::new(SystemRandom),
            scripts: Arc::new(Scripts {
                observe: Script::new(include_str!("observe.lua")),
                new_day: Script::new(include_str!("new_day.lua")),
            }),
            today: Arc::default(),
            store,
        }
    }

    /// Sets the rules. All processes need the same. Default: [`AlarmRules::default`].
    #[must_use]
    pub fn with_rules(self, rules: AlarmRules) -> Self {
        Self { rules, ..self }
    }

    /// Sets the random source of the keys. Default: the operating system's.
    #[must_use]
    pub fn with_random(self, random: impl RandomSource + 'static) -> Self {
        let random = Arc::new(random);
        Self { random, ..self }
    }

    fn today(&self) -> MutexGuard<'_, Option<Today>> {
        self.today.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call on the keys of the vigilance.
    fn call<'a>(&'a self, script: &'a Script) -> Call<'a> {
        let (first, more) = match self.keys.split_first() {
            Some((first, more)) => (first.as_str(), more),
            None => ("", &[][..]),
        };
        script.call(first).and_keys(more)
    }

    /// Sends a call. It may be sent twice, because a repetition changes nothing.
    async fn send(&self, call: &Call<'_>) -> Result<Value, Error> {
        let deadline = Deadline::new(self.store.limit());
        let answer = match self.store.answer(call, deadline).await {
            Err(Error::Disconnected(_)) => self.store.answer(call, deadline).await,
            answer => answer,
        };
        Ok(answer?.0)
    }

    async fn try_observe(
        &self,
        observation: Observation<'_>,
        now: Timestamp,
    ) -> Result<Answer, Error> {
        let (event, account) = match observation {
            Observation::WrongCode { account } => ("wrong", Some(account)),
            Observation::AcceptedAfterWrongCode { account } => ("accepted", Some(account)),
            // Also what a later version tells.
            _ => ("", None),
        };
        // A tag under an earlier key is refused, and so is none.
        let (day, tag) = match (&*self.today(), account) {
            (Some(Today { day, key }), Some(account)) => {
                (day.to_string(), key.tag(account).as_bytes().to_vec())
            }
            _ => (String::new(), Vec::new()),
        };
        let resolved_after = now
            .as_unix()
            .saturating_sub(self.rules.resolve_within.as_secs());
        let call = self
            .call(&self.scripts.observe)
            .with(day_of(now).to_string())
            .with(day)
            .with(event)
            .with(tag)
            .with(now.as_unix().to_string())
            .with(resolved_after.to_string());
        let answer = self.send(&call).await?;
        let parts = <(String, String, String, u32, Vec<u8>)>::from_redis_value(answer);
        let (kind, day, history, accounts, key) =
            parts.map_err(|error| corrupt(&call, RedisError::from(error)))?;
        let day = match day.as_str() {
            "" => None,
            day => Some(day.parse().map_err(|error| corrupt(&call, error))?),
        };
        let history = match history.as_str() {
            "" => History::new(),
            text => text.parse().map_err(|error| corrupt(&call, error))?,
        };
        Ok(Answer {
            kind,
            day,
            history,
            accounts,
            key,
        })
    }

    /// Closes the day that is over, and begins the present one.
    async fn begin_day(&self, over: Answer, now: Timestamp) -> Result<(), Error> {
        let mut history = over.history;
        if let Some(day) = over.day {
            history.close(day, over.accounts, &self.rules);
        }
        let key = DayKey::generate(&*self.random).map_err(Error::Random)?;
        let call = self
            .call(&self.scripts.new_day)
            .with(over.day.map(|day| day.to_string()).unwrap_or_default())
            .with(day_of(now).to_string())
            .with(key.expose().as_slice())
            .with(history.to_string());
        self.send(&call).await?;
        Ok(())
    }
}

fn day_of(now: Timestamp) -> u64 {
    const DAY: u64 = 86_400;
    now.as_unix().checked_div(DAY).unwrap_or_default()
}

impl Vigilance for RedisVigilance {
    type Error = Error;

    async fn observe(
        &self,
        observation: Observation<'_>,
        now: Timestamp,
    ) -> Result<DayStatus, Error> {
        // A call needs at most three rounds: the day begins, the key is learnt, the event counts.
        for _ in 0..ROUNDS {
            let answer = self.try_observe(observation, now).await?;
            match answer.kind.as_str() {
                "over" => self.begin_day(answer, now).await?,
                "key" => self.learn(&answer)?,
                _ => return Ok(answer.history.status(answer.accounts, &self.rules)),
            }
        }
        let call = self.call(&self.scripts.observe);
        Err(corrupt(&call, "the day changes again and again"))
    }
}

impl RedisVigilance {
    /// Remembers the key of the day.
    fn learn(&self, answer: &Answer) -> Result<(), Error> {
        let key = <&[u8; 32]>::try_from(answer.key.as_slice());
        let (Some(day), Ok(key)) = (answer.day, key) else {
            let call = self.call(&self.scripts.observe);
            return Err(corrupt(&call, "the key of the day has another length"));
        };
        let key = DayKey::from_bytes(key);
        *self.today() = Some(Today { day, key });
        Ok(())
    }
}

const ROUNDS: usize = 8;

impl fmt::Debug for RedisVigilance {
    /// Shows no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisVigilance")
            .field("store", &self.store)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
