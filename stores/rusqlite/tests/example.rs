//! Runs the example `rusqlite_login`.

use countersign_store_testing::run_login_example;

#[test]
fn the_example_logs_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("accounts.db");
    assert_eq!(
        run_login_example("rusqlite", path.to_str().expect("a path in UTF-8")),
        Ok(())
    );
}
