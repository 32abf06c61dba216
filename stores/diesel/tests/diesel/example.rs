//! The example `diesel_login`.

use countersign_store_testing::run_login_example;

#[test]
fn the_example_logs_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.db");
    assert_eq!(run_login_example("diesel", path.to_str().unwrap()), Ok(()));
}
