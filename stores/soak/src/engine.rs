//! Servers that can be killed.

use std::fmt;

use countersign_store_testing::{Durability, MariaDb, Postgres, Redis, StartError};

/// A database server of a test.
pub trait Server: Send + fmt::Debug {
    /// What [`connect`](crate::connect::connect) takes.
    fn url(&self) -> String;

    /// Kills it at once, as a crash would.
    fn kill9(&mut self);

    /// Starts it again with the same data.
    fn restart(&mut self);
}

/// The servers that there are, by the name that is printed.
pub type Start = fn(Durability) -> Result<Box<dyn Server>, StartError>;

/// PostgreSQL.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn postgres(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(Postgres::start(durability)?))
}

/// MariaDB.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn mariadb(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(MariaDb::start(durability)?))
}

/// Redis.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn redis(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(Redis::start(durability)?))
}

macro_rules! server {
    ($($server:ty),+) => {
        $(impl Server for $server {
            fn url(&self) -> String {
                Self::url(self)
            }

            fn kill9(&mut self) {
                Self::kill9(self).unwrap();
            }

            fn restart(&mut self) {
                Self::restart(self).unwrap();
            }
        })+
    };
}

server!(Postgres, MariaDb, Redis);
