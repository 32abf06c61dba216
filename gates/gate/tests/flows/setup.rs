use countersign::FirstFactorKind;
use countersign::session::FactorFlag;
use countersign_gate::{SessionChange, What};
use std::time::Duration;

use crate::support::{ALICE, NAMELESS, PASSWORD, Service, in_both_formats};

in_both_formats! {
    enrolling_needs_no_second_password,
    an_account_without_a_name_can_enroll,
    a_stale_first_factor_needs_the_password,
    wrong_and_limited_passwords_are_refused,
    a_token_cannot_enroll_without_the_password,
    an_account_without_password_signs_in_again,
    wrong_confirmations_end_the_setup,
    the_second_setup_wins,
    a_setup_expires,
    a_cancelled_setup_is_over,
    confirming_twice_is_no_error,
    a_dropped_confirmation_keeps_the_user_signed_in,
    confirming_ends_other_sign_ins,
    an_enabled_factor_cannot_be_enabled_again,
    another_session_cannot_see_the_setup,
}

async fn enrolling_needs_no_second_password(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    service.accounts.notices();
    service.wait(500);
    let begun = browser.post("/two-factor/setup", &[]).await;
    let phone = service.scan(&mut browser, &begun.next).await;
    let code = phone.passcode(service.clock.now());
    assert!(!service.is_enabled(ALICE).await);
    let old = browser.cookie.clone();
    let answer = browser.post(&begun.next, &[("code", &code)]).await;
    answer.leads_to("/two-factor/backup-codes");
    assert_ne!(browser.cookie, old);
    assert!(browser.is_signed_in().await);
    assert!(service.is_enabled(ALICE).await);
    assert_eq!(service.flag(ALICE).await, FactorFlag::On);
    assert_eq!(service.accounts.notices(), [What::Enabled]);
    // The password is not asked for again, seconds after enabling.
    let page = browser.get("/two-factor/backup-codes").await;
    assert_eq!(page.line("asks"), "false false");
    assert!(!page.line("notice").is_empty());
    let codes = browser.fill("/two-factor/backup-codes", &[]).await;
    assert_eq!(codes.line("codes").split(',').count(), 10);
    assert_eq!(service.accounts.passwords_checked(), 0);
}

async fn a_stale_first_factor_needs_the_password(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    service.wait(601);
    let page = browser.get("/two-factor/setup").await;
    assert_eq!(page.line("asks"), "true false");
    let answer = browser.post("/two-factor/setup", &[]).await;
    answer.refused(422, "password-missing", "/two-factor/setup");
    let begun = browser
        .post("/two-factor/setup", &[("password", PASSWORD)])
        .await;
    service.confirm(&mut browser, &begun.next).await;
    assert!(service.is_enabled(ALICE).await);
    // That was a fresh check of the password, too.
    let page = browser.get("/two-factor/backup-codes").await;
    assert_eq!(page.line("asks"), "false false");
}

async fn wrong_and_limited_passwords_are_refused(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let wrong = [("password", "wrong")];
    let answer = browser.post("/two-factor/setup", &wrong).await;
    answer.refused(422, "wrong-password", "/two-factor/setup");
    service.accounts.limit_passwords(Duration::from_secs(60));
    let right = [("password", PASSWORD)];
    let answer = browser.post("/two-factor/setup", &right).await;
    answer.refused(429, "too-many-passwords", "/two-factor/setup");
}

async fn a_token_cannot_enroll_without_the_password(service: Service) {
    for kind in [
        FirstFactorKind::ApiToken,
        FirstFactorKind::RememberedBrowser,
    ] {
        let mut browser = service.browser();
        browser.first_factor(ALICE, kind).await.leads_to("/");
        let page = browser.get("/two-factor/setup").await;
        assert_eq!(page.line("asks"), "true false");
        let answer = browser.post("/two-factor/setup", &[]).await;
        answer.refused(422, "password-missing", "/two-factor/setup");
    }
    let mut browser = service.signed_in(ALICE).await;
    let begun = browser
        .post("/two-factor/setup", &[("password", PASSWORD)])
        .await;
    assert!(begun.next.starts_with("/two-factor/setup/"));
}

async fn an_account_without_password_signs_in_again(service: Service) {
    service.accounts.drop_passwords();
    let mut browser = service.browser();
    browser.first_factor(ALICE, FirstFactorKind::Email).await;
    let page = browser.get("/two-factor/setup").await;
    assert_eq!(page.line("asks"), "false false");
    service.wait(601);
    assert_eq!(browser.get("/two-factor/setup").await.next, "/sign-in");
    let answer = browser.post("/two-factor/setup", &[]).await;
    match answer.status {
        303 => assert_eq!(answer.next, "/sign-in"),
        status => assert_eq!(status, 401),
    }
}

