use axum::body::Body;
use axum::http::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, SET_COOKIE,
};

use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    a_form_needs_the_token_of_its_session,
    a_form_from_another_site_is_refused,
    every_answer_has_security_headers,
    the_cookie_is_for_this_host_alone,
    a_malformed_request_gets_a_page,
}

async fn a_form_needs_the_token_of_its_session(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    browser.get("/account").await;
    let (mut other, _) = service.enrolled("bob@example.com").await;
    other.get("/account").await;
    let right = browser.csrf.clone();
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    for token in ["", "0", &other.csrf, &right[..31], &format!("{right}0")] {
        browser.csrf = token.to_owned();
        let page = browser.post("/two-factor/disable", &fields).await;
        assert_eq!(page.status, 403, "{token}");
    }
    let form = Request::post("/two-factor/disable")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let page = browser
        .send(
            form.body(Body::from(format!("password={PASSWORD}&code={code}")))
                .unwrap(),
        )
        .await;
    assert_eq!(page.status, 403);
    // A token from before the code is refused after it.
    let mut half = service.partially_signed_in(ALICE).await;
    let before = half.csrf.clone();
    half.give_code(&service.next(&phone)).await;
    half.get("/account").await;
    half.csrf = before;
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    assert_eq!(half.post("/two-factor/disable", &fields).await.status, 403);
    // None of these requests changed anything.
    browser.csrf = right;
    let page = browser
        .post_and_follow("/two-factor/disable", &fields)
        .await;
    page.must_have("Enable 2FA");
}

async fn a_form_from_another_site_is_refused(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    browser.get("/account").await;
    let credentials = [("email", ALICE), ("password", PASSWORD)];
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        (ORIGIN.as_str(), "https://evil.example"),
        (ORIGIN.as_str(), "null"),
    ] {
        // Nobody can sign you in to another account either.
        for (path, fields) in [
            ("/two-factor/sign-out", &[][..]),
            ("/sign-in", &credentials),
        ] {
            let mut request = browser.form(path, fields);
            let header = axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(header, value.parse().unwrap());
            let cookie = browser.cookie.clone();
            let page = browser.send(request).await;
            assert_eq!(page.status, 403, "{name}: {value}");
            page.must_have("another site");
            assert_eq!(browser.cookie, cookie);
        }
    }
    assert!(browser.is_signed_in().await);
}

async fn every_answer_has_security_headers(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let script = browser.get("/account").await.script();
    for path in [
        "/account",
        "/sign-in",
        &script,
        "/nothing",
        "/style.css",
        "/favicon.ico",
        "/two-factor/setup",
    ] {
        let page = browser.get(path).await;
        let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(page.headers["referrer-policy"], "same-origin", "{path}");
        let kept = page.headers[CACHE_CONTROL].to_str().unwrap();
        assert_eq!(kept == "no-store", !path.contains('.'), "{path}");
        // The policy would block inline styles and scripts.
        assert!(
            !page.has("style=\"") && !page.has("<style") && !page.has(" onclick"),
            "{path}"
        );
        assert!(!page.has("<script>"), "{path}");
    }
}

async fn the_cookie_is_for_this_host_alone(service: Service) {
    service.signed_up(ALICE).await;
    let page = service.browser().give_password(ALICE, PASSWORD).await;
    let cookie = page.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(
            cookie.split("; ").any(|part| part == attribute),
            "{attribute}: {cookie}"
        );
    }
    assert!(!cookie.contains("Domain"));
}

async fn a_malformed_request_gets_a_page(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    browser.get("/account").await;
    let form = |body: Vec<u8>, kind: &str| {
        Request::post("/sign-in")
            .header(CONTENT_TYPE, kind)
            .body(Body::from(body))
            .unwrap()
    };
    let urlencoded = "application/x-www-form-urlencoded";
    for (request, status) in [
        (form(b"{}".to_vec(), "application/json"), 415),
        (
            form(b"csrf=%FF%FE&email=a%00&password=%".to_vec(), urlencoded),
            422,
        ),
        (
            form(b"csrf=1&csrf=2&email=a&password=b".to_vec(), urlencoded),
            422,
        ),
        (form(vec![b'x'; 20_000], urlencoded), 413),
        (Request::put("/account").body(Body::empty()).unwrap(), 405),
        (
            Request::get("/two-factor/setup/..%2f..%2fetc")
                .body(Body::empty())
                .unwrap(),
            410,
        ),
        (
            Request::get("/sign-up/%FF").body(Body::empty()).unwrap(),
            400,
        ),
    ] {
        let path = request.uri().clone();
        let page = browser.send(request).await;
        assert_eq!(page.status, status, "{path} {}", page.body);
        page.must_have("</html>");
    }
    let mut hostile = service.browser();
    hostile.cookie = Some("__Host-session=../../etc/passwd".into());
    assert_eq!(hostile.get("/account").await.location(), "/sign-in");
}
