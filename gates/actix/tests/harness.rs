//! The harness.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod service;

use actix_session::SessionMiddleware;
use actix_web::cookie::Key;
use actix_web::test::TestRequest;
use actix_web::web;
use countersign_actix::gate::testing::Fixture;
use countersign_actix::testing::{Finding, Harness, Report};
use countersign_actix::{AppService, GateSessions, Gated};
use service::{Held, TestStore, app};

fn sign_in(account: &str) -> TestRequest {
    let form = [("account", account)];
    TestRequest::post().uri("/enter/password").set_form(form)
}

/// The service, with one more route.
async fn walk(path: Option<&str>, account: &str) -> Result<Report, Finding> {
    let fixture = Fixture::new().await.unwrap();
    let app = app(fixture.gate, Held::default());
    let app = match path {
        Some(path) => app.public(path, web::delete().to(async || "deleted")),
        None => app,
    };
    let sessions = GateSessions::new(TestStore::default());
    let app = app.sessions(SessionMiddleware::new(sessions, Key::from(&[7; 64])));
    harness(app.into_service(), account).run().await
}

fn harness<F: AppService<B>, B>(app: Gated<F>, account: &str) -> Harness<F>
where
    B: actix_web::body::MessageBody + 'static,
{
    let open = [
        "/",
        "/enter/{kind}",
        "/leave",
        "/write",
        "/session/{change}",
    ];
    let harness = Harness::new(app).sign_in(sign_in(account)).param("id", "7");
    open.into_iter().fold(harness, Harness::open)
}

#[actix_web::test]
async fn the_harness_finds_a_route_left_open() {
    let found = walk(Some("/invoices/{id}"), "alice").await.unwrap_err();
    let Finding::LeftOpen(requests) = &found else {
        panic!("{found}");
    };
    for stage in ["as nobody", "after the first factor"] {
        let expected = format!("DELETE /invoices/7, {stage}");
        assert!(requests.contains(&expected), "{found}");
    }
    assert!(
        requests.iter().all(|request| request.contains("/")),
        "{found}"
    );
}

#[actix_web::test]
async fn the_harness_walks_all_routes() {
    let report = walk(None, "alice").await.unwrap();
    assert_eq!(
        report.closed,
        ["/half", "/secret", "/message", "/secret/{id}", "/fresh"]
    );
    assert_eq!(report.open.len(), 5);
    assert_eq!((report.not_seen, report.public_not_seen), (1, 1));
    // Seven methods, nine spellings; as nobody, and but for one route after the first factor.
    assert_eq!(report.requests, 7 * 9 * (5 + 4));
    let enrolls = walk(None, "carol").await.unwrap();
    assert_eq!(enrolls.requests, report.requests);
}

#[actix_web::test]
async fn the_harness_needs_a_half_session() {
    let found = walk(None, "bob").await.unwrap_err();
    assert!(matches!(found, Finding::NotHalfSignedIn(_)), "{found}");
}

#[actix_web::test]
async fn the_harness_asks_for_parameters() {
    let found = walk(Some("/a/{other}"), "alice").await.unwrap_err();
    assert_eq!(found, Finding::NoParam("other".to_owned()));
}
