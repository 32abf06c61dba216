//! The start of the service: several at the same moment, and the files of the first start.

use countersign_web::Database;
use tokio::task::JoinSet;

use crate::support::new_postgres_database;

const SERVICES: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn services_create_the_tables_of_postgres_together() {
    let Some(url) = new_postgres_database().await else {
        return;
    };
    let urls = std::iter::repeat_n(url, SERVICES);
    let mut services: JoinSet<_> = urls
        .map(|url| async move { Database::open(&url).await.map(drop) })
        .collect();
    while let Some(started) = services.join_next().await {
        started.unwrap().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_new_files() {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    let mut service = Command::new("sh")
        .args(["-c", r#"umask 022; exec "$0" "$@""#])
        .arg(env!("CARGO_BIN_EXE_countersign-web"))
        .args(["--listen", "127.0.0.1:0", "--database"])
        .arg(format!("sqlite:{}", path("web.db").display()))
        .arg("--key")
        .arg(path("key"))
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(service.stderr.take().unwrap()).lines();
    let open = lines.find(|line| line.as_ref().unwrap().contains("open http"));
    let mode = |name| {
        let mode = fs::metadata(path(name)).map(|file| file.permissions().mode() & 0o777);
        (name, mode.ok())
    };
    let modes = ["web.db", "web.db-wal", "web.db-shm", "key"].map(mode);
    service.kill().unwrap();
    service.wait().unwrap();
    assert!(open.is_some(), "the service did not start");
    for (name, mode) in modes {
        assert_eq!(mode, Some(0o600), "{name}");
    }
}
