//! How an answer changes the session cookie when requests of one browser overtake each other.

use axum::http::Method;
use axum::http::header::SET_COOKIE;

use crate::browser::{Browser, Page};
use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    a_passcode_sent_twice_signs_in,
    a_backup_code_sent_twice_signs_in,
    a_passcode_sent_twice_at_once_signs_in,
    a_backup_code_sent_twice_at_once_signs_in,
    two_codes_of_one_session_sign_in_once,
    a_password_sent_twice_reaches_the_code_page,
    a_change_sent_twice_keeps_the_sign_in,
    a_replaced_session_changes_no_cookie,
    an_ended_session_changes_no_cookie,
    an_old_cookie_gets_a_form_that_works,
    a_changed_session_needs_no_new_cookie,
}

const CODE: &str = "/two-factor/code";
const SIGN_INS: &str = "SELECT count(*) FROM sign_ins WHERE NOT ended";

fn sets_no_cookie(page: &Page) -> bool {
    page.headers.get(SET_COOKIE).is_none()
}

/// Sends the form of the code page twice in sequence, before the browser has seen the first answer.
async fn code_twice(browser: &mut Browser, code: &str) -> [Page; 2] {
    let mut again = browser.clone();
    let first = browser.give_code(code).await;
    let second = again.give_code(code).await;
    browser.take_cookie(&second);
    [first, second]
}

/// Sends the form of the code page twice at once. The answer to the request `last` arrives last.
async fn code_twice_at_once(browser: &mut Browser, last: usize, codes: [&str; 2]) -> [Page; 2] {
    let (mut first, mut second) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(first.give_code(codes[0]), second.give_code(codes[1]));
    let pages = [first, second];
    browser.take_cookie(&pages[1 - last]);
    browser.take_cookie(&pages[last]);
    pages
}

/// Sends a form twice at once. The answer to the request `last` arrives last.
async fn twice_at_once(
    browser: &mut Browser,
    last: usize,
    path: &str,
    [one, two]: [&[(&str, &str)]; 2],
) -> [Page; 2] {
    let (mut first, mut second) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(first.post(path, one), second.post(path, two));
    let pages = [first, second];
    browser.take_cookie(&pages[1 - last]);
    browser.take_cookie(&pages[last]);
    pages
}

async fn a_passcode_sent_twice_signs_in(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    let code = service.next(&phone);
    let pages = code_twice(&mut browser, &code).await;
    assert!(pages.iter().all(|page| page.location() == "/account"));
    assert!(browser.is_signed_in().await);
}

async fn a_backup_code_sent_twice_signs_in(service: Service) {
    let (mut owner, _) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut owner).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    let pages = code_twice(&mut browser, &codes[0]).await;
    assert!(pages.iter().all(|page| page.location() == "/account"));
    assert!(browser.is_signed_in().await);
}

async fn a_passcode_sent_twice_at_once_signs_in(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    for last in [0, 1, 0, 1] {
        let mut browser = service.partially_signed_in(ALICE).await;
        let code = service.next(&phone);
        let pages = code_twice_at_once(&mut browser, last, [&code; 2]).await;
        assert!(pages.iter().all(|page| page.location() == "/account"));
        assert!(browser.is_signed_in().await, "with answer {last} last");
    }
}

async fn a_backup_code_sent_twice_at_once_signs_in(service: Service) {
    let (mut owner, _) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut owner).await;
    for (code, last) in codes.iter().zip([0, 1, 0, 1]) {
        let mut browser = service.partially_signed_in(ALICE).await;
        let pages = code_twice_at_once(&mut browser, last, [code; 2]).await;
        assert!(pages.iter().all(|page| page.location() == "/account"));
        assert!(browser.is_signed_in().await, "with answer {last} last");
    }
}

async fn two_codes_of_one_session_sign_in_once(service: Service) {
    let (mut owner, phone) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut owner).await;
    for last in [0, 1] {
        let before = service.count(SIGN_INS).await;
        let mut browser = service.partially_signed_in(ALICE).await;
        let passcode = service.next(&phone);
        code_twice_at_once(&mut browser, last, [&codes[last], &passcode]).await;
        assert!(browser.is_signed_in().await, "with answer {last} last");
        assert_eq!(service.count(SIGN_INS).await, before + 1);
    }
}

