//! The examples, as a user tries them.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use countersign_axum::GateService;
use countersign_axum::testing::{Browser, Harness};

#[path = "../examples/axum_login.rs"]
mod axum_login_example;
#[path = "../examples/minimal.rs"]
mod minimal;

async fn sign_in_and_out(service: GateService) {
    let mut browser = Browser::new();
    let location = |answer: &countersign_axum::testing::TestAnswer| {
        answer.header("location").unwrap_or_default().to_owned()
    };
    assert_eq!(location(&browser.get(&service, "/").await), "/sign-in");
    let answer = browser
        .post(&service, "/sign-in", "name=alice&password=wrong")
        .await;
    assert_eq!(location(&answer), "/sign-in");
    assert_eq!(location(&browser.get(&service, "/").await), "/sign-in");
    let form = "name=alice&password=correct+horse";
    let answer = browser.post(&service, "/sign-in", form).await;
    assert_eq!(location(&answer), "/");
    let page = browser.get(&service, "/").await.text();
    assert!(page.contains("Hello alice"), "{page}");
    let (_, rest) = page.split_once(r#"name="csrf" value=""#).unwrap();
    let (csrf, _) = rest.split_once('"').unwrap();
    let before = browser.clone();
    let answer = browser
        .post(&service, "/two-factor/sign-out", "csrf=no")
        .await;
    assert_eq!(answer.status, 403);
    let form = format!("csrf={csrf}");
    let answer = browser.post(&service, "/two-factor/sign-out", &form).await;
    assert_eq!(location(&answer), "/sign-in");
    for mut browser in [browser, before] {
        assert_eq!(location(&browser.get(&service, "/").await), "/sign-in");
    }
    let harness = Harness::new(service).public(["/sign-in"]).nobody_only();
    harness.check().await.unwrap();
}

#[tokio::test]
async fn the_minimal_example_runs() {
    sign_in_and_out(minimal::service().unwrap()).await;
}

#[tokio::test]
async fn the_axum_login_example_runs() {
    sign_in_and_out(axum_login_example::service().unwrap()).await;
}
