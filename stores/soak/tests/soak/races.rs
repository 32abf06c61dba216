//! One code that many tasks use at the same moment.

use std::time::Instant;

use countersign_store_soak::code_race::Races;
use countersign_store_soak::race_round::Tally;
use countersign_store_soak::server::{
    Start, diesel_postgres, etcd, mariadb, postgres, redis, tokio_postgres,
};
use countersign_store_testing::{Durability, available};

use super::WORKER;

/// In each round all tasks of all processes try one passcode, and then one backup code. Each code
/// is accepted once. Of all tasks, one writes first, and its write overtakes those of all others.
fn one_is_accepted(name: &str, url: &str, rounds: usize, processes: usize, tasks: usize) {
    let start = Instant::now();
    let mut races = Races::new(WORKER, url, "racer", processes, tasks);
    let (mut accepted, mut contended) = (0, 0);
    let mut check = |tally: Tally, what: &str, round: usize| {
        let all = tally.accepted + tally.rejected + tally.contended;
        assert_eq!((tally.failed, all), (0, processes * tasks), "{tally:?}");
        assert_eq!(tally.accepted, 1, "{what} of round {round}: {tally:?}");
        assert_eq!(
            tally.overtaken,
            all - 1,
            "{what} of round {round}: {tally:?}"
        );
        accepted += 1;
        contended += tally.contended;
    };
    for round in 0..rounds {
        check(races.race_for_a_passcode(), "passcode", round);
        check(races.race_for_a_backup_code(), "backup code", round);
    }
    println!(
        "{name}: {processes} processes of {tasks} tasks, {rounds} rounds with a passcode and \
         a backup code each: {accepted} codes accepted once; {contended} attempts gave up; {:.0?}",
        start.elapsed()
    );
}

fn on_server(name: &str, start: Start, rounds: usize, processes: usize, tasks: usize) {
    if let Some(server) = available(start(Durability::Fast)) {
        one_is_accepted(name, &server.url(), rounds, processes, tasks);
    }
}

fn on_file(scheme: &str, rounds: usize, processes: usize, tasks: usize) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("{scheme}:{}", directory.path().join("soak.db").display());
    one_is_accepted(scheme, &url, rounds, processes, tasks);
}

#[test]
fn postgres_accepts_a_code_once() {
    on_server("postgres", postgres, 20, 2, 16);
}

#[test]
fn tokio_postgres_accepts_a_code_once() {
    on_server("tokio-postgres", tokio_postgres, 20, 2, 16);
}

#[test]
fn diesel_postgres_accepts_a_code_once() {
    on_server("diesel-postgres", diesel_postgres, 5, 4, 64);
}

#[test]
fn mariadb_accepts_a_code_once() {
    on_server("mariadb", mariadb, 20, 2, 16);
}

#[test]
fn redis_accepts_a_code_once() {
    on_server("redis", redis, 20, 2, 16);
}

#[test]
fn etcd_accepts_a_code_once() {
    on_server("etcd", etcd, 20, 2, 16);
}

#[test]
fn sqlite_accepts_a_code_once() {
    on_file("sqlite", 20, 2, 16);
}

#[test]
fn rusqlite_accepts_a_code_once() {
    on_file("rusqlite", 5, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_postgres_accepts_a_code_once() {
    on_server("postgres", postgres, 200, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_tokio_postgres_accepts_a_code_once() {
    on_server("tokio-postgres", tokio_postgres, 200, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_postgres_accepts_a_code_once() {
    on_server("diesel-postgres", diesel_postgres, 200, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_mariadb_accepts_a_code_once() {
    on_server("mariadb", mariadb, 200, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_redis_accepts_a_code_once() {
    on_server("redis", redis, 200, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_etcd_accepts_a_code_once() {
    on_server("etcd", etcd, 200, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_sqlite_accepts_a_code_once() {
    on_file("sqlite", 200, 4, 64);
}

#[test]
#[ignore = "takes minutes"]
fn soak_rusqlite_accepts_a_code_once() {
    on_file("rusqlite", 200, 4, 64);
}
