use countersign::session::FactorFlag;
use countersign_gate::{SessionChange, What};

use crate::browser::{Answer, Browser};
use crate::support::{ALICE, BOB, PASSWORD, Rows, Service, in_both_formats};

const APP: &str = "Authenticator app";

in_both_formats! {
    a_second_authenticator_signs_in_until_removed,
    the_old_phone_works_until_confirmation,
    names_are_checked,
    an_old_receipt_needs_a_code,
    an_accepted_code_renews_the_session,
    a_code_is_enough_without_a_password,
    a_dropped_answer_to_a_code_keeps_the_session,
    a_proof_that_is_sent_twice_is_no_failure,
    a_change_that_is_sent_twice_does_not_sign_out,
    removing_twice_is_good_news,
    removing_the_last_one_is_disabling,
    removing_both_at_once_keeps_one,
    another_users_authenticator_is_not_found,
    disabling_needs_the_password_and_a_code,
    disabling_during_an_enrollment_shuts_nobody_out,
    disabling_twice_is_good_news,
    wrong_codes_in_a_change_are_counted,
    a_receipt_of_a_removed_authenticator_proves_nothing,
}

async fn a_second_authenticator_signs_in_until_removed(service: Service) {
    let (mut browser, first) = service.enrolled(ALICE).await;
    let page = browser.get("/two-factor/add").await;
    assert_eq!(page.line("asks"), "false false");
    assert_eq!(page.line("name"), "Authenticator app 2");
    service.accounts.notices();
    let setup = browser.post("/two-factor/add", &[("name", "Tablet")]).await;
    let second = service.confirm(&mut browser, &setup.next).await;
    let name = "Tablet".to_owned();
    assert_eq!(service.accounts.notices(), [What::Added { name }]);
    assert_eq!(service.names(ALICE).await, [APP, "Tablet"]);
    let code = service.next(&first);
    service.with_code(ALICE, &code).await;
    let mut other = service
        .with_code(ALICE, &second.passcode(service.clock.now()))
        .await;

    let id = service.id(ALICE, APP).await;
    let path = format!("/two-factor/authenticators/{id}/remove");
    service.accounts.notices();
    let page = browser.get(&path).await;
    assert_eq!(page.line("asks"), "false false");
    browser.post(&path, &[]).await.leads_to("/two-factor");
    let name = APP.to_owned();
    assert_eq!(service.accounts.notices(), [What::Removed { name }]);
    assert_eq!(service.flag(ALICE).await, FactorFlag::On);
    assert!(!other.is_signed_in().await);
    assert!(browser.is_signed_in().await);
    let code = service.next(&first);
    let mut other = service.browser();
    other.password(ALICE).await;
    let answer = other.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(422, "code-not-accepted", "/two-factor/code");
    let code = service.next(&second);
    service.with_code(ALICE, &code).await;
}

async fn the_old_phone_works_until_confirmation(service: Service) {
    let (mut browser, old) = service.enrolled(ALICE).await;
    let id = service.id(ALICE, APP).await;
    let path = format!("/two-factor/authenticators/{id}/replace");
    assert_eq!(browser.get(&path).await.line("asks"), "false false");
    let setup = browser.post(&path, &[]).await;
    let code = service.next(&old);
    service.with_code(ALICE, &code).await;
    service.accounts.notices();
    let new = service.confirm(&mut browser, &setup.next).await;
    let name = APP.to_owned();
    assert_eq!(service.accounts.notices(), [What::Replaced { name }]);
    let mut other = service.browser();
    other.password(ALICE).await;
    let code = service.next(&old);
    let answer = other.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(422, "code-not-accepted", "/two-factor/code");
    let code = service.next(&new);
    service.with_code(ALICE, &code).await;
    assert_eq!(service.names(ALICE).await, [APP]);
}