async fn a_password_sent_twice_reaches_the_code_page(service: Service) {
    service.enrolled(ALICE).await;
    for last in [0, 1] {
        let mut browser = service.browser();
        browser.get("/sign-in").await;
        let fields = [("email", ALICE), ("password", PASSWORD)];
        twice_at_once(&mut browser, last, "/sign-in", [&fields; 2]).await;
        let page = browser.get(CODE).await;
        assert_eq!(page.status, 200, "with answer {last} last");
    }
}

async fn a_change_sent_twice_keeps_the_sign_in(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let path = browser.start_setup().await;
    let phone = browser.get(&path).await.phone();
    let code = phone.passcode(service.clock.now());
    let fields = [("code", code.as_str())];
    for page in twice_at_once(&mut browser, 1, &path, [&fields; 2]).await {
        assert_eq!(page.location(), "/two-factor/backup-codes");
    }
    assert!(browser.is_signed_in().await);
    browser.get("/two-factor/disable").await;
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let both = [&fields[..], &fields[..]];
    twice_at_once(&mut browser, 1, "/two-factor/disable", both).await;
    assert!(browser.is_signed_in().await);
}

/// Sends many requests with a cookie that belongs to no session.
async fn must_not_change_the_cookie(old: &Browser) {
    for (path, methods) in [
        ("/", "GET"),
        ("/account", "GET"),
        ("/nothing", "GET"),
        (CODE, "GET POST"),
        ("/two-factor/sign-out", "POST"),
        ("/two-factor/setup", "GET POST"),
        ("/two-factor/disable", "GET POST"),
        ("/admin", "GET"),
    ] {
        for method in methods.split(' ') {
            let method = method.parse::<Method>().unwrap();
            let page = old.clone().ask(method.clone(), path).await;
            assert!(sets_no_cookie(&page), "{method} {path}");
        }
    }
}

async fn a_replaced_session_changes_no_cookie(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    let half = browser.clone();
    let code = service.next(&phone);
    browser.give_code(&code).await;
    must_not_change_the_cookie(&half).await;
    browser.get("/two-factor/disable").await;
    let full = browser.clone();
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    browser.post("/two-factor/disable", &fields).await;
    must_not_change_the_cookie(&full).await;
    assert!(browser.is_signed_in().await);
}

async fn an_ended_session_changes_no_cookie(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    browser.get("/account").await;
    let old = browser.clone();
    let page = browser.post("/two-factor/sign-out", &[]).await;
    assert!(browser.cookie.is_none(), "its own answer deletes it");
    assert!(
        page.headers[SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Secure")
    );
    must_not_change_the_cookie(&old).await;
}

/// A cookie outlives its session if the answer that deletes it is lost, or the database was
/// restored.
async fn an_old_cookie_gets_a_form_that_works(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    browser.get("/account").await;
    let mut old = browser.clone();
    browser.post("/two-factor/sign-out", &[]).await;
    let before = old.cookie.clone();
    let page = old.give_password(ALICE, PASSWORD).await;
    assert_eq!(page.location(), "/account");
    assert!(old.is_signed_in().await);
    assert_ne!(old.cookie, before, "nobody chooses the id of a session");

    let mut nonsense = service.browser();
    nonsense.cookie = Some("__Host-session=../../etc/passwd".into());
    let page = nonsense.give_password(ALICE, PASSWORD).await;
    assert_eq!(page.location(), "/account");
    assert!(nonsense.is_signed_in().await);
}

async fn a_changed_session_needs_no_new_cookie(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    let wrong = service.wrong(&phone);
    let page = browser.give_code(&wrong).await;
    assert!(sets_no_cookie(&page));
    let page = browser.get(CODE).await;
    page.must_have("not accepted");
    assert!(sets_no_cookie(&page));
}
