//! Servers and clients that are killed with SIGKILL in a storm of logins.

use std::time::Instant;

use countersign_store_soak::engine::{Start, mariadb, postgres, redis};
use countersign_store_soak::storm::{Crash, Size, Storms};
use countersign_store_soak::{Books, Server};
use countersign_store_testing::{Durability, available};

use super::WORKER;

const SIZE: Size = Size {
    processes: 3,
    tasks: 8,
    people: 8,
    guessed: 2,
};

/// Storms with a crash of the server in each, and then as many with a crash of clients.
fn nothing_is_lost(name: &str, start: Start, crashes: usize) {
    let Some(mut server) = available(start(Durability::Durable)) else {
        return;
    };
    let begun = Instant::now();
    let mut storms = Storms::new(WORKER, &server.url(), SIZE, 1);
    let (mut servers, mut clients) = (Books::default(), Books::default());
    for crash in 0..crashes {
        let books = storms.storm(server_crash(&mut *server, crash));
        books.expect_balanced();
        servers += books;
    }
    for crash in 0..crashes {
        let books = storms.storm(Crash::Clients(1 + crash % SIZE.processes));
        books.expect_balanced();
        clients += books;
    }
    storms.all_books().expect_balanced();
    println!("{name}, server killed {crashes} times: {servers}");
    println!("{name}, clients killed in {crashes} storms: {clients}");
    println!("{name}: {:.0?}", begun.elapsed());
    assert!(servers.accepted > 0 && clients.accepted > 0 && clients.unanswered > 0);
}

fn server_crash(server: &mut dyn Server, number: usize) -> Crash<'_> {
    if number.is_multiple_of(2) {
        Crash::Server(server)
    } else {
        Crash::ServerAndGoOn(server)
    }
}

/// A server that answers before it has written loses what it answered, and the books show it.
fn a_forgetful_server_is_found_out(name: &str, start: Start) {
    let Some(mut server) = available(start(Durability::Forgetful)) else {
        return;
    };
    let mut storms = Storms::new(WORKER, &server.url(), SIZE, 2);
    let mut books = Books::default();
    for crash in 1..=10 {
        books += storms.storm(Crash::Server(&mut *server));
        if books.lost() > 0 {
            println!("{name}, forgetful, server killed {crash} times: {books}");
            return;
        }
    }
    panic!("nothing was lost: {books}");
}

#[test]
fn postgres_loses_nothing() {
    nothing_is_lost("postgres", postgres, 3);
}

#[test]
fn mariadb_loses_nothing() {
    nothing_is_lost("mariadb", mariadb, 3);
}

#[test]
fn redis_loses_nothing() {
    nothing_is_lost("redis", redis, 3);
}

#[test]
fn a_forgetful_postgres_is_found_out() {
    a_forgetful_server_is_found_out("postgres", postgres);
}

#[test]
fn a_forgetful_mariadb_is_found_out() {
    a_forgetful_server_is_found_out("mariadb", mariadb);
}

#[test]
#[ignore = "takes minutes"]
fn soak_postgres_loses_nothing() {
    nothing_is_lost("postgres", postgres, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_mariadb_loses_nothing() {
    nothing_is_lost("mariadb", mariadb, 100);
}

#[test]
#[ignore = "takes minutes"]
fn soak_redis_loses_nothing() {
    nothing_is_lost("redis", redis, 100);
}
