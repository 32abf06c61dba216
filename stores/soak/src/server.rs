//! Servers that can be killed.

use std::fmt;

use countersign_store_testing::{Durability, Etcd, MariaDb, Postgres, Redis, StartError};

use crate::connect::{DIESEL_MYSQL, DIESEL_POSTGRES, FORGETFUL_POSTGRES, TOKIO_POSTGRES};

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
    Ok(with_scheme(Postgres::start(durability)?, TOKIO_POSTGRES))
}

/// Starts PostgreSQL, for the store of countersign-diesel.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn diesel_postgres(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(with_scheme(Postgres::start(durability)?, DIESEL_POSTGRES))
}

/// Starts PostgreSQL, for a store that does not check the settings of the server.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn forgetful_postgres(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(with_scheme(
        Postgres::start(durability)?,
        FORGETFUL_POSTGRES,
    ))
}

/// A server whose URL selects another store.
#[derive(Debug)]
struct WithScheme<S> {
    server: S,
    scheme: &'static str,
}

fn with_scheme(server: impl Server + 'static, scheme: &'static str) -> Box<dyn Server> {
    Box::new(WithScheme { server, scheme })
}

impl<S: Server> Server for WithScheme<S> {
    fn url(&self) -> String {
        let url = self.server.url();
        let (_, rest) = url.split_once(':').unwrap();
        format!("{}:{rest}", self.scheme)
    }

    fn kill9(&mut self) {
        self.server.kill9();
    }

    fn restart(&mut self) {
        self.server.restart();
    }
}

/// Starts MariaDB.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn mariadb(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(Box::new(MariaDb::start(durability)?))
}

/// Starts MariaDB, for the store of countersign-diesel.
///
/// # Errors
/// [`StartError`] if it does not start.
pub fn diesel_mariadb(durability: Durability) -> Result<Box<dyn Server>, StartError> {
    Ok(with_scheme(MariaDb::start(durability)?, DIESEL_MYSQL))
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
