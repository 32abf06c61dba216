//! The steps of users, and the pages that they get.

use std::time::{Duration, Instant};

use countersign::testing::{ManualClock, Phone};
use countersign::{EnrollmentRequest, Proof, Rejection};
use sqlx::Connection;

use crate::service::{ENTER_CODE, NOT_ACCEPTED, OFF, ON, PASSWORD, Service, confirm, earlier, next, now, until, wrong};

/// Signs up, enables 2FA, and signs in with a passcode and with a backup code.
pub fn a_user_goes_the_whole_way(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let enrolled = "SELECT count(*) FROM users WHERE enrolled";
    let (mut browser, phone) = service.enrolled("alice@example.com");
    assert_eq!(service.number(enrolled), 1);
    let page = browser.post("/backup-codes", &[]);
    page.is(200, "New backup codes.");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let codes = page.backup_codes();
    assert_eq!(codes.len(), 10);
    browser.get("/").is(200, ON);
    browser.post("/sign-out", &[]).is(200, "Please sign in");

    let mut browser = service.half_signed_in("alice@example.com");
    let other = browser.clone();
    browser.post("/enroll", &[]).is(200, ENTER_CODE);
    let passcode = next(&phone);
    browser.post("/code", &[("code", &passcode)]).is(200, ON);
    let page = other.clone().get("/");
    page.is(200, "Please sign in");
    assert_eq!(page.header("set-cookie"), None);
    let mut browser = service.half_signed_in("alice@example.com");
    browser.post("/code", &[("code", &passcode)]).is(422, NOT_ACCEPTED);
    browser.post("/code", &[("code", &codes[0])]).is(200, ON);
    let mut browser = service.half_signed_in("alice@example.com");
    browser.post("/code", &[("code", &codes[0])]).is(422, NOT_ACCEPTED);
    browser.post("/code", &[("code", &codes[1])]).is(200, ON);
    let raw = "SELECT count(*) FROM sessions WHERE length(id) <> 32";
    assert_eq!(service.number(raw), 0);
}

