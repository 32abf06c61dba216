use countersign::Timestamp;

use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    wrong_codes_and_reloads_keep_the_key,
    a_second_setup_replaces_the_first,
    a_setup_in_another_browser_replaces_the_first,
    cancelling_ends_the_setup,
    a_setup_expires_or_ends_after_ten_codes,
    the_code_that_confirms_cannot_sign_in,
    a_setup_needs_a_recent_password,
    the_code_two_steps_away_confirms_nothing,
}

async fn wrong_codes_and_reloads_keep_the_key(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let path = browser.start_setup().await;
    let page = browser.get(&path).await;
    let (key, phone) = (page.key(), page.phone());
    assert_eq!(key.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
    let wrong = service.wrong(&phone);
    for code in [wrong.as_str(), "12345"] {
        let page = browser.post_and_follow(&path, &[("code", code)]).await;
        assert_eq!(page.key(), key);
        assert!(!page.problem().is_empty());
    }
    assert_eq!(browser.get(&path).await.key(), key);
    let code = phone.passcode(service.clock.now());
    let answer = browser.post(&path, &[("code", &code)]).await;
    assert_eq!(answer.location(), "/two-factor/backup-codes");
    assert_eq!(
        service.last_subject(ALICE),
        "Two-factor authentication is on"
    );
    // After the back button, the key is not shown again.
    let page = browser.get(&path).await;
    assert_eq!(page.status, 410);
    assert!(!page.has(&key));
}

async fn a_second_setup_replaces_the_first(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let first = browser.start_setup().await;
    let old = browser.get(&first).await.phone();
    let second = browser.start_setup().await;
    let code = old.passcode(service.clock.now());
    for page in [
        browser.get(&first).await,
        browser.post(&first, &[("code", &code)]).await,
    ] {
        assert_eq!(page.status, 410);
        page.must_have("This QR code was replaced");
    }
    assert_eq!(browser.get(&second).await.status, 200);
    // Cancelling the replaced setup does not end the other.
    browser.post(&format!("{first}/cancel"), &[]).await;
    assert_eq!(browser.get(&second).await.status, 200);
}

async fn a_setup_in_another_browser_replaces_the_first(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let first = browser.start_setup().await;
    let mut other = service.browser();
    other.give_password(ALICE, PASSWORD).await;
    let second = other.start_setup().await;
    browser
        .get(&first)
        .await
        .must_have("This QR code was replaced");
    // Neither browser can see the setup of the other.
    browser
        .get(&second)
        .await
        .must_have("This QR code was replaced");
    assert_eq!(other.get(&second).await.status, 200);
}

async fn cancelling_ends_the_setup(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let path = browser.start_setup().await;
    let phone = browser.get(&path).await.phone();
    let page = browser
        .post_and_follow(&format!("{path}/cancel"), &[])
        .await;
    page.must_have("Cancelled");
    page.must_have("Enable 2FA");
    page.must_have("delete it");
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

async fn a_setup_expires_or_ends_after_ten_codes(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let path = browser.start_setup().await;
    let phone = browser.get(&path).await.phone();
    service.wait(601);
    let code = phone.passcode(service.clock.now());
    for page in [
        browser.get(&path).await,
        browser.post(&path, &[("code", &code)]).await,
    ] {
        page.must_have("has expired");
    }

    browser.get("/two-factor/setup").await;
    let path = browser
        .post("/two-factor/setup", &[("password", PASSWORD)])
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
    let mut browser = service.partially_signed_in(ALICE).await;
    let code = phone.passcode(service.clock.now());
    browser
        .give_code_and_follow(&code)
        .await
        .must_have("not accepted");
    let code = service.next(&phone);
    assert_eq!(browser.give_code(&code).await.location(), "/account");
}

async fn a_setup_needs_a_recent_password(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    service.wait(601);
    browser.get("/account").await;
    let answer = browser.post("/two-factor/setup", &[]).await;
    assert_eq!(answer.location(), "/two-factor/setup");
    let page = browser.get("/two-factor/setup").await;
    page.must_have("name=\"password\"");
    assert!(!page.has("name=\"code\""));
    let page = browser
        .post_and_follow("/two-factor/setup", &[("password", "wrong")])
        .await;
    page.must_have("not your password");
    let answer = browser
        .post("/two-factor/setup", &[("password", PASSWORD)])
        .await;
    assert!(answer.location().starts_with("/two-factor/setup/"));
}

async fn the_code_two_steps_away_confirms_nothing(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let path = browser.start_setup().await;
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
