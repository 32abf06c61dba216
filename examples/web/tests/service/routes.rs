//! Every route is closed, unless this list names it.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::header::AUTHORIZATION;
use countersign_axum::testing::{Browser, Client, Harness, TestRequest};

use crate::support::{ALICE, OPERATOR, PASSWORD, Service};

const PUBLIC: [&str; 9] = [
    "/",
    "/sign-up",
    "/sign-up/{token}",
    "/sign-in",
    "/sign-in/link",
    "/sign-in/link/{token}",
    "/api/session",
    "/style.css",
    "/favicon.ico",
];

#[tokio::test]
async fn only_listed_routes_are_open() {
    let service = Service::on_sqlite().await;
    service.enrolled(ALICE).await;
    let mut half = Browser::new();
    let form = format!("email={ALICE}&password={}", PASSWORD.replace(' ', "+"));
    let form = TestRequest::form("/sign-in", &form);
    let answer = half.send(&service.router, form).await;
    assert_eq!(answer.header("location"), Some("/two-factor/code"));
    let report = Harness::new(service.router.clone())
        .half_signed_in(&half)
        .public(PUBLIC)
        .check()
        .await
        .unwrap();
    assert!(report.not_seen.is_empty(), "{report:?}");
    assert!(report.refused > 0);
    // And nobody's route answers like a closed one.
    let nobody = service
        .router
        .send(TestRequest::new("GET", "/account"))
        .await;
    assert_eq!(nobody.header("location"), Some("/sign-in"));
}

on_both! {
    a_link_signs_in_the_browser_that_asked,
    a_link_expires,
    a_link_leads_to_the_code_page,
    few_links_are_sent,
    a_token_needs_fresh_factors,
    a_token_is_a_first_factor,
    our_forms_need_the_token_of_the_session,
    the_log_names_the_device,
    unknown_tokens_are_refused,
}

async fn ask_for_link(service: &Service, browser: &mut crate::browser::Browser) -> String {
    browser.get("/sign-in/link").await;
    let page = browser.post("/sign-in/link", &[("email", ALICE)]).await;
    page.must_have("If there is an account");
    service.last_link()
}

async fn a_link_signs_in_the_browser_that_asked(service: Service) {
    service.signed_up(ALICE).await;
    let mut browser = service.browser();
    let link = ask_for_link(&service, &mut browser).await;
    // Opening it changes nothing, in any browser.
    let mut other = service.browser();
    for browser in [&mut other, &mut browser] {
        assert_eq!(browser.get(&link).await.status, 200);
        assert!(!browser.is_signed_in().await);
    }
    assert_eq!(other.post(&link, &[]).await.location(), "/sign-in?link");
    assert_eq!(browser.post(&link, &[]).await.location(), "/account");
    assert!(browser.is_signed_in().await);
    let mut again = browser.clone();
    assert_eq!(again.post(&link, &[]).await.location(), "/sign-in?link");
    let page = service.browser().get("/sign-in?link").await;
    page.must_have("belongs to another browser");
    // The answer for an unknown address is the same.
    let page = browser
        .post("/sign-in/link", &[("email", "x@example.com")])
        .await;
    page.must_have("If there is an account");
    assert!(service.subjects("x@example.com").is_empty());
}

async fn a_link_expires(service: Service) {
    service.signed_up(ALICE).await;
    let mut browser = service.browser();
    let link = ask_for_link(&service, &mut browser).await;
    service.wait(15 * 60);
    assert_eq!(browser.post(&link, &[]).await.location(), "/sign-in?link");
    assert!(!browser.is_signed_in().await);
}

async fn a_link_leads_to_the_code_page(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    let link = ask_for_link(&service, &mut browser).await;
    let page = browser.post(&link, &[]).await;
    assert_eq!(page.location(), "/two-factor/code");
    assert!(!browser.is_signed_in().await);
    let code = service.next(&phone);
    let page = browser.give_code_and_follow(&code).await;
    page.must_have("Signed in with an email and a code");
}

async fn few_links_are_sent(service: Service) {
    service.signed_up(ALICE).await;
    let mut browser = service.browser();
    let before = service.subjects(ALICE).len();
    for _ in 0..7 {
        ask_for_link(&service, &mut browser).await;
    }
    assert_eq!(service.subjects(ALICE).len(), before + 5);
}

