//! Requests and answers between axum and the gate.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod service;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};
use countersign_axum::gate::GateRequest;
use countersign_axum::testing::{Browser, Client, TestRequest};
use countersign_axum::tower_sessions_015::GateSessions;
use countersign_axum::{Door, FirstFactorKind, Fresh, GateRouter, GateService, SignedIn};
use countersign_gate::testing::{Fixture, SECRET};
use service::{router, service};
use tower_service::Service;
use tower_sessions_015::{MemoryStore, Session, SessionManagerLayer};

fn layer() -> SessionManagerLayer<GateSessions<MemoryStore>> {
    SessionManagerLayer::new(GateSessions::new(MemoryStore::default()))
}

async fn started() -> (Fixture, GateService) {
    let fixture = Fixture::new().await.unwrap();
    let service = service::<Session, _>(fixture.gate.clone(), layer());
    (fixture, service)
}

async fn status(service: &GateService, request: Request) -> StatusCode {
    let answer: Response = service.clone().call(request).await.unwrap();
    answer.status()
}

#[tokio::test]
async fn long_bodies_are_refused() {
    let (_, service) = started().await;
    for (length, expected) in [
        (GateRequest::LARGEST_BODY, StatusCode::SEE_OTHER),
        (GateRequest::LARGEST_BODY + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = Request::post("/two-factor/code").body(Body::from(vec![b'a'; length]));
        assert_eq!(status(&service, request.unwrap()).await, expected);
    }
}

#[tokio::test]
async fn pages_take_three_methods() {
    let (_, service) = started().await;
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    for (method, expected) in [
        (Method::GET, 200),
        (Method::HEAD, 200),
        (Method::PUT, 405),
        (Method::DELETE, 405),
        (Method::OPTIONS, 405),
    ] {
        let request = TestRequest::new(method.as_str(), "/two-factor/code");
        let answer = browser.send(&service, request).await;
        assert_eq!(answer.status, expected, "{method}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method}");
    }
}

#[tokio::test]
async fn refusals_lead_to_the_next_page() {
    let (fixture, service) = started().await;
    let mut browser = Browser::new();
    let location = |answer: &countersign_axum::testing::TestAnswer| {
        (answer.status, answer.header("location").map(str::to_owned))
    };
    let to = |path: &str| (303, Some(path.to_owned()));
    let answer = browser.get(&service, "/secret").await;
    assert_eq!(location(&answer), to("/sign-in"));
    browser.enter(&service, "alice", "password").await;
    for path in ["/secret", "/nowhere", "/secret/nested/a"] {
        let answer = browser.get(&service, path).await;
        assert_eq!(location(&answer), to("/two-factor/code"), "{path}");
    }
    let json = TestRequest::new("GET", "/secret").header("accept", "application/json");
    let answer = browser.send(&service, json.clone()).await;
    assert!([401, 403].contains(&answer.status));
    assert_eq!(Browser::new().send(&service, json).await.status, 401);
    let code = fixture.next_code("alice");
    let answer = browser.enter_code(&service, &code).await;
    assert_eq!(location(&answer), to("/"));
    assert_eq!(browser.get(&service, "/nowhere").await.status, 404);
    assert_eq!(browser.get(&service, "/").await.text(), "hello alice");
    fixture.clock.advance(std::time::Duration::from_secs(360));
    let answer = browser.get(&service, "/fresh?a=b").await;
    let prove = to("/two-factor/prove?to=%2Ffresh%3Fa%3Db&ask=both");
    assert_eq!(location(&answer), prove);
}

/// RFC 9470.
#[tokio::test]
async fn programs_are_challenged_for_fresh_factors() {
    let fixture = Fixture::new().await.unwrap();
    let extracted = any(async |_: Fresh<5>| SECRET);
    let router = router::<Session>(fixture.gate.clone()).route("/extracted", extracted);
    let service = router.layer(layer()).into_service();
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    let code = fixture.next_code("alice");
    browser.enter_code(&service, &code).await;
    let json = |path| TestRequest::new("GET", path).header("accept", "application/json");
    for path in ["/fresh", "/extracted"] {
        assert!(browser.send(&service, json(path)).await.is_open(), "{path}");
    }
    fixture.clock.advance(std::time::Duration::from_secs(360));
    for path in ["/fresh", "/extracted"] {
        let answer = browser.send(&service, json(path)).await;
        assert_eq!(answer.status, 401, "{path}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""));
        assert!(challenge.ends_with("max_age=\"300\""), "{challenge}");
    }
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let (fixture, service) = started().await;
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    let code = fixture.next_code("alice");
    browser.enter_code(&service, &code).await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let request = TestRequest::new(method, "/secret").header("sec-fetch-site", "cross-site");
        let answer = browser.send(&service, request).await;
        assert_eq!((answer.status, answer.is_open()), (403, false), "{method}");
    }
    let link = TestRequest::new("GET", "/secret").header("sec-fetch-site", "cross-site");
    assert!(browser.send(&service, link).await.is_open());
}

#[tokio::test]
async fn tokens_are_compared() {
    let fixture = Fixture::new().await.unwrap();
    let check = async |user: SignedIn, token: String| match user.check_csrf(&token) {
        Ok(()) => user.csrf().to_owned(),
        Err(error) => error.to_string(),
    };
    let service = router::<Session>(fixture.gate.clone())
        .route("/check", any(check))
        .route("/token", get(async |user: SignedIn| user.csrf().to_owned()))
        .layer(layer())
        .into_service();
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    let code = fixture.next_code("alice");
    browser.enter_code(&service, &code).await;
    let refused = browser.post(&service, "/check", "").await.text();
    assert!(
        refused.starts_with("the form has another token"),
        "{refused}"
    );
    let token = browser.get(&service, "/token").await.text();
    assert_eq!(token.len(), 32);
    assert_eq!(browser.post(&service, "/check", &token).await.text(), token);
    let half = &token[..31];
    assert_eq!(browser.post(&service, "/check", half).await.text(), refused);
}

#[tokio::test]
async fn routes_without_a_gate_say_so() {
    let plain = axum::Router::<()>::new()
        .route("/signed-in", get(async |_: SignedIn| "open"))
        .route("/perhaps", get(async |_: Option<SignedIn>| "open"))
        .route("/door", get(async |door: Door| door.sign_out().await));
    for path in ["/signed-in", "/perhaps", "/door"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = plain.clone().call(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[tokio::test]
async fn without_sessions_everything_is_closed() {
    let fixture = Fixture::new().await.unwrap();
    let service = router::<Session>(fixture.gate).into_service();
    for path in ["/secret", "/fresh", "/half", "/nowhere", "/two-factor/code"] {
        let answer = service.send(TestRequest::new("GET", path)).await;
        assert_eq!(answer.status, 500, "{path}");
    }
    assert_eq!(
        service.send(TestRequest::new("GET", "/open")).await.text(),
        "open"
    );
}

#[tokio::test]
async fn routers_inside_are_closed() {
    let fixture = Fixture::new().await.unwrap();
    let open = || get(async || SECRET);
    let merged = axum::Router::new().route("/merged", open());
    let nested = axum::Router::new()
        .route("/page", open())
        .fallback(async || SECRET);
    let service = router::<Session>(fixture.gate.clone())
        .merge(merged)
        .nest("/nested", nested)
        .nest_service("/service", axum::Router::<()>::new().route("/page", open()))
        .fallback(async |user: SignedIn| format!("{} is lost", user.account()))
        .layer(layer())
        .into_service();
    let mut browser = Browser::new();
    let paths = [
        "/merged",
        "/nested",
        "/nested/page",
        "/nested/other",
        "/service",
        "/service/page",
        "/service/other",
        "/other",
    ];
    for account in [None, Some("alice")] {
        if let Some(account) = account {
            browser.enter(&service, account, "password").await;
        }
        for method in ["GET", "POST", "OPTIONS"] {
            for path in paths {
                let answer = browser.send(&service, TestRequest::new(method, path)).await;
                assert_eq!(answer.status, 303, "{method} {path}");
            }
        }
    }
    let code = fixture.next_code("alice");
    browser.enter_code(&service, &code).await;
    for path in ["/merged", "/nested/page", "/nested/other", "/service/page"] {
        assert!(browser.get(&service, path).await.is_open(), "{path}");
    }
    assert_eq!(
        browser.get(&service, "/other").await.text(),
        "alice is lost"
    );
}

#[tokio::test]
async fn layers_run_before_the_gate_in_any_order() {
    let fixture = Fixture::new().await.unwrap();
    let service = GateRouter::new::<Session>(fixture.gate.clone())
        .layer(layer())
        .public(
            "/enter",
            any(async |door: Door| door.first_factor(1_u64, FirstFactorKind::Password).await),
        )
        .route("/", any(async |user: SignedIn| user.account().to_string()))
        .into_service();
    let mut browser = Browser::new();
    browser.get(&service, "/enter").await;
    assert_eq!(browser.get(&service, "/").await.text(), "1");
}
