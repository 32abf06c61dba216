use countersign::FirstFactorKind;
use countersign::session::Access;
use countersign_gate::{GateRequest, Headers, SessionChange};

use crate::browser::Browser;
use crate::support::{ALICE, BOB, PASSWORD, Service, in_both_formats};

in_both_formats! {
    forms_without_our_token_change_nothing,
    forms_of_other_sites_change_nothing,
    hosts_are_compared_without_a_default_port,
    passwords_from_other_sites_sign_nobody_in,
    a_header_may_carry_the_token,
    bodies_that_are_no_forms_are_refused,
    other_methods_and_pages_are_refused,
    pages_write_nothing_once_they_have_a_token,
    background_requests_change_nothing,
}

/// The forms that change something for a user whose factors are fresh.
const FORMS: [&str; 9] = [
    "/two-factor/setup",
    "/two-factor/add",
    "/two-factor/disable",
    "/two-factor/backup-codes",
    "/two-factor/backup-codes/file",
    "/two-factor/backup-codes/saved",
    "/two-factor/backup-codes/discard",
    "/two-factor/prove",
    "/two-factor/sign-out",
];

async fn refuses(browser: &mut Browser, request: GateRequest) {
    let path = request.path.clone();
    let answer = browser.send(request).await;
    assert_eq!(
        (answer.status, &answer.change),
        (403, &SessionChange::Keep),
        "{path}"
    );
    assert!(browser.is_signed_in().await);
}

async fn forms_without_our_token_change_nothing(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let others = service.signed_in(BOB).await.csrf;
    let code = service.next(&phone);
    for path in FORMS {
        for token in [None, Some(""), Some("0123"), Some(others.as_str())] {
            let mut fields = vec![
                ("password", PASSWORD),
                ("code", code.as_str()),
                ("text", ""),
            ];
            fields.extend(token.map(|token| ("csrf", token)));
            let request = browser.request(path, Some(&fields));
            refuses(&mut browser, request).await;
        }
    }
    assert!(service.is_enabled(ALICE).await);
}

async fn forms_of_other_sites_change_nothing(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    browser.get("/two-factor").await;
    let headers = |site: Option<&str>, origin: Option<&str>| Headers {
        host: Some("service.test".to_owned()),
        sec_fetch_site: site.map(str::to_owned),
        origin: origin.map(str::to_owned),
        ..Headers::default()
    };
    for path in FORMS {
        for other in [
            headers(Some("cross-site"), None),
            headers(Some("same-site"), None),
            headers(None, Some("https://other.test")),
            headers(None, Some("null")),
        ] {
            browser.headers = other;
            let request = browser.form(path, &[("password", PASSWORD), ("text", "")]);
            let answer = browser.send(request).await;
            assert_eq!((answer.status, &answer.change), (403, &SessionChange::Keep));
        }
    }
    browser.headers = headers(Some("same-origin"), Some("https://service.test"));
    browser
        .post("/two-factor/sign-out", &[])
        .await
        .leads_to("/sign-in");
}

async fn hosts_are_compared_without_a_default_port(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    for (origin, host, is_same) in [
        ("https://service.test", "service.test:443", true),
        ("https://service.test", "Service.TEST", true),
        ("http://service.test", "service.test:80", true),
        ("https://service.test:8443", "service.test:8443", true),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443", true),
        ("https://[2001:db8::1]", "[2001:db8::1]:443", true),
        ("https://service.test", "service.test:80", false),
        ("https://service.test", "service.test:8443", false),
        ("https://service.test:8443", "service.test", false),
        ("https://service.test.example", "service.test", false),
        ("https://aservice.test", "service.test", false),
        ("https://[2001:db8::1]", "[2001:db8::1:443]", false),
        ("service.test", "service.test", false),
        ("null", "null", false),
        ("", "", false),
    ] {
        browser.headers.origin = Some(origin.to_owned());
        browser.headers.host = Some(host.to_owned());
        let answer = browser.post("/two-factor/backup-codes/saved", &[]).await;
        assert_eq!(answer.status != 403, is_same, "{origin} {host}");
    }
}

async fn passwords_from_other_sites_sign_nobody_in(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    for site in ["cross-site", "same-site"] {
        browser.headers.sec_fetch_site = Some(site.to_owned());
        let answer = browser.password(BOB).await;
        assert_eq!((answer.status, answer.change), (403, SessionChange::Keep));
        assert!(browser.is_signed_in().await);
    }
    // A single sign-on answers with a form of its site.
    let answer = browser
        .first_factor(BOB, FirstFactorKind::SingleSignOn)
        .await;
    answer.leads_to("/");
}

async fn a_header_may_carry_the_token(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    browser.headers.csrf_token = Some("0123".to_owned());
    let request = browser.request("/two-factor/setup", Some(&[]));
    refuses(&mut browser, request).await;
    browser.headers.csrf_token = Some(browser.csrf.clone());
    let request = browser.request("/two-factor/setup", Some(&[]));
    let answer = browser.send(request).await;
    assert!(answer.next.starts_with("/two-factor/setup/"), "{answer:?}");
}

async fn bodies_that_are_no_forms_are_refused(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    for (kind, body) in [
        (None, "csrf=a"),
        (Some("text/plain"), "csrf=a"),
        (Some("application/json"), "[1,"),
        (Some("application/x-www-form-urlencoded"), "%ff=%ff&csrf"),
    ] {
        let mut request = browser.form("/two-factor/setup", &[]);
        request.headers.content_type = kind.map(str::to_owned);
        request.body = body.as_bytes().to_vec();
        refuses(&mut browser, request).await;
    }
}

async fn other_methods_and_pages_are_refused(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    for (path, status) in [
        ("/two-factor/sign-out", 405),
        ("/two-factor/backup-codes/file", 405),
        ("/two-factor/backup-codes/saved", 405),
        ("/two-factor/backup-codes/discard", 405),
        ("/two-factor/setup/a/cancel", 405),
        ("/two-factor/unknown", 404),
        ("/two-factor/authenticators", 404),
        ("/two-factor/setup/a/b", 404),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.change),
            (status, SessionChange::Keep),
            "{path}"
        );
    }
    assert_eq!(browser.post("/two-factor", &[]).await.status, 405);
}

async fn pages_write_nothing_once_they_have_a_token(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    browser.get("/two-factor").await;
    for path in [
        "/two-factor",
        "/two-factor/add",
        "/two-factor/disable",
        "/two-factor/backup-codes",
        "/two-factor/prove?to=%2F&ask=both",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.change),
            (200, SessionChange::Keep),
            "{path}"
        );
    }
}

async fn background_requests_change_nothing(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.wait(601);
    browser.get("/two-factor/add").await;
    // A request begins before the renewal, and ends after it.
    let late = browser.request("/two-factor/setup", None);
    let old = browser.cookie.clone();
    let code = service.next(&phone);
    let fields = [("name", "Tablet"), ("code", code.as_str())];
    browser.post("/two-factor/add", &fields).await;
    assert_ne!(browser.cookie, old);
    let answer = browser.handle(late).await;
    let cookie = service.sessions.carry_out(old.as_deref(), &answer.session);
    assert_eq!(cookie, crate::browser::Cookie::Kept);
    assert!(service.sessions.data(old.as_deref()).is_moved());
    assert!(browser.may_have("/", Access::Full).await.is_ok());
}