async fn a_token_needs_fresh_factors(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    assert_eq!(browser.get("/api-token").await.status, 200);
    service.wait(601);
    let page = browser.get("/api-token").await;
    let prove = page.location().to_owned();
    assert!(
        prove.starts_with("/two-factor/prove?to=%2Fapi-token"),
        "{prove}"
    );
    let page = browser.post("/api-token", &[]).await;
    assert!(page.location().starts_with("/two-factor/prove"));
    assert_eq!(service.count("SELECT count(*) FROM api_tokens").await, 0);
    browser.get(&prove).await;
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let page = browser.post_and_follow(&prove, &fields).await;
    page.must_have("Make a token");
}

/// Sends JSON, as a program does.
fn json(path: &str, body: &str) -> TestRequest {
    let mut request = TestRequest::new("POST", path).header("accept", "application/json");
    request.body = body.as_bytes().to_vec();
    request.header("content-type", "application/json")
}

async fn a_token_is_a_first_factor(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    browser.get("/api-token").await;
    let token = browser.post("/api-token", &[]).await.token();
    let mut program = Browser::new();
    let bearer = format!("Bearer {token}");
    let begin = json("/api/session", "").header("authorization", &bearer);
    let answer = program.send(&service.router, begin).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(
        answer.text().contains("\"/two-factor/code\""),
        "{}",
        answer.text()
    );
    let read = || TestRequest::new("GET", "/api/account").header("accept", "application/json");
    let answer = program.send(&service.router, read()).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .contains("problem+json")
    );
    let page = TestRequest::new("GET", "/two-factor/code").header("accept", "application/json");
    let page = program.send(&service.router, page).await.text();
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let form = serde_json::json!({
        "csrf": page["csrf"],
        "request": page["content"]["request"],
        "code": service.next(&phone),
    });
    let answer = program
        .send(&service.router, json("/two-factor/code", &form.to_string()))
        .await;
    assert_eq!(answer.status, 200, "{page} {}", answer.text());
    let answer = program.send(&service.router, read()).await;
    assert_eq!(
        answer.text(),
        format!("{{\"email\":\"{ALICE}\",\"two_factor\":true}}")
    );
    let page = browser.get("/account").await;
    page.must_have("Signed in with an API token and a code");
}

async fn our_forms_need_the_token_of_the_session(service: Service) {
    let (mut operator, _) = service.enrolled(OPERATOR).await;
    operator.get("/account").await;
    operator.csrf = "0".repeat(32);
    let unlock = [("account", "1"), ("reason", "because she asked")];
    for (path, fields) in [("/api-token", &[][..]), ("/admin/unlock", &unlock)] {
        let page = operator.post(path, fields).await;
        assert_eq!(page.status, 403, "{path}");
        page.must_have("The form was out of date");
    }
    assert_eq!(service.count("SELECT count(*) FROM api_tokens").await, 0);
}

/// The log names the device and the address, as far as the request tells them.
async fn the_log_names_the_device(service: Service) {
    service.signed_up(ALICE).await;
    for (agent, device) in [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)",
            "iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9)", "Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0)", "Linux"),
        ("curl/8.5.0", "curl"),
        ("<b>/1", "&#60;b&#62;"),
    ] {
        let mut browser = service.browser();
        let mut form = browser.form("/sign-in", &[("email", ALICE), ("password", PASSWORD)]);
        form.headers_mut()
            .insert("user-agent", agent.parse().unwrap());
        form.extensions_mut()
            .insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711))));
        browser.send(form).await;
        let page = browser.get("/account").await;
        page.must_have(&format!("</time> · {device}, 192.0.2.7</span>"));
    }
}

async fn unknown_tokens_are_refused(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    browser.get("/api-token").await;
    let first = browser.post("/api-token", &[]).await.token();
    let second = browser.post("/api-token", &[]).await.token();
    assert_ne!(first, second);
    for header in [
        format!("Bearer {first}"),
        "Bearer ".into(),
        second,
        String::new(),
    ] {
        let request = Request::post("/api/session").header(AUTHORIZATION, &header);
        let mut program = service.browser();
        let page = program.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, 401, "{header}");
        assert_eq!(program.cookie, None);
    }
}
