//! The JSON texts of requests to etcd's gateway. All variable parts are base64, so none needs
//! escapes.

use countersign::store::ConditionalWrite;
use data_encoding::BASE64;
use hyper::body::Bytes;

use crate::value;

/// A request, before it has an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: &'static str,
    pub(crate) body: Bytes,
}

/// Reads one key. Every read is linearizable unless it says `serializable`.
pub(crate) fn load(key: &str) -> Request {
    let key = BASE64.encode(key.as_bytes());
    Request {
        path: RANGE,
        body: format!(r#"{{"key":"{key}"}}"#).into(),
    }
}

/// Reads the first keys of a range, in the order of their bytes.
pub(crate) fn list((first, end): &(String, String), limit: u32) -> Request {
    let [first, end] = [first, end].map(|key| BASE64.encode(key.as_bytes()));
    Request {
        path: RANGE,
        body: format!(
            r#"{{"key":"{first}","range_end":"{end}","keys_only":true,"limit":"{limit}"}}"#
        )
        .into(),
    }
}

/// Compares and writes one key, in one transaction.
pub(crate) fn write(key: &str, write: &ConditionalWrite<'_>) -> Request {
    let key = BASE64.encode(key.as_bytes());
    let compare = match write.expected() {
        None => format!(r#"{{"key":"{key}","target":"VERSION","result":"EQUAL","version":"0"}}"#),
        Some(revision) => {
            let [low, high] = value::bounds(revision).map(|bound| BASE64.encode(&bound));
            format!(
                r#"{{"key":"{key}","target":"VALUE","result":"GREATER","value":"{low}"}},{{"key":"{key}","target":"VALUE","result":"LESS","value":"{high}"}}"#
            )
        }
    };
    let then = match write.record() {
        None => format!(r#"{{"requestDeleteRange":{{"key":"{key}"}}}}"#),
        Some(record) => {
            let value = BASE64.encode(&value::encode(write.revision(), record));
            format!(r#"{{"requestPut":{{"key":"{key}","value":"{value}"}}}}"#)
        }
    };
    Request {
        path: TXN,
        body: format!(r#"{{"compare":[{compare}],"success":[{then}]}}"#).into(),
    }
}

pub(crate) const AUTHENTICATE: &str = "/v3/auth/authenticate";
const RANGE: &str = "/v3/kv/range";
const TXN: &str = "/v3/kv/txn";