async fn names_are_checked(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let long = "x".repeat(65);
    for (name, code) in [
        ("", "name-missing"),
        (" ", "name-missing"),
        ("a\u{7}", "name-unprintable"),
        (long.as_str(), "name-too-long"),
        (APP, "name-in-use"),
    ] {
        let answer = browser.post("/two-factor/add", &[("name", name)]).await;
        answer.refused(422, code, "/two-factor/add");
        if answer.status == 303 {
            let page = browser.get("/two-factor/add").await;
            assert!(page.line("problem").ends_with("Some(Name)"), "{page:?}");
        }
    }
    assert_eq!(service.names(ALICE).await.len(), 1);
    for (length, kept) in [(100, true), (10_000, false)] {
        let name = "x".repeat(length);
        browser.post("/two-factor/add", &[("name", &name)]).await;
        // A cookie that holds the session has some 4,000 bytes.
        let session = service.sessions.data(browser.cookie.as_deref()).to_text();
        assert!(session.len() < 2_000, "{}", session.len());
        let page = browser.get("/two-factor/add").await;
        if page.line("typed") == name {
            assert!(kept);
        }
    }
}

async fn an_old_receipt_needs_a_code(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let id = service.id(ALICE, APP).await;
    let replace = format!("/two-factor/authenticators/{id}/replace");
    for path in ["/two-factor/add", &replace] {
        service.wait(601);
        let page = browser.get(path).await;
        assert_eq!(page.line("asks"), "false true");
        let fields = [("name", "Tablet"), ("password", PASSWORD)];
        let answer = browser.post(path, &fields).await;
        answer.refused(422, "code-missing", path);
        let code = service.next(&phone);
        let fields = [("name", "Tablet"), ("code", code.as_str())];
        let setup = browser.post(path, &fields).await;
        assert!(setup.next.starts_with("/two-factor/setup/"), "{setup:?}");
        browser.get("/two-factor").await;
    }
}

async fn an_accepted_code_renews_the_session(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.wait(601);
    browser.get("/two-factor/backup-codes").await;
    let old = browser.clone();
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let page = browser.fill("/two-factor/backup-codes", &fields).await;
    assert_eq!(page.line("codes").split(',').count(), 10, "{page:?}");
    assert!(matches!(page.change, SessionChange::Renew { .. }));
    assert_ne!(browser.cookie, old.cookie);
    assert!(browser.is_signed_in().await);
    assert!(!old.clone().is_signed_in().await);
    // The new receipt is enough for the next change.
    let page = browser.get("/two-factor/add").await;
    assert_eq!(page.line("asks"), "false false");
}

async fn a_code_is_enough_without_a_password(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.accounts.drop_passwords();
    for path in ["/two-factor/backup-codes", "/two-factor/disable"] {
        service.wait(601);
        let page = browser.get(path).await;
        assert_eq!(page.line("asks"), "false true");
        let code = service.next(&phone);
        let answer = browser.fill(path, &[("code", &code)]).await;
        assert!(matches!(answer.status, 200 | 303), "{answer:?}");
    }
    assert!(!service.is_enabled(ALICE).await);
    assert!(browser.is_signed_in().await);
}

async fn a_dropped_answer_to_a_code_keeps_the_session(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.wait(601);
    let code = service.next(&phone);
    browser.get("/two-factor/add").await;
    let fields = [("name", "Tablet"), ("code", code.as_str())];
    let form = browser.form("/two-factor/add", &fields);
    let first = browser.send_without_answer(form).await;
    assert!(first.next.starts_with("/two-factor/setup/"), "{first:?}");
    let again = browser.post("/two-factor/add", &fields).await;
    again.leads_to(&first.next);
    assert!(browser.is_signed_in().await);
    service.confirm(&mut browser, &again.next).await;
    assert_eq!(service.names(ALICE).await, [APP, "Tablet"]);
}

async fn a_proof_that_is_sent_twice_is_no_failure(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.wait(601);
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let path = "/two-factor/prove?to=%2Ftransfer&ask=both";
    let second = send_twice(&mut browser, path, &fields).await;
    second.leads_to("/transfer");
    let page = browser.get("/two-factor/add").await;
    assert_eq!(page.line("asks"), "false false");
}

