use countersign::Timestamp;

use crate::browser::Browser;
use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    a_wrong_code_and_a_reload_keep_the_same_key,
    beginning_anew_makes_the_first_page_void,
    another_browser_makes_it_void_too,
    cancelling_throws_it_away,
    it_ends_after_ten_minutes_and_after_ten_wrong_codes,
    the_code_that_confirms_cannot_sign_in,
    it_needs_a_fresh_password,
    the_code_two_steps_away_confirms_nothing,
}

async fn begin(browser: &mut Browser) -> String {
    browser.get("/account").await;
    let begun = browser.post("/two-factor/enable", &[]).await;
    begun.location().to_owned()
}

async fn a_wrong_code_and_a_reload_keep_the_same_key(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    let path = begin(&mut browser).await;
    let page = browser.get(&path).await;
    let (key, phone) = (page.key(), page.phone());
    assert_eq!(key.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
    let wrong = service.wrong(&phone);
    for code in [wrong.as_str(), "12345", ""] {
        let page = browser.post_and_follow(&path, &[("code", code)]).await;
        assert_eq!(page.key(), key);
        assert!(!page.problem().is_empty());
    }
    assert_eq!(browser.get(&path).await.key(), key);
    let code = phone.passcode(service.clock.now());
    let answer = browser.post(&path, &[("code", &code)]).await;
    assert_eq!(answer.location(), "/two-factor/backup-codes");
    assert_eq!(
        service.subjects(ALICE).last().unwrap(),
        "Two-factor authentication is on"
    );
    // The back button: the key is not shown again.
    let page = browser.get(&path).await;
    assert_eq!(page.status, 410);
    assert!(!page.has(&key));
}

async fn beginning_anew_makes_the_first_page_void(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    let first = begin(&mut browser).await;
    let old = browser.get(&first).await.phone();
    let second = begin(&mut browser).await;
    let code = old.passcode(service.clock.now());
    for page in [
        browser.get(&first).await,
        browser.post(&first, &[("code", &code)]).await,
    ] {
        assert_eq!(page.status, 410);
        page.must_have("You have begun anew");
    }
    assert_eq!(browser.get(&second).await.status, 200);
    // Cancelling the void one leaves the other alone.
    browser.post(&format!("{first}/cancel"), &[]).await;
    assert_eq!(browser.get(&second).await.status, 200);
}

async fn another_browser_makes_it_void_too(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    let first = begin(&mut browser).await;
    let mut other = service.browser();
    other.give_password(ALICE, PASSWORD).await;
    let second = begin(&mut other).await;
    browser.get(&first).await.must_have("You have begun anew");
    // And what one browser has begun, the other cannot see.
    browser.get(&second).await.must_have("You have begun anew");
    assert_eq!(other.get(&second).await.status, 200);
}

async fn cancelling_throws_it_away(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    let path = begin(&mut browser).await;
    let phone = browser.get(&path).await.phone();
    let page = browser
        .post_and_follow(&format!("{path}/cancel"), &[])
        .await;
    page.must_have("Cancelled");
    page.must_have("Enable 2FA");
    let code = phone.passcode(service.clock.now());
    assert_eq!(browser.post(&path, &[("code", &code)]).await.status, 410);
    assert_eq!(browser.get(&path).await.status, 410);
    assert_eq!(
        service
            .browser()
            .give_password(ALICE, PASSWORD)
            .await
            .location(),
        "/account"
    );
}

async fn it_ends_after_ten_minutes_and_after_ten_wrong_codes(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    let path = begin(&mut browser).await;
    let phone = browser.get(&path).await.phone();
    service.wait(601);
    let code = phone.passcode(service.clock.now());
    for page in [
        browser.get(&path).await,
        browser.post(&path, &[("code", &code)]).await,
    ] {
        page.must_have("too old");
    }

    browser.get("/two-factor/enable").await;
    let path = browser
        .post("/two-factor/enable", &[("password", PASSWORD)])
        .await;
    let path = path.location().to_owned();
    let phone = browser.get(&path).await.phone();
    let wrong = service.wrong(&phone);
    for _ in 0..9 {
        assert_eq!(browser.post(&path, &[("code", &wrong)]).await.status, 303);
    }
    browser
        .post(&path, &[("code", &wrong)])
        .await
        .must_have("Too many wrong codes");
    let code = phone.passcode(service.clock.now());
    assert_eq!(browser.post(&path, &[("code", &code)]).await.status, 410);
    browser.get("/account").await.must_have("Enable 2FA");
}

async fn the_code_that_confirms_cannot_sign_in(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.half_signed_in(ALICE).await;
    let code = phone.passcode(service.clock.now());
    browser
        .post_and_follow("/sign-in/code", &[("code", &code)])
        .await
        .must_have("not accepted");
    let code = service.next(&phone);
    assert_eq!(
        browser
            .post("/sign-in/code", &[("code", &code)])
            .await
            .location(),
        "/account"
    );
}

async fn it_needs_a_fresh_password(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    service.wait(601);
    browser.get("/account").await;
    let answer = browser.post("/two-factor/enable", &[]).await;
    assert_eq!(answer.location(), "/two-factor/enable");
    let page = browser.get("/two-factor/enable").await;
    page.must_have("name=\"password\"");
    assert!(!page.has("name=\"code\""));
    let page = browser
        .post_and_follow("/two-factor/enable", &[("password", "wrong")])
        .await;
    page.must_have("not your password");
    let answer = browser
        .post("/two-factor/enable", &[("password", PASSWORD)])
        .await;
    assert!(answer.location().starts_with("/two-factor/setup/"));
}

async fn the_code_two_steps_away_confirms_nothing(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    let path = begin(&mut browser).await;
    let phone = browser.get(&path).await.phone();
    let now = service.clock.now().as_unix();
    for at in [now - 60, now + 60] {
        let code = phone.passcode(Timestamp::from_unix(at));
        browser
            .post_and_follow(&path, &[("code", &code)])
            .await
            .problem();
    }
    let code = phone.passcode(Timestamp::from_unix(now - 30));
    let answer = browser.post(&path, &[("code", &code)]).await;
    assert_eq!(answer.location(), "/two-factor/backup-codes");
}
