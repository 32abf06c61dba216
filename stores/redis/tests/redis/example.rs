//! The example `redis_login`.

use countersign_store_testing::run_login_example;

#[test]
fn the_example_logs_in() {
    let server = shared!(SINGLE);
    assert_eq!(run_login_example("redis", &server.url()), Ok(()));
}
