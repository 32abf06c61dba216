//! One code that many tasks use at the same moment.

use std::time::Instant;

use countersign_store_soak::code_race::Races;
use countersign_store_soak::race_round::Tally;
use countersign_store_soak::server::{
    Start, diesel_mariadb, diesel_postgres, etcd, mariadb, postgres, redis, tokio_postgres,
};
use countersign_store_testing::{Durability, available};

use super::WORKER;

struct Size {
    rounds: usize,
    processes: usize,
    tasks: usize,
}

const SHORT: Size = Size {
    rounds: 5,
    processes: 2,
    tasks: 16,
};

const LONG: Size = Size {
    rounds: 50,
    processes: 4,
    tasks: 64,
};

/// In each round all tasks of all processes try one passcode, and then one backup code. Each code
/// is accepted once. Of all tasks, one writes first, and its write overtakes those of all others.
fn one_is_accepted(name: &str, url: &str, size: &Size) {
    let Size {
        rounds,
        processes,
        tasks,
    } = *size;
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

fn on_server(name: &str, start: Start, size: &Size) {
    if let Some(server) = available(start(Durability::Fast)) {
        one_is_accepted(name, &server.url(), size);
    }
}

fn on_file(scheme: &str, size: &Size) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("{scheme}:{}", directory.path().join("soak.db").display());
    one_is_accepted(scheme, &url, size);
}

#[test]
fn postgres_accepts_a_code_once() {
    on_server("postgres", postgres, &SHORT);
}

#[test]
fn tokio_postgres_accepts_a_code_once() {
    on_server("tokio-postgres", tokio_postgres, &SHORT);
}

#[test]
fn diesel_postgres_accepts_a_code_once() {
    on_server("diesel-postgres", diesel_postgres, &SHORT);
}

#[test]
fn diesel_mariadb_accepts_a_code_once() {
    on_server("diesel-mariadb", diesel_mariadb, &SHORT);
}

#[test]
fn mariadb_accepts_a_code_once() {
    on_server("mariadb", mariadb, &SHORT);
}

#[test]
fn redis_accepts_a_code_once() {
    on_server("redis", redis, &SHORT);
}

#[test]
fn etcd_accepts_a_code_once() {
    on_server("etcd", etcd, &SHORT);
}

#[test]
fn sqlite_accepts_a_code_once() {
    on_file("sqlite", &SHORT);
}

#[test]
fn diesel_sqlite_accepts_a_code_once() {
    on_file("diesel-sqlite", &SHORT);
}

#[test]
fn rusqlite_accepts_a_code_once() {
    on_file("rusqlite", &SHORT);
}

#[test]
#[ignore = "takes minutes"]
fn soak_postgres_accepts_a_code_once() {
    on_server("postgres", postgres, &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_tokio_postgres_accepts_a_code_once() {
    on_server("tokio-postgres", tokio_postgres, &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_postgres_accepts_a_code_once() {
    on_server("diesel-postgres", diesel_postgres, &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_mariadb_accepts_a_code_once() {
    on_server("diesel-mariadb", diesel_mariadb, &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_mariadb_accepts_a_code_once() {
    on_server("mariadb", mariadb, &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_redis_accepts_a_code_once() {
    on_server("redis", redis, &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_etcd_accepts_a_code_once() {
    on_server("etcd", etcd, &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_sqlite_accepts_a_code_once() {
    on_file("sqlite", &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_sqlite_accepts_a_code_once() {
    on_file("diesel-sqlite", &LONG);
}

#[test]
#[ignore = "takes minutes"]
fn soak_rusqlite_accepts_a_code_once() {
    on_file("rusqlite", &LONG);
}
