//! The check of all routes.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod service;

use axum::routing::{any, get};
use countersign_axum::testing::{Browser, Harness, OpenRoutes, Report};
use countersign_axum::tower_sessions_015::GateSessions;
use countersign_axum::{GateRouter, GateService};
use countersign_gate::testing::Fixture;
use service::router;
use tower_sessions_015::{MemoryStore, Session, SessionManagerLayer};

fn finished(router: GateRouter) -> GateService {
    let store = GateSessions::new(MemoryStore::default());
    router.layer(SessionManagerLayer::new(store)).into_service()
}

async fn check(
    change: impl FnOnce(GateRouter) -> GateRouter,
    list: &[&str],
) -> Result<Report, OpenRoutes> {
    let fixture = Fixture::new().await.unwrap();
    let service = finished(change(router::<Session>(fixture.gate)));
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    Harness::new(service)
        .half_signed_in(&browser)
        .public(list.iter().copied())
        .first_factor(["/half"])
        .param("id", "7")
        .check()
        .await
}

const PUBLIC: [&str; 4] = ["/", "/enter/{kind}", "/leave", "/open"];

#[tokio::test]
async fn a_closed_service_passes() {
    let report = check(|router| router, &PUBLIC).await.unwrap();
    assert_eq!(
        report.closed,
        ["/half", "/secret", "/secret/{id}", "/fresh"]
    );
    assert_eq!(report.not_seen, ["/secret/nested"]);
    assert_eq!(report.public_not_seen, ["/open"]);
    // Eight methods and nine spellings of an unknown path, three routes and two paths of a service,
    // twice; and of a route for half sessions.
    assert_eq!(report.refused, 8 * 9 * (6 * 2 + 1));
}

#[tokio::test]
async fn a_route_left_open_is_found() {
    let open = check(
        |router| router.public("/admin/{id}", get(async || "users")),
        &PUBLIC,
    );
    let found = open.await.unwrap_err();
    assert_eq!(
        found.lines(),
        ["/admin/{id} is public, but not on your list"]
    );
    let half = check(
        |router| router.first_factor("/admin", get(async || "users")),
        &PUBLIC,
    );
    let found = half.await.unwrap_err();
    assert_eq!(
        found.lines(),
        ["/admin is open after the first factor, but not on your list"]
    );
}

#[tokio::test]
async fn a_layer_that_answers_is_found() {
    async fn answers(
        request: axum::extract::Request,
        next: axum::middleware::Next,
    ) -> axum::response::Response {
        match request.uri().path() {
            "/secret" => axum::response::IntoResponse::into_response("cached"),
            _ => next.run(request).await,
        }
    }
    let answering = |router: GateRouter| router.layer(axum::middleware::from_fn(answers));
    let found = check(answering, &PUBLIC).await.unwrap_err();
    // The plain path, and the one with a query.
    assert_eq!(found.lines().len(), 2 * 2 * 8, "{found}");
    assert_eq!(found.lines()[0], "GET /secret (nobody): 200");
}

#[tokio::test]
async fn missing_values_are_named() {
    let more = |router: GateRouter| router.route("/user/{name}/{*rest}", any(async || ""));
    let found = check(more, &PUBLIC).await.unwrap_err();
    let expected = "/user/{name}/{*rest} was not walked; give a value by `.param(\"name\", ..)`";
    assert_eq!(found.lines(), [expected]);
    let typo = ["/", "/enter/{kind}", "/leave", "/open", "/opne"];
    let found = check(|router| router, &typo).await.unwrap_err();
    let expected = "/opne is on your list, but no such route is public";
    assert_eq!(found.lines(), [expected]);
}

#[tokio::test]
async fn a_full_session_is_not_half() {
    let fixture = Fixture::new().await.unwrap();
    let service = finished(router::<Session>(fixture.gate));
    let mut browser = Browser::new();
    browser.enter(&service, "bob", "password").await;
    let harness = Harness::new(service).half_signed_in(&browser);
    let harness = harness
        .public(PUBLIC)
        .first_factor(["/half"])
        .param("id", "7");
    let found = harness.check().await.unwrap_err();
    let expected = "the browser is not half signed in; use an account that has a second factor";
    assert_eq!(found.lines()[0], expected);
}