async fn a_change_that_is_sent_twice_does_not_sign_out(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    for password in ["", PASSWORD] {
        service.wait(601);
        let code = service.next(&phone);
        let fields = [
            ("name", "Tablet"),
            ("password", password),
            ("code", code.as_str()),
        ];
        send_twice(&mut browser, "/two-factor/add", &fields).await;
    }
}

/// Sends a form twice from the same session, and drops the first answer.
async fn send_twice(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    browser.get(path).await;
    let form = browser.form(path, fields);
    let first = browser.send_without_answer(form.clone()).await;
    let second = browser.send(form).await;
    let (SessionChange::Renew { id, .. }, SessionChange::Renew { id: again, .. }) =
        (&first.change, &second.change)
    else {
        panic!("{second:?}");
    };
    assert_eq!(id, again);
    assert!(browser.is_signed_in().await);
    second
}

async fn removing_twice_is_good_news(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let setup = browser.post("/two-factor/add", &[("name", "Tablet")]).await;
    service.confirm(&mut browser, &setup.next).await;
    let id = service.id(ALICE, "Tablet").await;
    let path = format!("/two-factor/authenticators/{id}/remove");
    browser.get(&path).await;
    for _ in 0..2 {
        browser.post(&path, &[]).await.leads_to("/two-factor");
        let page = browser.get("/two-factor").await;
        assert!(page.line("notice").contains("Tablet"));
    }
    assert_eq!(service.names(ALICE).await, [APP]);
}

async fn removing_the_last_one_is_disabling(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let id = service.id(ALICE, APP).await;
    let path = format!("/two-factor/authenticators/{id}/remove");
    browser.get(&path).await.leads_to("/two-factor/disable");
    browser
        .post(&path, &[])
        .await
        .leads_to("/two-factor/disable");
    assert!(service.is_enabled(ALICE).await);
}

async fn removing_both_at_once_keeps_one(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let setup = browser.post("/two-factor/add", &[("name", "Tablet")]).await;
    service.confirm(&mut browser, &setup.next).await;
    browser.get("/two-factor").await;
    let mut tab = browser.clone();
    let form = async |browser: &Browser, name| {
        let id = service.id(ALICE, name).await;
        let path = format!("/two-factor/authenticators/{id}/remove");
        browser.form(&path, &[("password", PASSWORD)])
    };
    // The receipt of this session is the tablet's.
    let (one, two) = (form(&tab, APP).await, form(&browser, "Tablet").await);
    service.accounts.notices();
    let one = tokio::spawn(async move { tab.send(one).await });
    let two = browser.send(two).await;
    one.await.unwrap().leads_to("/two-factor");
    two.leads_to("/two-factor/disable");
    assert_eq!(service.names(ALICE).await, ["Tablet"]);
    assert_eq!(service.flag(ALICE).await, FactorFlag::On);
    let name = APP.to_owned();
    assert_eq!(service.accounts.notices(), [What::Removed { name }]);
}

async fn another_users_authenticator_is_not_found(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    service.enrolled(BOB).await;
    let id = service.id(BOB, APP).await;
    for act in ["replace", "remove"] {
        for id in [id.as_str(), "0123456789abcdef", "x"] {
            let path = format!("/two-factor/authenticators/{id}/{act}");
            assert_eq!(browser.get(&path).await.status, 404);
            assert_eq!(browser.post(&path, &[]).await.status, 404);
        }
    }
    assert!(service.is_enabled(BOB).await);
}