/// Makes mistakes, and checks that each mistake leads to its page.
pub fn every_refusal_has_its_page(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let login = [("email", "alice@example.com"), ("password", PASSWORD)];
    let mut browser = service.newcomer("alice@example.com");
    service.browser().post("/sign-up", &login).is(409, "has an account already");
    let typed = [("email", "alice@example.com"), ("password", "wrong")];
    service.browser().post("/sign-in", &typed).is(422, "Wrong address or password.");
    let typed = [("email", "bob@example.com"), ("password", PASSWORD)];
    service.browser().post("/sign-in", &typed).is(422, "Wrong address or password.");
    service.browser().post("/enroll", &[]).is(200, "Please sign in");
    service.browser().post("/code", &[("code", "1")]).is(200, "Please sign in");
    browser.post("/backup-codes", &[]).is(409, OFF);
    let typed = [("code", "123456"), ("entry", "1")];
    browser.post("/confirm", &typed).is(410, "This setup is over");

    let stale = browser.post("/enroll", &[]);
    service.execute("UPDATE sessions SET data = regexp_replace(data::text, '[0-9]+\\]', '1]')::jsonb");
    confirm(&mut browser, &stale, "123456").is(410, "You began again in another tab.");
    let mut other = service.browser();
    other.post("/sign-in", &login).is(200, OFF);
    let stale = browser.post("/enroll", &[]);
    let setup = other.post("/enroll", &[]);
    let code = stale.phone().passcode(now());
    confirm(&mut browser, &stale, &code).is(410, "You began again in another tab.");
    let phone = setup.phone();
    let page = confirm(&mut other, &setup, "letters");
    page.is(422, "your app shows 6 digits");
    let page = confirm(&mut other, &page, &wrong(&phone));
    page.is(422, "QR code and key stay the same; 9 tries left.");
    assert_eq!(page.phone().passcode(now()), phone.passcode(now()));
    for left in (1..9).rev() {
        confirm(&mut other, &setup, &wrong(&phone)).is(422, &format!("{left} tries left"));
    }
    confirm(&mut other, &setup, &wrong(&phone)).is(410, "Delete this entry");

    let setup = other.post("/enroll", &[]);
    let phone = setup.phone();
    confirm(&mut other, &setup, &phone.passcode(now())).is(200, ON);
    browser.post("/enroll", &[]).is(409, "Two-factor authentication is already on.");
    let mut browser = service.half_signed_in("alice@example.com");
    for _ in 0..5 {
        browser.post("/code", &[("code", &wrong(&phone))]).is(422, NOT_ACCEPTED);
    }
    let page = browser.post("/code", &[("code", &next(&phone))]);
    page.is(429, "Too many wrong codes. Try again in");
    let seconds: u64 = page.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

/// The password check is eleven minutes old, or the QR code is too old.
pub fn old_proofs_and_setups_are_refused(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let login = [("email", "alice@example.com"), ("password", PASSWORD)];
    let mut browser = service.newcomer("alice@example.com");
    service.age_passwords();
    let page = browser.post("/enroll", &[]);
    page.is(403, "please sign in again");
    page.is(403, "action=\"/sign-in\"");
    browser.post("/sign-in", &login).is(200, OFF);
    let setup = browser.post("/enroll", &[]);
    setup.is(200, "<svg");

    let account = service.account("alice@example.com");
    service.execute("DELETE FROM countersign");
    let clock = ManualClock::at(earlier(3600));
    let verifier = service.verifier(&clock);
    let old = service.runtime.block_on(async {
        let proof = Proof::Password { checked_at: clock.now() };
        let request = EnrollmentRequest::new("alice");
        verifier.begin_enrollment(&account, request, proof).await.unwrap()
    });
    let id = String::from(old.id());
    service.execute(&format!(
        "UPDATE sessions SET data = regexp_replace(data::text, \
         '(enrollment[^0-9A-Za-z]*)[0-9A-Za-z_-]+', '\\1{id}')::jsonb"
    ));
    confirm(&mut browser, &setup, "123456").is(410, "This QR code is too old.");

    let setup = browser.post("/enroll", &[]);
    let code = setup.phone().passcode(now());
    confirm(&mut browser, &setup, &code).is(200, ON);
    service.age_passwords();
    browser.post("/backup-codes", &[]).is(403, "please sign in again");
    browser.post("/sign-in", &login).is(200, ENTER_CODE);
    let code = next(&setup.phone());
    browser.post("/code", &[("code", &code)]).is(200, ON);
    browser.post("/backup-codes", &[]).is(200, "New backup codes.");
}

/// A hundred consecutive failures, one per day.
pub fn a_locked_account_stays_locked(program: &str) {
    let Some(service) = Service::start(program) else { return };
    _ = service.newcomer("alice@example.com");
    let account = service.account("alice@example.com");
    let day = Duration::from_secs(24 * 60 * 60);
    let clock = ManualClock::at(earlier(200 * day.as_secs()));
    let verifier = service.verifier(&clock);
    let phone = service.runtime.block_on(async {
        let proof = Proof::Password { checked_at: clock.now() };
        let request = EnrollmentRequest::new("alice");
        let begun = verifier.begin_enrollment(&account, request, proof).await.unwrap();
        let phone = Phone::scan(begun.key_uri().to_secret_text().expose()).unwrap();
        let code = phone.passcode(clock.now());
        _ = verifier.confirm_enrollment(&account, begun.id(), &code).await.unwrap();
        for _ in 0..100 {
            clock.advance(day);
            let refused = verifier.verify(&account, "1234 5678").await.unwrap_err();
            assert_eq!(refused.rejection(), Some(Rejection::WrongCode));
        }
        phone
    });
    let mut browser = service.half_signed_in("alice@example.com");
    let page = browser.post("/code", &[("code", &phone.passcode(now()))]);
    page.is(429, "your second factor is locked");
}

/// The flag says that the user is enrolled, but the record is missing.
pub fn a_lost_record_signs_nobody_in(program: &str) {
    let Some(service) = Service::start(program) else { return };
    _ = service.enrolled("alice@example.com");
    service.execute("DELETE FROM countersign");
    let mut browser = service.browser();
    let login = [("email", "alice@example.com"), ("password", PASSWORD)];
    browser.post("/sign-in", &login).is(503, "It is not your fault.");
    browser.get("/").is(200, "Please sign in");
}

/// The browser breaks the connection while the server checks a backup code.
pub fn a_gone_browser_loses_no_code(program: &str) {
    let Some(service) = Service::start(program) else { return };
    let (mut browser, _) = service.enrolled("alice@example.com");
    let codes = browser.post("/backup-codes", &[]).backup_codes();
    let mut browser = service.half_signed_in("alice@example.com");
    let mut locking = service.runtime.block_on(service.connect());
    let lock = "BEGIN; SELECT account FROM countersign FOR UPDATE";
    service.runtime.block_on(sqlx::raw_sql(lock).execute(&mut locking)).unwrap();
    let started = browser.start("/code", &[("code", &codes[0])]);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    until(|| service.number(waiting) == 1);
    started.go_away();
    // When the server has answered these requests, every thread has noticed the broken connection.
    (0..16).for_each(|_| service.browser().get("/").is(200, "Please sign in"));
    service.runtime.block_on(locking.close()).unwrap();
    until(|| browser.get("/").body.contains(ON));
}

/// Without a database, a request gets an answer within seconds. With the database, the same request
/// succeeds.
pub fn a_stopped_database_gets_an_answer(program: &str) {
    let Some(mut service) = Service::start(program) else { return };
    let (mut browser, phone) = service.enrolled("alice@example.com");
    let mut half = service.half_signed_in("alice@example.com");
    service.server.stop().unwrap();
    let passcode = next(&phone);
    let begun = Instant::now();
    half.post("/code", &[("code", &passcode)]).is(503, "It is not your fault.");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    service.server.restart().unwrap();
    browser.get("/").is(200, ON);
    half.post("/code", &[("code", &passcode)]).is(200, ON);
}
