use countersign::session::{FactorFlag, Requirement};
use countersign_gate::{SessionChange, What};

use crate::support::{ALICE, PASSWORD, Service, in_both_formats};

in_both_formats! {
    who_must_enroll_reaches_nothing_else,
    a_missing_code_allows_no_enrollment,
    the_confirmation_signs_in,
    a_dropped_confirmation_signs_in_once,
    confirming_at_the_same_time_signs_in_once,
    a_race_needs_the_code,
    an_enrollment_elsewhere_asks_for_a_code,
    in_the_grace_time_the_user_is_told,
    who_must_have_a_factor_cannot_disable,
}

async fn who_must_enroll_reaches_nothing_else(service: Service) {
    service.accounts.require(Requirement::Required);
    let mut browser = service.browser();
    browser.password(ALICE).await.leads_to("/two-factor/setup");
    assert!(!browser.is_signed_in().await);
    for page in ["", "/code", "/add", "/disable", "/backup-codes", "/prove"] {
        let answer = browser.get(&format!("/two-factor{page}")).await;
        assert_eq!(
            (answer.status, answer.next.as_str()),
            (303, "/two-factor/setup")
        );
    }
    let page = browser.get("/two-factor/setup").await;
    assert_eq!(page.line("asks"), "false false");
    browser.post("/two-factor/backup-codes", &[]).await;
    assert!(!browser.is_signed_in().await);
    let begun = browser.post("/two-factor/setup", &[]).await;
    let cancel = format!("{}/cancel", begun.next);
    browser
        .post(&cancel, &[])
        .await
        .leads_to("/two-factor/setup");
    browser
        .post("/two-factor/sign-out", &[])
        .await
        .leads_to("/sign-in");
}

async fn a_missing_code_allows_no_enrollment(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let mut half = service.browser();
    half.password(ALICE).await.leads_to("/two-factor/code");
    half.get("/two-factor/code").await;
    browser.get("/two-factor/disable").await;
    let code = service.next(&phone);
    let both = [("password", PASSWORD), ("code", code.as_str())];
    browser.post("/two-factor/disable", &both).await;
    assert!(!service.is_enabled(ALICE).await);
    let answer = half.get("/two-factor/setup").await;
    assert_eq!(answer.next, "/two-factor/code");
    let answer = half.post("/two-factor/setup", &[]).await;
    assert_eq!(answer.next, "/two-factor/code");
    assert!(!half.is_signed_in().await);
}

async fn the_confirmation_signs_in(service: Service) {
    service.accounts.require(Requirement::Required);
    let mut browser = service.browser();
    browser.password(ALICE).await;
    browser.get("/two-factor/setup").await;
    let begun = browser.post("/two-factor/setup", &[]).await;
    let phone = service.scan(&mut browser, &begun.next).await;
    let wrong = browser.post(&begun.next, &[("code", "000000")]).await;
    wrong.refused(422, "wrong-confirmation", &begun.next);
    assert!(!browser.is_signed_in().await);
    let code = phone.passcode(service.clock.now());
    let answer = browser.post(&begun.next, &[("code", &code)]).await;
    answer.leads_to("/two-factor/backup-codes");
    assert!(browser.is_signed_in().await);
    assert_eq!(service.flag(ALICE).await, FactorFlag::On);
    let notices = service.accounts.notices();
    assert!(matches!(
        notices.as_slice(),
        [What::Enabled, What::SignedIn { .. }]
    ));
    let page = browser.get("/two-factor/backup-codes").await;
    assert_eq!(page.line("asks"), "false false");
}

async fn a_dropped_confirmation_signs_in_once(service: Service) {
    service.accounts.require(Requirement::Required);
    let mut browser = service.browser();
    browser.password(ALICE).await;
    browser.get("/two-factor/setup").await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let code = phone.passcode(service.clock.now());
    let form = browser.form(&path, &[("code", &code)]);
    browser.send_without_answer(form).await;
    let mut thief = browser.clone();
    thief.post(&path, &[("code", "000000")]).await;
    assert!(!thief.is_signed_in().await);
    let answer = browser.post(&path, &[("code", &code)]).await;
    answer.leads_to("/two-factor/backup-codes");
    assert!(browser.is_signed_in().await);
    let signed_in = |what: &What| matches!(what, What::SignedIn { .. });
    let notices = service.accounts.notices();
    assert_eq!(notices.iter().filter(|what| signed_in(what)).count(), 1);
}

async fn confirming_at_the_same_time_signs_in_once(service: Service) {
    service.accounts.require(Requirement::Required);
    let mut browser = service.browser();
    browser.password(ALICE).await;
    browser.get("/two-factor/setup").await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let code = phone.passcode(service.clock.now());
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
}

async fn a_race_needs_the_code(service: Service) {
    service.accounts.require(Requirement::Required);
    let mut browser = service.browser();
    browser.password(ALICE).await;
    browser.get("/two-factor/setup").await;
    let path = browser.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut browser, &path).await;
    let code = phone.passcode(service.clock.now());
    let right = browser.form(&path, &[("code", &code)]);
    let wrong = browser.form(&path, &[("code", "000000")]);
    let _ = browser.handle(right).await;
    // The other request has the old session too, and another code.
    browser.send(wrong).await.leads_to("/two-factor/code");
    assert!(!browser.is_signed_in().await);
}

async fn an_enrollment_elsewhere_asks_for_a_code(service: Service) {
    service.accounts.require(Requirement::Required);
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let mut other = service.browser();
    other.password(ALICE).await;
    other.get("/two-factor/setup").await;
    let path = other.post("/two-factor/setup", &[]).await.next;
    let phone = service.confirm(&mut other, &path).await;
    let answer = browser.get("/two-factor/setup").await;
    answer.leads_to("/two-factor/code");
    assert!(!browser.is_signed_in().await);
    let code = service.next(&phone);
    let answer = browser.fill("/two-factor/code", &[("code", &code)]).await;
    answer.leads_to("/");
    assert!(browser.is_signed_in().await);
}

async fn in_the_grace_time_the_user_is_told(service: Service) {
    let from = service.clock.now().saturating_add(1000);
    service.accounts.require(Requirement::RequiredFrom(from));
    let mut browser = service.browser();
    browser.password(ALICE).await.leads_to("/");
    let page = browser.get("/two-factor").await;
    assert!(!page.line("notice").is_empty(), "{page:?}");
    assert!(page.body.contains("enroll_by: Some"));
    service.wait(1000);
    let mut late = service.browser();
    late.password(ALICE).await.leads_to("/two-factor/setup");
}

async fn who_must_have_a_factor_cannot_disable(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let later = service.clock.now().saturating_add(100_000);
    for (requirement, status) in [
        (Requirement::RequiredFrom(later), 200),
        (Requirement::SatisfiedByOther, 200),
        (Requirement::RequiredFrom(service.clock.now()), 404),
        (Requirement::Required, 404),
    ] {
        service.accounts.require(requirement);
        let page = browser.get("/two-factor").await;
        let may = format!("may_disable: {}", status == 200);
        assert!(page.body.contains(&may), "{page:?}");
        assert_eq!(browser.get("/two-factor/disable").await.status, status);
    }
    let code = service.next(&phone);
    let both = [("password", PASSWORD), ("code", code.as_str())];
    assert_eq!(browser.post("/two-factor/disable", &both).await.status, 404);
    assert!(service.is_enabled(ALICE).await);
}