async fn disabling_needs_the_password_and_a_code(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let mut other = {
        let code = service.next(&phone);
        service.with_code(ALICE, &code).await
    };
    let path = "/two-factor/disable";
    assert_eq!(browser.get(path).await.line("asks"), "true true");
    let code = service.next(&phone);
    let refused = browser.post(path, &[("code", &code)]).await;
    refused.refused(422, "password-missing", path);
    let refused = browser.post(path, &[("password", PASSWORD)]).await;
    refused.refused(422, "code-missing", path);
    let wrong = [("password", "wrong"), ("code", code.as_str())];
    browser
        .post(path, &wrong)
        .await
        .refused(422, "wrong-password", path);
    let wrong = [("password", PASSWORD), ("code", "000000")];
    browser
        .post(path, &wrong)
        .await
        .refused(422, "code-not-accepted", path);
    assert!(service.is_enabled(ALICE).await);
    assert_eq!(service.flag(ALICE).await, FactorFlag::On);
    service.accounts.notices();
    let both = [("password", PASSWORD), ("code", code.as_str())];
    browser.post(path, &both).await.leads_to("/two-factor");
    assert!(!service.is_enabled(ALICE).await);
    assert_eq!(service.flag(ALICE).await, FactorFlag::Off);
    assert_eq!(service.accounts.notices(), [What::Disabled]);
    assert!(browser.is_signed_in().await);
    assert!(!other.is_signed_in().await);
    assert!(!browser.get("/two-factor").await.line("notice").is_empty());
    service.signed_in(ALICE).await;
    // The account can enroll again at once.
    let begun = browser.post("/two-factor/setup", &[]).await;
    service.confirm(&mut browser, &begun.next).await;
    assert!(service.is_enabled(ALICE).await);
}

async fn disabling_during_an_enrollment_shuts_nobody_out(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let setup = browser.post("/two-factor/add", &[("name", "Tablet")]).await;
    let tablet = service.scan(&mut browser, &setup.next).await;
    let code = service.next(&phone);
    let passcode = tablet.passcode(service.clock.now());
    let mut tab = browser.clone();
    service.plan.hold();
    let confirms = async move { tab.post(&setup.next, &[("code", &passcode)]).await };
    let confirmed = tokio::spawn(confirms);
    while service.names(ALICE).await.len() < 2 {
        tokio::task::yield_now().await;
    }
    let both = [("password", PASSWORD), ("code", code.as_str())];
    let disabled = browser.post("/two-factor/disable", &both).await;
    service.plan.release();
    confirmed.await.unwrap();
    let mut other = service.browser();
    let answer = other.password(ALICE).await;
    match service.store {
        Rows::Separate => {
            disabled.leads_to("/two-factor");
            assert_eq!(service.flag(ALICE).await, FactorFlag::Off);
            answer.leads_to("/");
        }
        // There, the enrollment was complete, and the session had another id.
        Rows::Together => {
            answer.leads_to("/two-factor/code");
        }
    }
}

async fn disabling_twice_is_good_news(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    browser.get("/two-factor/disable").await;
    let code = service.next(&phone);
    let both = [("password", PASSWORD), ("code", code.as_str())];
    let form = browser.form("/two-factor/disable", &both);
    // Both requests have the old session.
    let _ = browser.handle(form.clone()).await;
    browser.send(form).await.leads_to("/two-factor");
    assert!(!browser.get("/two-factor").await.line("notice").is_empty());
    assert_eq!(service.flag(ALICE).await, FactorFlag::Off);
}

async fn wrong_codes_in_a_change_are_counted(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    service.wait(601);
    browser.get("/two-factor/add").await;
    let mut refused = String::new();
    for _ in 0..20 {
        let fields = [("name", "Tablet"), ("code", "000000")];
        browser.post("/two-factor/add", &fields).await;
        refused = browser.get("/two-factor/add").await.line("wait").to_owned();
    }
    assert!(refused.contains("Until"), "{refused}");
}

async fn a_receipt_of_a_removed_authenticator_proves_nothing(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let setup = browser.post("/two-factor/add", &[("name", "Tablet")]).await;
    let tablet = service.confirm(&mut browser, &setup.next).await;
    // The receipt of this session is the tablet's.
    let id = service.id(ALICE, "Tablet").await;
    let path = format!("/two-factor/authenticators/{id}/remove");
    browser.get(&path).await;
    browser.post(&path, &[]).await.leads_to("/two-factor");
    let fields = [("name", "Phone")];
    let answer = browser.post("/two-factor/add", &fields).await;
    answer.refused(403, "proof-needed", "/two-factor/add");
    let page = browser.get("/two-factor/add").await;
    assert_eq!(page.line("asks"), "false true");
    drop(tablet);
}
