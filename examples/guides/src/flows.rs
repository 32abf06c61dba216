//! The steps of users with a second factor, and the pages that they get.

use std::time::{Duration, Instant};

use sqlx::Connection;

use crate::service::{ALICE, CODE, PASSWORD, Service, next, until, wrong};

/// Enables the second factor, and signs in with a passcode and with a backup code.
pub fn a_user_goes_the_whole_way(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let (mut browser, phone, _) = service.enrolled(ALICE);
    assert_eq!(service.number("SELECT count(*) FROM countersign_flags WHERE flag = 1"), 1);
    let issue = browser.get("/two-factor/backup-codes");
    let codes = browser.submit(&issue, "/two-factor/backup-codes", &[]);
    assert_eq!(codes.header("cache-control"), Some("no-store"));
    let backup_codes = codes.backup_codes();
    assert_eq!(backup_codes.len(), 10);
    browser.submit(&codes, "/two-factor/backup-codes/saved", &[]).is(200, "/two-factor");
    let members = browser.get("/");
    browser.submit(&members, "/two-factor/sign-out", &[]).is(200, "/sign-in");

    let (mut browser, page) = service.half_signed_in(ALICE);
    browser.submit(&page, CODE, &[("code", &next(&phone))]).is(200, "/").says(ALICE);
    let (mut browser, page) = service.half_signed_in(ALICE);
    browser.submit(&page, CODE, &[("code", &backup_codes[0])]).is(200, "/").says(ALICE);
}

/// Types wrong codes, and codes that were used before.
pub fn wrong_and_used_codes_sign_nobody_in(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let (_, phone, _) = service.enrolled(ALICE);
    let (mut browser, page) = service.half_signed_in(ALICE);
    let page = browser.submit(&page, CODE, &[("code", &wrong(&phone))]);
    page.is(200, CODE).says("cs-problem");
    let passcode = next(&phone);
    browser.submit(&page, CODE, &[("code", &passcode)]).is(200, "/").says(ALICE);
    let (mut browser, mut page) = service.half_signed_in(ALICE);
    page = browser.submit(&page, CODE, &[("code", &passcode)]);
    page.is(200, CODE).says("cs-problem");
    for _ in 0..5 {
        page = browser.submit(&page, CODE, &[("code", &wrong(&phone))]);
    }
    page.is(200, CODE).says("data-cs-seconds");
    browser.get("/").is(200, CODE);
}

/// Asks for pages after the password, and without a sign-in.
pub fn a_half_session_reaches_no_page(program: &str) {
    let Some(service) = Service::start(program) else { return };
    _ = service.enrolled(ALICE);
    let (mut half, page) = service.half_signed_in(ALICE);
    for path in [
        "/",
        "/?to=/",
        "/unknown",
        "/two-factor",
        "/two-factor/backup-codes",
        "/two-factor/disable",
    ] {
        half.get(path).is(200, CODE);
        service.browser().get(path).is(200, "/sign-in");
    }
    half.post("/", &[]).is(200, CODE);
    // Another account without a second factor is let in, but not as Alice.
    let mut other = service.newcomer("bob@example.com");
    assert!(!other.get("/").body.contains(ALICE));
    let bob = [("email", "bob@example.com"), ("password", PASSWORD)];
    half.post("/sign-in", &bob).is(200, "/").says("bob@example.com");
    half.submit(&page, CODE, &[("code", "123456")]).is(200, "/").says("bob@example.com");
}

/// Sends the form of the code page twice, as a double click does.
pub fn a_form_sent_twice_signs_in_once(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let (_, phone, _) = service.enrolled(ALICE);
    let before = service.number(SIGN_INS);
    let (mut browser, page) = service.half_signed_in(ALICE);
    let passcode = next(&phone);
    // The browser sends both with the old cookie, and drops the first answer.
    let mut dropped = browser.clone();
    dropped.submit(&page, CODE, &[("code", &passcode)]).is(200, "/").says(ALICE);
    browser.submit(&page, CODE, &[("code", &passcode)]).is(200, "/").says(ALICE);
    browser.get("/").is(200, "/").says(ALICE);
    assert_eq!(service.number(SIGN_INS), before + 1);
    // The browser of the first answer has the same sign-in, so a sign-out ends both.
    let members = browser.get("/");
    browser.submit(&members, "/two-factor/sign-out", &[]).is(200, "/sign-in");
    dropped.get("/").is(200, "/sign-in");
}

/// Is signed in elsewhere, by the password alone, when the second factor is enabled.
pub fn an_enrollment_ends_other_sign_ins(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let mut elsewhere = service.newcomer(ALICE);
    let mut browser = service.browser();
    browser.post("/sign-in", &[("email", ALICE), ("password", PASSWORD)]).is(200, "/");
    let begin = browser.get("/two-factor/setup");
    let setup = browser.submit(&begin, "/two-factor/setup", &[]);
    let typed = setup.phone().passcode(crate::service::now());
    elsewhere.get("/").is(200, "/").says(ALICE);
    browser.submit(&setup, &setup.path, &[("code", &typed)]);
    elsewhere.get("/").is(200, "/sign-in");
    browser.get("/").is(200, "/").says(ALICE);
}

/// The flag says that the user has a second factor, but the record is missing.
pub fn a_lost_record_signs_nobody_in(program: &str) {
    let Some(service) = Service::start(program) else { return };
    _ = service.enrolled(ALICE);
    service.execute("DELETE FROM countersign");
    let mut browser = service.browser();
    let login = [("email", ALICE), ("password", PASSWORD)];
    assert_eq!(browser.post("/sign-in", &login).status, 500);
    browser.get("/").is(200, "/sign-in");
}

/// The browser breaks the connection while the server checks a code, and sends the form again.
pub fn a_gone_browser_loses_no_code(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let (_, phone, _) = service.enrolled(ALICE);
    let before = service.number(SIGN_INS);
    let (mut browser, page) = service.half_signed_in(ALICE);
    let mut locking = service.runtime.block_on(service.connect());
    let lock = "BEGIN; SELECT account FROM countersign FOR UPDATE";
    service.runtime.block_on(sqlx::raw_sql(lock).execute(&mut locking)).unwrap();
    let passcode = next(&phone);
    let started = browser.start(&page, CODE, &[("code", &passcode)]);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    until(|| service.number(waiting) == 1);
    started.go_away();
    // When the server has answered these requests, every thread has noticed the broken connection.
    (0..16).for_each(|_| _ = service.browser().get("/").is(200, "/sign-in"));
    service.runtime.block_on(locking.close()).unwrap();
    until(|| service.number(SIGN_INS) == before + 1);
    browser.submit(&page, CODE, &[("code", &passcode)]).is(200, "/").says(ALICE);
    assert_eq!(service.number(SIGN_INS), before + 1);
}

/// Without a database, a request gets an answer within seconds. With the database, the same request
/// succeeds.
pub fn a_stopped_database_gets_an_answer(program: &str) {
    let Some(mut service) = Service::start(program) else { return };
    let (_, phone, _) = service.enrolled(ALICE);
    let (mut browser, page) = service.half_signed_in(ALICE);
    service.server.stop().unwrap();
    let passcode = next(&phone);
    let begun = Instant::now();
    let failed = browser.submit(&page, CODE, &[("code", &passcode)]);
    assert!((500..600).contains(&failed.status), "{failed:?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    service.server.restart().unwrap();
    browser.submit(&page, CODE, &[("code", &passcode)]).is(200, "/").says(ALICE);
}

const SIGN_INS: &str = "SELECT count(*) FROM countersign_sign_ins";
