//! Loco and the store use one pool, after Loco has booted an application.

use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_guide_loco::App;
use countersign_sqlx::SqliteStore;
use loco_rs::app::{AppContext, Hooks};
use loco_rs::boot::StartMode;
use loco_rs::environment::Environment;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TryGetable};
use tempfile::TempDir;

/// The context after Loco's whole boot, from a configuration file as Loco's starter has it.
async fn boot(directory: &TempDir) -> AppContext {
    let file = directory.path().join("application.db");
    let configuration = format!(
        "logger: {{ enable: false, level: error, format: compact }}
server: {{ port: 5150, host: http://localhost }}
workers: {{ mode: ForegroundBlocking }}
database:
  uri: 'sqlite://{}?mode=rwc'
  enable_logging: false
  connect_timeout: 5000
  idle_timeout: 5000
  min_connections: 1
  max_connections: 1
",
        file.display()
    );
    std::fs::write(directory.path().join("test.yaml"), configuration).unwrap();
    let environment = Environment::Test;
    let config = environment.load_from_folder(directory.path()).unwrap();
    App::boot(StartMode::ServerOnly, &environment, config).await.unwrap().app_context
}

/// The first column of the only row, read through SeaORM.
async fn value<T: TryGetable>(ctx: &AppContext, sql: &str) -> T {
    let rows = ctx.db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    assert_eq!(rows.len(), 1, "{sql}");
    rows[0].try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn loco_and_the_store_share_a_pool() {
    let directory = tempfile::tempdir().unwrap();
    let ctx = boot(&directory).await;
    let store: SqliteStore = ctx.shared_store.get().unwrap();

    // These are the store's settings. Loco's own connection has 1 (NORMAL).
    assert_eq!(value::<i32>(&ctx, "PRAGMA synchronous").await, 2);
    assert_eq!(value::<String>(&ctx, "PRAGMA journal_mode").await, "wal");

    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'countersign'";
    assert_eq!(value::<i64>(&ctx, tables).await, 0);
    store.create_table().await.unwrap();
    assert_eq!(value::<i64>(&ctx, tables).await, 1);

    let account = AccountId::from(7_u32);
    let new = Revision::from_i64(1).unwrap();
    let summary = Summary::new(true, 0, KeyId::new(1));
    let write = ConditionalWrite::put(None, new, b"record", WriteKind::Enrolled, summary);
    assert_eq!(store.compare_and_swap(&account, write).await.unwrap(), WriteResult::Done);
    assert_eq!(value::<Vec<u8>>(&ctx, "SELECT record FROM countersign").await, b"record");

    // A pool that is closed is closed for all who share it.
    assert!(store.load(&account).await.unwrap().is_some());
    ctx.db.close().await.unwrap();
    assert!(store.load(&account).await.is_err());
}

#[test]
fn page_shows_the_code_of_the_application() {
    let page = include_str!("../../../../docs/sea-orm.md");
    let application = include_str!("../src/lib.rs");
    for start in ["async fn connect(", "async fn after_context("] {
        let code = function(application, start);
        assert!(page.contains(&code), "docs/sea-orm.md does not show this:\n{code}");
    }
}

/// The function that begins so, without its indentation.
fn function(text: &str, start: &str) -> String {
    let mut lines =
        text.lines().skip_while(|line| !line.trim_start().starts_with(start)).peekable();
    let first = lines.peek().unwrap();
    let indentation = first.len() - first.trim_start().len();
    let mut code = String::new();
    for line in lines {
        code.push_str(line.get(indentation..).unwrap_or_default());
        code.push('\n');
        if line.get(indentation..) == Some("}") {
            return code;
        }
    }
    panic!("{start} has no end");
}
