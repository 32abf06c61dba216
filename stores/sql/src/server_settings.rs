use std::time::Duration;

use crate::{Dialect, Error};

/// How long a call of a store may take by default. See also
/// [`Dialect::time_limit`](Dialect::time_limit).
pub const TIME_LIMIT: Duration = Duration::from_secs(5);

impl Dialect {
    /// The statement that asks a database for the settings on which the promises of a store depend.
    /// Each row has a name and a value, both text.
    ///
    /// Send it once, before the first statement of a store, and pass the rows to
    /// [`time_limit`](Self::time_limit). In SQLite, each connection has a setting of its own.
    #[must_use]
    pub const fn settings(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT 'synchronous', CAST(synchronous AS TEXT) FROM pragma_synchronous"
            }
            Self::Postgres => {
                "SELECT name, setting FROM pg_settings \
                 WHERE name IN ('synchronous_commit', 'synchronous_standby_names')"
            }
            // A server without Galera has no such variables, or `wsrep_on` is `OFF`.
            Self::MySql => {
                "SHOW VARIABLES WHERE Variable_name IN \
                 ('wsrep_on', 'wsrep_sync_wait', 'tx_isolation', 'transaction_isolation', \
                 'completion_type')"
            }
        }
    }

    /// Checks the rows of [`settings`](Self::settings). Returns how long a call may take by
    /// default: 5 seconds, or 10 seconds in a Galera cluster. If a node of such a cluster dies, the
    /// others write nothing for about 6 seconds.
    ///
    /// ```
    /// use countersign_sql::{Dialect, Error};
    ///
    /// # type DriverError = std::io::Error;
    /// let rows = [("wsrep_on", "ON"), ("wsrep_sync_wait", "0")];
    /// let checked = Dialect::MySql.time_limit::<DriverError>(rows);
    /// assert!(matches!(checked, Err(Error::UnsafeSetting { wanted: "7", .. })));
    /// ```
    ///
    /// # Errors
    /// [`Error::UnsafeSetting`] if a store cannot keep its promises on this server.
    pub fn time_limit<'r, E>(
        self,
        rows: impl IntoIterator<Item = (&'r str, &'r str)>,
    ) -> Result<Duration, Error<E>> {
        let mut settings = Settings::default();
        for (name, value) in rows {
            match name {
                "synchronous" => settings.level = value,
                "synchronous_commit" => settings.commit = value,
                "synchronous_standby_names" => settings.standbys = value,
                "wsrep_on" => settings.is_node = value == "ON",
                "wsrep_sync_wait" => settings.sync_wait = value,
                // The older name, and that of MySQL 8 and MariaDB 11.
                "tx_isolation" | "transaction_isolation" => settings.isolation = value,
                "completion_type" => settings.completion = value,
                _ => {}
            }
        }
        match self {
            Self::Sqlite => settings.sqlite(),
            Self::Postgres => settings.postgres(),
            Self::MySql => settings.transactions().and_then(|()| settings.galera()),
        }
    }
}

#[derive(Default)]
struct Settings<'r> {
    level: &'r str,
    commit: &'r str,
    standbys: &'r str,
    is_node: bool,
    sync_wait: &'r str,
    isolation: &'r str,
    completion: &'r str,
}

impl Settings<'_> {
    /// Below `FULL`, a loss of power undoes the last commits, and their codes work again.
    fn sqlite<E>(&self) -> Result<Duration, Error<E>> {
        match self.level {
            "0" | "1" => Err(Error::UnsafeSetting {
                name: "synchronous",
                value: self.level.to_owned(),
                wanted: "FULL",
            }),
            _ => Ok(TIME_LIMIT),
        }
    }

    /// A commit that is answered before it is durable can be lost, and its code works again.
    fn postgres<E>(&self) -> Result<Duration, Error<E>> {
        let is_lossy = match self.commit {
            "off" => true,
            // Without a standby, `local` waits for the disk as `on` does.
            "local" => !self.standbys.is_empty(),
            _ => false,
        };
        if is_lossy {
            return Err(Error::UnsafeSetting {
                name: "synchronous_commit",
                value: self.commit.to_owned(),
                wanted: "on",
            });
        }
        Ok(TIME_LIMIT)
    }

    /// A load that returns a write of an open transaction can make the verifier accept a code, and
    /// a rollback then makes the code valid again. If a commit begins the next transaction, a write
    /// becomes part of it.
    fn transactions<E>(&self) -> Result<(), Error<E>> {
        let (name, value, wanted) = if self.isolation == "READ-UNCOMMITTED" {
            ("transaction_isolation", self.isolation, "READ-COMMITTED")
        } else if self.completion == "CHAIN" {
            ("completion_type", self.completion, "NO_CHAIN")
        } else {
            return Ok(());
        };
        Err(Error::UnsafeSetting {
            name,
            value: value.to_owned(),
            wanted,
        })
    }

    /// A node that does not wait for the writes of the other nodes answers old loads, and does not
    /// find the rows of its writes.
    fn galera<E>(&self) -> Result<Duration, Error<E>> {
        if !self.is_node {
            return Ok(TIME_LIMIT);
        }
        let waits: u32 = self.sync_wait.parse().unwrap_or_default();
        if waits & WAITS_FOR_WRITES != WAITS_FOR_WRITES {
            return Err(Error::UnsafeSetting {
                name: "wsrep_sync_wait",
                value: self.sync_wait.to_owned(),
                wanted: "7",
            });
        }
        Ok(GALERA_TIME_LIMIT)
    }
}

