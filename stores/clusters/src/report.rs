//! The table of all races.

use std::fmt;

use crate::check::CheckReport;
use crate::scenarios::{Cluster, Scenario};
use crate::settings::{NodeFault, RedisSettings};

/// A line of the table, in Markdown.
#[derive(Debug)]
pub struct Line<'a>(pub &'a Scenario, pub &'a CheckReport);

/// The first two lines of the table.
pub const HEAD: &str = "\
| cluster | settings | fault | Done | twice | lost | old loads | unknown | no Done for |
|---|---|---|---|---|---|---|---|---|";

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(scenario, report) = self;
        let lost = match report.lost {
            0 => "0".to_owned(),
            lost => format!("{lost} on {} accounts", report.accounts_with_loss),
        };
        write!(
            f,
            "| {} | {} | {} | {} | {lost} | {} of {} | {}, {} applied | {:.1} s |",
            scenario.cluster,
            scenario.fault,
            report.done,
            report.twice,
            report.old,
            report.loads,
            report.unknown,
            report.unknown_applied,
            report.longest_pause.as_secs_f64(),
        )
    }
}

impl fmt::Display for Cluster {
    /// The cluster and its settings: two cells of the table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Galera(sync_wait) => {
                write!(f, "Galera, 3 nodes | `wsrep_sync_wait = {sync_wait}`")
            }
            Self::Postgres(commit) => write!(
                f,
                "PostgreSQL, synchronous standby | `synchronous_commit = {commit}`"
            ),
            Self::RedisCluster(wait_for) => {
                let settings = RedisSettings {
                    wait_for: *wait_for,
                    max_lag: None,
                };
                write!(f, "Redis Cluster, 3 + 3 nodes | {settings}")
            }
            Self::Sentinel(settings) => write!(f, "Redis, 2 replicas, sentinels | {settings}"),
        }
    }
}

impl fmt::Display for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wait_for {
            0 => write!(f, "no `WAIT`")?,
            wait_for => write!(f, "`WAIT {wait_for}`")?,
        }
        match self.max_lag {
            None => Ok(()),
            Some(lag) => write!(f, ", `min-replicas-to-write 1`, `max-lag {lag}`"),
        }
    }
}

impl fmt::Display for NodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Kill => "killed",
            Self::Pause => "paused",
            Self::Cut => "cut off",
            Self::CutWithReplica => "cut off with a replica",
        })
    }
}
