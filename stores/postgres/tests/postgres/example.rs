//! The example `postgres_login`.

use countersign_store_testing::run_login_example;

#[test]
fn the_example_logs_in() {
    assert_eq!(run_login_example("postgres", &server!().url()), Ok(()));
}