/// The bits of `wsrep_sync_wait` for `SELECT` (1), `UPDATE` and `DELETE` (2), and `INSERT` (4).
const WAITS_FOR_WRITES: u32 = 7;
const GALERA_TIME_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(dialect: Dialect, rows: &[(&str, &str)]) -> Option<String> {
        let checked = dialect.time_limit::<std::io::Error>(rows.iter().copied());
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn commits_of_sqlite_that_a_loss_of_power_undoes_are_refused() {
        for (level, is_refused) in [("0", true), ("1", true), ("2", false), ("3", false)] {
            let error = refused(Dialect::Sqlite, &[("synchronous", level)]);
            assert_eq!(error.is_some(), is_refused, "{level}");
        }
        assert_eq!(
            refused(Dialect::Sqlite, &[("synchronous", "1")]).unwrap(),
            "the database's setting `synchronous` is `1`, so no statement was sent; \
             set it to `FULL`, or the store cannot keep its promises"
        );
    }

    #[test]
    fn commits_that_a_crash_or_a_failover_undoes_are_refused() {
        for (commit, standbys, is_refused) in [
            ("on", "", false),
            ("on", "s1", false),
            ("remote_apply", "s1", false),
            ("remote_write", "s1", false),
            ("local", "", false),
            ("local", "s1", true),
            ("off", "", true),
            ("off", "s1", true),
        ] {
            let rows = [
                ("synchronous_commit", commit),
                ("synchronous_standby_names", standbys),
            ];
            let text = refused(Dialect::Postgres, &rows);
            assert_eq!(text.is_some(), is_refused, "{commit}, {standbys}: {text:?}");
        }
        assert_eq!(
            refused(Dialect::Postgres, &[("synchronous_commit", "off")]).unwrap(),
            "the database's setting `synchronous_commit` is `off`, so no statement was sent; \
             set it to `on`, or the store cannot keep its promises"
        );
        assert_eq!(refused(Dialect::Postgres, &[]), None);
    }

    #[test]
    fn a_node_that_does_not_wait_is_refused() {
        for (on, wait, is_refused) in [
            ("OFF", "0", false),
            ("ON", "0", true),
            ("ON", "1", true),
            ("ON", "3", true),
            ("ON", "6", true),
            ("ON", "7", false),
            ("ON", "15", false),
        ] {
            let rows = [("wsrep_on", on), ("wsrep_sync_wait", wait)];
            let text = refused(Dialect::MySql, &rows);
            assert_eq!(text.is_some(), is_refused, "{on}, {wait}: {text:?}");
        }
        assert_eq!(refused(Dialect::MySql, &[]), None);
    }

    #[test]
    fn transactions_that_break_promises_are_refused() {
        for (name, value, is_refused) in [
            ("tx_isolation", "READ-UNCOMMITTED", true),
            ("transaction_isolation", "READ-UNCOMMITTED", true),
            ("transaction_isolation", "READ-COMMITTED", false),
            ("tx_isolation", "REPEATABLE-READ", false),
            ("tx_isolation", "SERIALIZABLE", false),
            ("completion_type", "CHAIN", true),
            ("completion_type", "NO_CHAIN", false),
            ("completion_type", "RELEASE", false),
        ] {
            let text = refused(Dialect::MySql, &[(name, value)]);
            assert_eq!(text.is_some(), is_refused, "{name}, {value}: {text:?}");
        }
    }

    #[test]
    fn a_node_gets_more_time() {
        let limit = |rows: &[(&str, &str)]| {
            let rows = rows.iter().copied();
            Dialect::MySql.time_limit::<std::io::Error>(rows).unwrap()
        };
        let node = [("wsrep_on", "ON"), ("wsrep_sync_wait", "7")];
        assert_eq!(limit(&node), Duration::from_secs(10));
        assert_eq!(limit(&[]), TIME_LIMIT);
    }
}
