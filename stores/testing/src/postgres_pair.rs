use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::{Durability, Postgres, Relay, StartError};

/// A PostgreSQL primary with a synchronous standby, and a slow network between them.
///
/// Clients use the address of the primary, which [`fail_over`](Self::fail_over) changes.
#[derive(Debug)]
pub struct PostgresPair {
    primary: Postgres,
    standby: Postgres,
    between: Relay,
    front: Relay,
}

impl PostgresPair {
    /// Makes both servers and waits until the standby follows: about 4 seconds. Each byte between
    /// them takes the time `delay`. The primary has the setting `synchronous_commit`, such as `on`.
    ///
    /// # Errors
    /// [`StartError`] if PostgreSQL is not installed or does not become ready.
    pub fn start(
        durability: Durability,
        delay: Duration,
        synchronous_commit: &str,
    ) -> Result<Self, StartError> {
        let settings = [
            format!("synchronous_commit={synchronous_commit}"),
            format!("synchronous_standby_names={STANDBY}"),
        ];
        let settings = settings.each_ref().map(String::as_str);
        let primary = Postgres::start_with(durability, &settings)?;
        let between = Relay::start(primary.address(), delay)?;
        let standby = Postgres::standby_of(between.address(), STANDBY, durability)?;
        let front = Relay::start(primary.address(), Duration::ZERO)?;
        Ok(Self {
            primary,
            standby,
            between,
            front,
        })
    }

    /// The URL at the address of the present primary.
    #[must_use]
    pub fn url(&self) -> String {
        self.primary.url_at(self.front.address())
    }

    /// The address of the present primary.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.front.address()
    }

    /// The URL at the own address of the first primary. Clients on its side of a cut use it.
    #[must_use]
    pub fn url_of_first_primary(&self) -> String {
        self.primary.url()
    }

    /// The own address of the standby.
    #[must_use]
    pub fn address_of_standby(&self) -> SocketAddr {
        self.standby.address()
    }

    /// Kills all processes of the primary, and drops the bytes that are under way to the standby.
    ///
    /// # Errors
    /// If the primary cannot be killed.
    pub fn kill9_primary(&mut self) -> io::Result<()> {
        self.between.cut();
        self.primary.kill9_all()
    }

    /// Stops all processes of the primary, like a virtual machine that is paused.
    ///
    /// # Errors
    /// If the primary cannot be paused.
    pub fn pause_primary(&self) -> io::Result<()> {
        self.primary.pause()
    }

    /// Continues a paused primary.
    ///
    /// # Errors
    /// If the primary cannot be continued.
    pub fn resume_primary(&self) -> io::Result<()> {
        self.primary.resume()
    }

    /// Makes the standby the primary, and leads clients to it.
    ///
    /// # Errors
    /// [`StartError`] if the standby does not become a primary.
    pub fn fail_over(&self) -> Result<(), StartError> {
        self.standby.promote()?;
        self.front.lead_to(self.standby.address());
        Ok(())
    }

    /// Cuts the network between the servers, without a sign to either of them.
    pub fn cut(&self) {
        self.between.cut();
    }

    /// Ends the cut. The standby connects again.
    pub fn heal(&self) {
        self.between.heal();
    }
}

const STANDBY: &str = "standby";
