//! The check of all routes.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

mod service;

use actix_session::SessionMiddleware;
use actix_web::cookie::Key;
use actix_web::dev::ServiceResponse;
use actix_web::web;
use countersign_actix::gate::testing::Fixture;
use countersign_actix::testing::{Browser, Harness, OpenRoutes, Report, TestService};
use countersign_actix::{Endpoint, GateApp, GateSessions};
use service::{Held, TestStore, app};

const PUBLIC: [&str; 5] = [
    "/",
    "/enter/{kind}",
    "/leave",
    "/write",
    "/session/{change}",
];

async fn check<T: Endpoint<Response = ServiceResponse>>(
    app: GateApp<T>,
    account: &str,
    list: &[&str],
) -> Result<Report, OpenRoutes> {
    let sessions = GateSessions::new(TestStore::default());
    let app = app.sessions(SessionMiddleware::new(sessions, Key::from(&[7; 64])));
    let service = TestService::new(app.into_service()).await;
    let mut browser = Browser::new();
    browser.enter(&service, account, "password").await;
    Harness::new(service)
        .half_signed_in(&browser)
        .public(list.iter().copied())
        .first_factor(["/half"])
        .param("id", "7")
        .check()
        .await
}

async fn test_app() -> GateApp<impl Endpoint<Response = ServiceResponse>> {
    let fixture = Fixture::new().await.unwrap();
    app(fixture.gate, Held::default())
}

#[actix_web::test]
async fn a_closed_service_passes() {
    let report = check(test_app().await, "alice", &PUBLIC).await.unwrap();
    assert_eq!(
        report.closed,
        ["/half", "/secret", "/message", "/secret/{id}", "/fresh"]
    );
    assert_eq!(
        (report.not_seen, report.public_not_seen),
        (vec![String::new()], vec![String::new()])
    );
    // Eight methods and nine spellings of an unknown path and four routes, twice; and one route for
    // half sessions.
    assert_eq!(report.refused, 8 * 9 * (5 * 2 + 1));
    let enrolls = check(test_app().await, "carol", &PUBLIC).await.unwrap();
    assert_eq!(enrolls.refused, report.refused);
}

#[actix_web::test]
async fn a_route_left_open_is_found() {
    let users = async || "users";
    let open = test_app()
        .await
        .public("/admin/{id}", web::delete().to(users));
    let found = check(open, "alice", &PUBLIC).await.unwrap_err();
    let expected = "/admin/{id} is public, but not on your list";
    assert_eq!(found.lines(), [expected]);
    let half = test_app()
        .await
        .first_factor("/admin", web::get().to(users));
    let found = check(half, "alice", &PUBLIC).await.unwrap_err();
    let expected = "/admin is open after the first factor, but not on your list";
    assert_eq!(found.lines(), [expected]);
}

#[actix_web::test]
async fn a_half_session_is_needed() {
    let found = check(test_app().await, "bob", &PUBLIC).await.unwrap_err();
    let expected = "the browser is not half signed in; use an account that has a second factor";
    assert_eq!(found.lines()[0], expected);
}

#[actix_web::test]
async fn missing_values_are_named() {
    let more = test_app()
        .await
        .route("/a/{other}", web::get().to(async || ""));
    let found = check(more, "alice", &PUBLIC).await.unwrap_err();
    let expected = "/a/{other} was not walked; give a value by `.param(\"other\", ..)`";
    assert_eq!(found.lines(), [expected]);
}
