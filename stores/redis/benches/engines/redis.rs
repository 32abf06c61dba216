use std::time::Duration;

use countersign::AccountId;
use countersign_redis::RedisStore;
use countersign_store_testing::bench::{Database, Error, REVISION, Table};
use countersign_store_testing::{Durability, Redis, available};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, InfoDict, Script, cmd};

pub(crate) struct Server {
    client: Client,
    connection: MultiplexedConnection,
    _server: Redis,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    connection: MultiplexedConnection,
    store: RedisStore,
    prefix: String,
    write: Script,
    bytes: u64,
}

impl Server {
    async fn info<T: FromRedisValue>(&self, name: &str) -> Result<T, Error> {
        let mut connection = self.connection.clone();
        let info: InfoDict = cmd("INFO").query_async(&mut connection).await?;
        info.get(name)
            .ok_or_else(|| format!("INFO lacks {name}").into())
    }

    /// Rewrites the append-only file now, because the server would otherwise do so during a
    /// measurement.
    async fn rewrite(&self) -> Result<(), Error> {
        let mut connection = self.connection.clone();
        let () = cmd("BGREWRITEAOF").query_async(&mut connection).await?;
        while self.info::<u8>("aof_rewrite_in_progress").await? != 0
            || self.info::<u8>("aof_rewrite_scheduled").await? != 0
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Accounts {
    fn key(&self, account: &AccountId) -> String {
        format!("{}{{{account}}}", self.prefix)
    }
}

impl Database for Server {
    type Table = Accounts;

    const NAME: &'static str = "redis";
    const PLACE: &'static str = "in memory";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = available(Redis::start(durability)) else {
            return Ok(None);
        };
        let client = Client::open(server.url())?;
        // Like the connection of the store, which has its own time limits.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connection.await?;
        let mut never = cmd("CONFIG");
        never.arg("SET").arg("auto-aof-rewrite-percentage").arg(0);
        let () = never.query_async(&mut connection).await?;
        Ok(Some(Self {
            connection,
            client,
            _server: server,
        }))
    }

    async fn describe(&self) -> Result<String, Error> {
        let version: String = self.info("redis_version").await?;
        let mut connection = self.connection.clone();
        let mut get = cmd("CONFIG");
        get.arg("GET").arg("append[of]*");
        let mut settings: Vec<(String, String)> = get.query_async(&mut connection).await?;
        settings.retain(|(name, _)| name == "appendonly" || name == "appendfsync");
        settings.sort_unstable();
        let settings: String = settings
            .iter()
            .map(|(name, value)| format!(", {name} = {value}"))
            .collect();
        Ok(format!(
            "Redis {version}{settings}, a connection over TCP each for driver and store."
        ))
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts, Error> {
        let prefix = format!("accounts_{rows}:");
        let mut connection = self.connection.clone();
        let before: u64 = self.info("used_memory").await?;
        let fill = Script::new(FILL);
        for first in (1..=rows).step_by(AT_ONCE) {
            let last = first.saturating_add(LAST).min(rows);
            let mut fill = fill.arg(&prefix);
            fill.arg(first).arg(last).arg(REVISION).arg(record);
            let () = fill.invoke_async(&mut connection).await?;
        }
        self.rewrite().await?;
        let after: u64 = self.info("used_memory").await?;
        Ok(Accounts {
            connection,
            store: RedisStore::new(self.client.clone()).with_prefix(&prefix)?,
            prefix,
            write: Script::new(WRITE),
            bytes: after.saturating_sub(before),
        })
    }
}

impl Table for Accounts {
    type Store = RedisStore;

    fn store(&self) -> RedisStore {
        self.store.clone()
    }

    async fn read(&self, account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
        let mut read = cmd("HMGET");
        read.arg(self.key(account)).arg("revision").arg("record");
        Ok(read.query_async(&mut self.connection.clone()).await?)
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        let mut write = self.write.key(self.key(account));
        write.arg(expected).arg(revision).arg(record);
        Ok(write.invoke_async(&mut self.connection.clone()).await?)
    }

    async fn bytes(&self) -> Result<u64, Error> {
        Ok(self.bytes)
    }
}

const WRITE: &str = "
    if redis.call('HGET', KEYS[1], 'revision') ~= ARGV[1] then
        return 0
    end
    redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'record', ARGV[3])
    return 1";

/// The same fields as the store writes.
const FILL: &str = "
    for account = tonumber(ARGV[2]), tonumber(ARGV[3]) do
        local key = ARGV[1] .. '{' .. string.format('%d', account) .. '}'
        redis.call('HSET', key, 'revision', ARGV[4], 'record', ARGV[5],
            'enabled', '1', 'codes_left', '10', 'key_id', '1')
    end";
/// The number of accounts per script. They take the server some milliseconds, during which no other
/// call is answered.
const AT_ONCE: usize = 1000;
/// The last account of a script, relative to the first.
const LAST: u32 = 999;
