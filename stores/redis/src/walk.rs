use std::sync::Arc;

use countersign::AccountId;
use redis::{FromRedisValue, RedisError};

use crate::keys::Keys;
use crate::server::{Address, Node, Server, Time};
use crate::{Cursor, Error, Page, failure};

/// The page at a cursor.
pub(crate) async fn page(
    server: &Server,
    keys: &Keys,
    cursor: Cursor,
    time: Time,
) -> Result<Page, Error> {
    match server {
        Server::Single(node) => {
            let (at, accounts) = scan(node, keys, cursor.at, time).await?;
            let next = (at != END).then_some(Cursor { node: None, at });
            Ok(Page { accounts, next })
        }
        Server::Cluster(cluster) => {
            let primaries = cluster.primaries(time).await?;
            let (address, node, following) = find(primaries, cursor.node)?;
            let (at, accounts) = scan(&node, keys, cursor.at, time).await?;
            let place = match at {
                END => following.map(|address| (address, 0)),
                at => Some((address, at)),
            };
            let next = place.map(|(address, at)| Cursor {
                node: Some(address),
                at,
            });
            Ok(Page { accounts, next })
        }
    }
}

/// The node to walk through, and the address of the one that follows it.
fn find(
    primaries: Vec<(Address, Arc<Node>)>,
    wanted: Option<Address>,
) -> Result<(Address, Arc<Node>, Option<Address>), Error> {
    let mut primaries = primaries.into_iter();
    let found = match &wanted {
        None => primaries.next(),
        Some(wanted) => primaries.find(|(address, _)| address == wanted),
    };
    let (address, node) = found.ok_or(Error::WalkBroken)?;
    let following = primaries.next().map(|(address, _)| address);
    Ok((address, node, following))
}

/// The next keys of a node, as accounts, and where it goes on.
async fn scan(
    node: &Node,
    keys: &Keys,
    at: u64,
    time: Time,
) -> Result<(u64, Vec<AccountId>), Error> {
    let mut ask = redis::pipe();
    let scan = ask.cmd("SCAN").arg(at);
    scan.arg("MATCH")
        .arg(keys.pattern())
        .arg("COUNT")
        .arg(COUNT);
    let answer = node.ask(&ask, time).await?;
    let unreadable = |error| failure::error(RedisError::from(error));
    let (at, found) = <(u64, Vec<Vec<u8>>)>::from_redis_value(answer).map_err(unreadable)?;
    let account = |key: &Vec<u8>| {
        keys.account(key).ok_or_else(|| Error::CorruptKey {
            key: String::from_utf8_lossy(key).into_owned(),
            source: "no account id is in it".into(),
        })
    };
    let accounts = found.iter().map(account).collect::<Result<_, _>>()?;
    Ok((at, accounts))
}

const END: u64 = 0;
/// How many keys a server looks at for a page, which takes it well under a millisecond.
const COUNT: u32 = 1000;
