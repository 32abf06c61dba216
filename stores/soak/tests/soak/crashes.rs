//! Servers and clients that are killed with SIGKILL during logins.

use std::time::Instant;

use countersign_store_soak::crash_test::{Crash, CrashTests, Size};
use countersign_store_soak::server::{
    Start, diesel_mariadb, diesel_postgres, etcd, forgetful_postgres, mariadb, postgres, redis,
    tokio_postgres,
};
use countersign_store_soak::{CheckReport, Server};
use countersign_store_testing::{Durability, available};

use super::WORKER;

const SIZE: Size = Size {
    processes: 3,
    tasks: 8,
    users: 8,
    guessed: 2,
};

/// Runs tests in which the server is killed, and then as many tests in which clients are killed.
fn no_answered_write_is_lost(name: &str, start: Start, crashes: usize) {
    let Some(mut server) = available(start(Durability::Durable)) else {
        return;
    };
    let start = Instant::now();
    let mut tests = CrashTests::new(WORKER, &server.url(), SIZE, 1);
    let (mut servers, mut clients) = (CheckReport::default(), CheckReport::default());
    for crash in 0..crashes {
        let report = tests.run(server_crash(&mut *server, crash));
        report.expect_consistent();
        servers += report;
    }
    for crash in 0..crashes {
        let report = tests.run(Crash::Clients(1 + crash % SIZE.processes));
        report.expect_consistent();
        clients += report;
    }
    tests.check_all().expect_consistent();
    println!("{name}, server killed {crashes} times: {servers}");
    println!("{name}, clients killed in {crashes} tests: {clients}");
    println!("{name}: {:.0?}", start.elapsed());
    assert!(servers.accepted > 0 && clients.accepted > 0 && clients.unanswered > 0);
}

fn server_crash(server: &mut dyn Server, number: usize) -> Crash<'_> {
    if number.is_multiple_of(2) {
        Crash::Server(server)
    } else {
        Crash::ServerAndGoOn(server)
    }
}

/// A server that answers before it has written loses writes when it is killed. The check must
/// report that.
fn the_check_detects_lost_writes(name: &str, start: Start) {
    let Some(mut server) = available(start(Durability::Forgetful)) else {
        return;
    };
    let mut tests = CrashTests::new(WORKER, &server.url(), SIZE, 2);
    let mut report = CheckReport::default();
    for crash in 1..=10 {
        report += tests.run(Crash::Server(&mut *server));
        if report.lost() > 0 {
            println!("{name}, forgetful, server killed {crash} times: {report}");
            return;
        }
    }
    panic!("nothing was lost: {report}");
}

#[test]
fn postgres_loses_nothing() {
    no_answered_write_is_lost("postgres", postgres, 2);
}

#[test]
fn tokio_postgres_loses_nothing() {
    no_answered_write_is_lost("tokio-postgres", tokio_postgres, 2);
}

#[test]
fn diesel_postgres_loses_nothing() {
    no_answered_write_is_lost("diesel-postgres", diesel_postgres, 2);
}

#[test]
fn diesel_mariadb_loses_nothing() {
    no_answered_write_is_lost("diesel-mariadb", diesel_mariadb, 2);
}

#[test]
fn mariadb_loses_nothing() {
    no_answered_write_is_lost("mariadb", mariadb, 2);
}

#[test]
fn redis_loses_nothing() {
    no_answered_write_is_lost("redis", redis, 2);
}

#[test]
fn etcd_loses_nothing() {
    no_answered_write_is_lost("etcd", etcd, 2);
}

#[test]
fn the_check_detects_lost_writes_of_postgres() {
    the_check_detects_lost_writes("postgres", forgetful_postgres);
}

#[test]
fn the_check_detects_lost_writes_of_mariadb() {
    the_check_detects_lost_writes("mariadb", mariadb);
}

#[test]
#[ignore = "takes minutes"]
fn soak_postgres_loses_nothing() {
    no_answered_write_is_lost("postgres", postgres, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_postgres_loses_nothing() {
    no_answered_write_is_lost("diesel-postgres", diesel_postgres, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_tokio_postgres_loses_nothing() {
    no_answered_write_is_lost("tokio-postgres", tokio_postgres, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_mariadb_loses_nothing() {
    no_answered_write_is_lost("diesel-mariadb", diesel_mariadb, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_mariadb_loses_nothing() {
    no_answered_write_is_lost("mariadb", mariadb, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_redis_loses_nothing() {
    no_answered_write_is_lost("redis", redis, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_etcd_loses_nothing() {
    no_answered_write_is_lost("etcd", etcd, 100);
}
