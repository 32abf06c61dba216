use std::sync::Arc;

use countersign::AccountId;
use countersign_etcd::EtcdStore;
use countersign_store_testing::bench::{Database, Error, REVISION, Table};
use countersign_store_testing::{Durability, Etcd, available};
use data_encoding::BASE64;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

/// The HTTP client that the store uses, without the store.
#[derive(Clone)]
struct Driver {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

pub(crate) struct Server {
    driver: Driver,
    server: Etcd,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    driver: Driver,
    store: EtcdStore,
    prefix: Arc<str>,
    bytes: u64,
}

#[derive(Deserialize)]
struct Loaded {
    kvs: [Pair; 1],
}

#[derive(Deserialize)]
struct Pair {
    value: String,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    succeeded: bool,
}

#[derive(Deserialize)]
struct Status {
    version: String,
    #[serde(rename = "dbSizeInUse")]
    bytes_in_use: String,
}

impl Driver {
    async fn ask<T: for<'a> Deserialize<'a>>(&self, path: &str, body: String) -> Result<T, Error> {
        let request = Request::post(format!("{}{path}", self.url));
        let request = request.body(Full::new(body.into()))?;
        let answer = self.client.request(request).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }

    async fn status(&self) -> Result<Status, Error> {
        self.ask("/v3/maintenance/status", "{}".into()).await
    }
}

impl Database for Server {
    type Table = Accounts;

    const NAME: &'static str = "etcd";
    const PLACE: &'static str = "on disk";

    async fn start(_: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = available(Etcd::start()) else {
            return Ok(None);
        };
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let driver = Driver {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: server.url(),
        };
        Ok(Some(Self { driver, server }))
    }

    async fn describe(&self) -> Result<String, Error> {
        let version = self.driver.status().await?.version;
        Ok(format!(
            "etcd {version}, one member, the JSON gateway over TCP. Driver and store have connections of their own."
        ))
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts, Error> {
        let prefix: Arc<str> = format!("accounts-{rows}").into();
        let before = self.driver.status().await?.bytes_in_use;
        let value = BASE64.encode(&value(REVISION, record));
        let all: Vec<u32> = (1..=rows).collect();
        for some in all.chunks(AT_ONCE) {
            let puts: Vec<_> = some
                .iter()
                .map(|account| {
                    let key = BASE64.encode(format!("{prefix}:{account}").as_bytes());
                    format!(r#"{{"requestPut":{{"key":"{key}","value":"{value}"}}}}"#)
                })
                .collect();
            let body = format!(r#"{{"success":[{}]}}"#, puts.join(","));
            let filled: Written = self.driver.ask("/v3/kv/txn", body).await?;
            if !filled.succeeded {
                return Err("the accounts were not written".into());
            }
        }
        let after = self.driver.status().await?.bytes_in_use;
        Ok(Accounts {
            driver: self.driver.clone(),
            store: EtcdStore::new([self.server.url()])?.with_prefix(&prefix)?,
            prefix,
            bytes: after.parse::<u64>()?.saturating_sub(before.parse()?),
        })
    }
}

impl Accounts {
    fn key(&self, account: &AccountId) -> String {
        BASE64.encode(format!("{}:{account}", self.prefix).as_bytes())
    }
}

impl Table for Accounts {
    type Store = EtcdStore;

    fn store(&self) -> EtcdStore {
        self.store.clone()
    }

    async fn read(&self, account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
        let body = format!(r#"{{"key":"{}"}}"#, self.key(account));
        let Loaded { kvs: [pair] } = self.driver.ask("/v3/kv/range", body).await?;
        let value = BASE64.decode(pair.value.as_bytes())?;
        let (revision, record) = value.split_first_chunk().ok_or("the value is too short")?;
        Ok((i64::from_be_bytes(*revision), record.to_vec()))
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        let key = self.key(account);
        let value = BASE64.encode(&value(revision, record));
        // The values with this revision are between these two.
        let [low, high] = [Some(expected), expected.checked_add(1)]
            .map(|bound| BASE64.encode(&bound.unwrap_or(i64::MAX).to_be_bytes()));
        let body = format!(
            r#"{{"compare":[{{"key":"{key}","target":"VALUE","result":"GREATER","value":"{low}"}},{{"key":"{key}","target":"VALUE","result":"LESS","value":"{high}"}}],"success":[{{"requestPut":{{"key":"{key}","value":"{value}"}}}}]}}"#
        );
        let Written { succeeded } = self.driver.ask("/v3/kv/txn", body).await?;
        Ok(succeeded)
    }

    async fn bytes(&self) -> Result<u64, Error> {
        Ok(self.bytes)
    }
}

fn value(revision: i64, record: &[u8]) -> Vec<u8> {
    let mut value = revision.to_be_bytes().to_vec();
    value.extend_from_slice(record);
    value
}

/// The number of accounts per transaction. etcd allows 128 operations.
const AT_ONCE: usize = 128;