async fn wrong_confirmations_end_the_setup(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let malformed = browser.post(&path, &[("code", "12")]).await;
    malformed.refused(422, "not-a-passcode", &path);
    let mut last = 0;
    for _ in 0..20 {
        let answer = browser.post(&path, &[("code", "000000")]).await;
        last = answer.status;
        if last == 410 {
            break;
        }
        answer.refused(422, "wrong-confirmation", &path);
    }
    assert_eq!(last, 410);
    let code = phone.passcode(service.clock.now());
    let answer = browser.post(&path, &[("code", &code)]).await;
    assert_eq!(answer.status, 410);
    assert!(!service.is_enabled(ALICE).await);
}

async fn the_second_setup_wins(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let first = browser.post("/two-factor/setup", &[]).await.next;
    let old = service.scan(&mut browser, &first).await;
    let second = browser.post("/two-factor/setup", &[]).await.next;
    assert_ne!(first, second);
    let page = browser.get(&first).await;
    assert_eq!((page.status, page.line("page")), (410, "SetupReplaced"));
    let code = old.passcode(service.clock.now());
    assert_eq!(browser.post(&first, &[("code", &code)]).await.status, 410);
    service.confirm(&mut browser, &second).await;
    assert!(service.is_enabled(ALICE).await);
}

async fn a_setup_expires(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let age = service.verifier.policy().enrollment_age().as_secs();
    service.wait(age + 1);
    let page = browser.get(&path).await;
    assert_eq!((page.status, page.line("page")), (410, "SetupExpired"));
    let code = phone.passcode(service.clock.now());
    assert_eq!(browser.post(&path, &[("code", &code)]).await.status, 410);
    assert!(!service.is_enabled(ALICE).await);
}

async fn a_cancelled_setup_is_over(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let cancel = format!("{path}/cancel");
    for _ in 0..2 {
        browser.post(&cancel, &[]).await.leads_to("/two-factor");
    }
    assert!(!browser.get("/two-factor").await.line("notice").is_empty());
    let code = phone.passcode(service.clock.now());
    assert_eq!(browser.post(&path, &[("code", &code)]).await.status, 410);
    assert!(!service.is_enabled(ALICE).await);
}

async fn confirming_twice_is_no_error(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let code = phone.passcode(service.clock.now());
    service.accounts.notices();
    // Both requests have the old session.
    let form = browser.form(&path, &[("code", &code)]);
    let first = browser.handle(form.clone()).await;
    let answer = browser.send(form).await;
    answer.leads_to("/two-factor/backup-codes");
    let (SessionChange::Renew { id, .. }, SessionChange::Renew { id: again, .. }) =
        (first.session, answer.change)
    else {
        panic!("no renewal");
    };
    assert_eq!(id, again);
    assert!(browser.is_signed_in().await);
    // A reload of the form, with the new session.
    let answer = browser.post(&path, &[("code", &code)]).await;
    answer.leads_to("/two-factor/backup-codes");
    assert_eq!(service.accounts.notices(), [What::Enabled]);
}

async fn a_dropped_confirmation_keeps_the_user_signed_in(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let code = phone.passcode(service.clock.now());
    let form = browser.form(&path, &[("code", &code)]);
    browser.send_without_answer(form).await;
    // A thief of the old id who does not know the code gets nothing.
    let mut thief = browser.clone();
    thief.post(&path, &[("code", "000000")]).await;
    assert!(!thief.is_signed_in().await);
    let mut late = browser.clone();
    let answer = browser.post(&path, &[("code", &code)]).await;
    answer.leads_to("/two-factor/backup-codes");
    assert!(browser.is_signed_in().await);
    let page = browser.get("/two-factor/backup-codes").await;
    assert_eq!(page.line("asks"), "false false");
    service.wait(61);
    late.post(&path, &[("code", &code)]).await;
    assert!(!late.is_signed_in().await);
}

async fn confirming_ends_other_sign_ins(service: Service) {
    let mut other = service.signed_in(ALICE).await;
    let mut bob = service.signed_in("bob").await;
    let (mut browser, _) = service.enrolled(ALICE).await;
    assert!(!other.is_signed_in().await);
    assert!(browser.is_signed_in().await);
    assert!(bob.is_signed_in().await);
}

async fn an_enabled_factor_cannot_be_enabled_again(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let page = browser.get("/two-factor/setup").await;
    page.leads_to("/two-factor/add");
    let answer = browser
        .post("/two-factor/setup", &[("password", PASSWORD)])
        .await;
    answer.leads_to("/two-factor/add");
    assert_eq!(service.names(ALICE).await.len(), 1);
}

async fn another_session_cannot_see_the_setup(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    for account in [ALICE, "bob"] {
        let mut other = service.signed_in(account).await;
        assert_eq!(other.get(&path).await.status, 410);
        assert_eq!(other.post(&path, &[("code", "000000")]).await.status, 410);
    }
    service.confirm(&mut browser, &path).await;
}

async fn an_account_without_a_name_can_enroll(service: Service) {
    service.enrolled(NAMELESS).await;
    assert!(service.is_enabled(NAMELESS).await);
}
