//! One code, spent by many at the same moment.

use std::time::Instant;

use countersign_store_soak::engine::{Start, mariadb, postgres, redis};
use countersign_store_soak::race::{Races, Tally};
use countersign_store_testing::{Durability, available};

use super::WORKER;

/// In each round all tasks of all processes try one passcode, and then one backup code: one is accepted.
fn one_is_accepted(name: &str, url: &str, rounds: usize, processes: usize, tasks: usize) {
    let begun = Instant::now();
    let mut races = Races::new(WORKER, url, "racer", processes, tasks);
    let (mut accepted, mut contended) = (0, 0);
    let mut check = |tally: Tally, what: &str, round: usize| {
        let all = tally.accepted + tally.rejected + tally.contended;
        assert_eq!((tally.failed, all), (0, processes * tasks), "{tally:?}");
        assert_eq!(tally.accepted, 1, "{what} of round {round}: {tally:?}");
        accepted += 1;
        contended += tally.contended;
    };
    for round in 0..rounds {
        check(races.with_a_passcode(), "passcode", round);
        check(races.with_a_backup_code(), "backup code", round);
    }
    println!(
        "{name}: {processes} processes of {tasks} tasks, {rounds} rounds with a passcode and with a backup code each: \
         {accepted} accepted, once each; {contended} attempts gave up among too many; {:.0?}",
        begun.elapsed()
    );
}

fn on_server(name: &str, start: Start, rounds: usize, processes: usize, tasks: usize) {
    if let Some(server) = available(start(Durability::Fast)) {
        one_is_accepted(name, &server.url(), rounds, processes, tasks);
    }
}

fn on_sqlite(rounds: usize, processes: usize, tasks: usize) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("soak.db").display());
    one_is_accepted("sqlite", &url, rounds, processes, tasks);
}

#[test]
fn postgres_accepts_one() {
    on_server("postgres", postgres, 20, 2, 16);
}

#[test]
fn mariadb_accepts_one() {
    on_server("mariadb", mariadb, 20, 2, 16);
}

#[test]
fn redis_accepts_one() {
    on_server("redis", redis, 20, 2, 16);
}

#[test]
fn sqlite_accepts_one() {
    on_sqlite(20, 2, 16);
}

#[test]
#[ignore = "takes minutes"]
fn soak_postgres_accepts_one() {
    on_server("postgres", postgres, 1000, 4, 16);
}

#[test]
#[ignore = "takes minutes"]
fn soak_mariadb_accepts_one() {
    on_server("mariadb", mariadb, 1000, 4, 16);
}

#[test]
#[ignore = "takes minutes"]
fn soak_redis_accepts_one() {
    on_server("redis", redis, 1000, 4, 16);
}

#[test]
#[ignore = "takes minutes"]
fn soak_sqlite_accepts_one() {
    on_sqlite(1000, 4, 16);
}
