//! Lists the accounts of a store page by page, with `SCAN`.

use std::sync::Arc;

use countersign::AccountId;
use redis::{FromRedisValue, RedisError};

use crate::keys::Keys;
use crate::server::{Address, Deadline, Node, Server};
use crate::{Error, failure};

/// Some of the accounts of a store, from [`RedisStore::accounts`](crate::RedisStore::accounts).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The accounts, in no order. A page can be empty although others follow.
    pub accounts: Vec<AccountId>,
    /// The cursor of the next page, or `None` if this is the last page.
    pub next: Option<Cursor>,
}

/// A position in the list of accounts of a store. The default is the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The node of a cluster.
    node: Option<Address>,
    /// The position on that node, as `SCAN` returned it.
    position: u64,
}

/// The page at a cursor.
pub(crate) async fn page(
    server: &Server,
    keys: &Keys,
    cursor: Cursor,
    deadline: Deadline,
) -> Result<Page, Error> {
    match server {
        Server::Single(node) => {
            let (position, accounts) = scan(node, keys, cursor.position, deadline).await?;
            let next = (position != END).then_some(Cursor {
                node: None,
                position,
            });
            Ok(Page { accounts, next })
        }
        Server::Cluster(cluster) => {
            let primaries = cluster.primaries(deadline).await?;
            let (address, node, following) = find(primaries, cursor.node)?;
            let (position, accounts) = scan(&node, keys, cursor.position, deadline).await?;
            let next = match position {
                END => following.map(|address| (address, 0)),
                position => Some((address, position)),
            };
            let next = next.map(|(address, position)| Cursor {
                node: Some(address),
                position,
            });
            Ok(Page { accounts, next })
        }
    }
}

/// The node at the cursor, and the address of the node after it.
fn find(
    primaries: Vec<(Address, Arc<Node>)>,
    wanted: Option<Address>,
) -> Result<(Address, Arc<Node>, Option<Address>), Error> {
    let mut primaries = primaries.into_iter();
    let found = match &wanted {
        None => primaries.next(),
        Some(wanted) => primaries.find(|(address, _)| address == wanted),
    };
    let (address, node) = found.ok_or(Error::CursorExpired)?;
    let following = primaries.next().map(|(address, _)| address);
    Ok((address, node, following))
}

/// The next keys of a node as accounts, and its next position.
async fn scan(
    node: &Node,
    keys: &Keys,
    position: u64,
    deadline: Deadline,
) -> Result<(u64, Vec<AccountId>), Error> {
    let mut ask = redis::pipe();
    let scan = ask.cmd("SCAN").arg(position);
    scan.arg("MATCH")
        .arg(keys.pattern())
        .arg("COUNT")
        .arg(COUNT);
    let answer = node.ask(&ask, deadline).await?;
    let unreadable = |error| failure::error(RedisError::from(error));
    let (position, found) = <(u64, Vec<Vec<u8>>)>::from_redis_value(answer).map_err(unreadable)?;
    let account = |key: &Vec<u8>| {
        keys.account(key).ok_or_else(|| Error::CorruptKey {
            key: String::from_utf8_lossy(key).into_owned(),
            source: "it contains no account id".into(),
        })
    };
    let accounts = found.iter().map(account).collect::<Result<_, _>>()?;
    Ok((position, accounts))
}

const END: u64 = 0;
/// The number of keys that a server examines per page. A server needs well under a millisecond for
/// a page.
const COUNT: u32 = 1000;
