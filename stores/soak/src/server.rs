//! Servers that can be killed.

use std::fmt;

use countersign_store_testing::{Durability, Etcd, MariaDb, Postgres, Redis, StartError};

use crate::connect::{DIESEL_POSTGRES, FORGETFUL_POSTGRES, TOKIO_POSTGRES};

/// A database server of a test.
pub trait Server: Send + fmt::Debug {
    /// The URL for [`connect`](crate::connect::connect).
    fn url(&self) -> String;

    /// Kills the server at once, like a crash.
    fn kill9(&mut self);

    /// Starts the server again with the same data.
    fn restart(&mut self);
}

/// A function that starts a server.
pub type Start = fn(Durability) -> Result<Box<dyn Server>, StartError>;

/// Starts PostgreSQL.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn postgres(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(Postgres::start(durability)?))
}

/// Starts PostgreSQL, for the store of countersign-postgres.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn tokio_postgres(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    let (server, scheme) = (Postgres::start(durability)?, TOKIO_POSTGRES);
    Ok(Box::new(PostgresWithScheme { server, scheme }))
}

/// Starts PostgreSQL, for the store of countersign-diesel.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn diesel_postgres(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    let (server, scheme) = (Postgres::start(durability)?, DIESEL_POSTGRES);
    Ok(Box::new(PostgresWithScheme { server, scheme }))
}

/// Starts PostgreSQL, for a store that does not check the settings of the server.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn forgetful_postgres(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    let (server, scheme) = (Postgres::start(durability)?, FORGETFUL_POSTGRES);
    Ok(Box::new(PostgresWithScheme { server, scheme }))
}

/// A server whose URL selects another store.
#[derive(Debug)]
struct PostgresWithScheme {
    server: Postgres,
    scheme: &'static str,
}

impl Server for PostgresWithScheme {
    fn url(&self) -> String {
        self.server.url().replacen("postgres", self.scheme, 1)
    }

    fn kill9(&mut self) {
        Server::kill9(&mut self.server);
    }

    fn restart(&mut self) {
        Server::restart(&mut self.server);
    }
}

/// Starts MariaDB.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn mariadb(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(MariaDb::start(durability)?))
}

/// Starts Redis.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn redis(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(Redis::start(durability)?))
}

/// Starts etcd, which always waits for the disk.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn etcd(_: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(Etcd::start()?))
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

server!(Postgres, MariaDb, Redis, Etcd);
