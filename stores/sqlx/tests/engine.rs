//! Runs the example `engine` against each database and against missing ones.
#![cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::TcpListener;

use countersign_store_testing::{Durability, MariaDb, Postgres, available, run_example};

/// The exit status, standard output and standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = run_example("engine", arguments).unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn runs_from_enrollment_to_erasure(url: &str, name: &str) {
    // The second run uses the existing table.
    for _ in 0..2 {
        let (status, output, errors) = run(&["--url", url]);
        assert_eq!((status, errors.as_str()), (0, ""), "{output}");
        assert!(output.starts_with(name), "{output}");
        for part in [
            "CREATE TABLE IF NOT EXISTS",
            "is enrolled, and has 10 backup codes.",
            "Logged in with ",
            " again: rejected, because it was used.",
            "Status: 1 authenticator, 10 backup codes left, Free.",
            "Re-encrypted with key 2: Changed.",
            "is erased.\nStatus: Absent.\n",
        ] {
            assert!(output.contains(part), "{part:?} is missing in {output}");
        }
    }
}

fn fails(arguments: &[&str], reason: &str) {
    let (status, output, errors) = run(arguments);
    assert_eq!((status, output.as_str()), (1, ""), "{errors}");
    assert!(errors.starts_with("error: "), "{errors}");
    assert!(errors.contains(reason), "{reason:?} is missing in {errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn the_example_runs_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.db");
    runs_from_enrollment_to_erasure(&format!("sqlite:{}", path.display()), "SQLite");
    runs_from_enrollment_to_erasure(&format!("sqlite://{}", path.display()), "SQLite");
}

#[test]
fn the_example_runs_on_postgresql() {
    if let Some(server) = available(Postgres::start(Durability::Fast)) {
        runs_from_enrollment_to_erasure(&server.url(), "PostgreSQL");
        let unknown = server.url().replace("/postgres", "/nobody_s");
        fails(&["--url", &unknown], "check its path or name, the user");
    }
}

#[test]
fn the_example_runs_on_mariadb() {
    if let Some(server) = available(MariaDb::start(Durability::Fast)) {
        runs_from_enrollment_to_erasure(&server.url(), "MySQL or MariaDB");
        let unknown = server.url().replace("/test", "/nobody_s");
        fails(&["--url", &unknown], "check its path or name, the user");
    }
}

#[test]
fn the_example_names_an_unreachable_database() {
    fails(&[], "choose a database");
    fails(&["--url"], "choose a database");
    fails(&["--url", "oracle:db"], "no such kind of database");
    fails(&["--url", "accounts.db"], "no such kind of database");
    fails(
        &["--url", "sqlite:/no/such/directory/accounts.db"],
        "check its path or name, the user",
    );
    fails(&["--url", "postgres://[::1"], "error: ");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for url in [
        format!("postgres://nobody@{address}/accounts"),
        format!("mysql://nobody@{address}/accounts"),
    ] {
        fails(
            &["--url", &url],
            "the database server refuses connections, so no statement was sent",
        );
    }
}
