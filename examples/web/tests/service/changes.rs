use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    the_old_phone_works_until_confirmation,
    a_second_authenticator_signs_in_until_removed,
    names_are_escaped_and_checked,
    an_old_receipt_needs_a_code,
    a_form_works_while_the_receipt_is_recent,
    disabling_needs_the_password_and_a_code,
    disabling_ends_the_backup_codes,
    an_enabled_factor_cannot_be_enabled_again,
    guesses_in_a_change_are_counted,
    another_users_authenticator_is_not_found,
}

async fn the_old_phone_works_until_confirmation(service: Service) {
    let (mut browser, old) = service.enrolled(ALICE).await;
    let id = browser.get("/two-factor").await.authenticator();
    let path = format!("/two-factor/authenticators/{id}/replace");
    browser.get(&path).await;
    let setup = browser.post(&path, &[("password", PASSWORD)]).await;
    service.signed_in(ALICE, &old).await;
    let new = service.confirm(&mut browser, setup.location()).await;
    assert_eq!(
        service.last_subject(ALICE),
        "Authenticator “Authenticator app” was replaced"
    );
    let mut other = service.partially_signed_in(ALICE).await;
    let code = service.next(&old);
    other
        .give_code_and_follow(&code)
        .await
        .must_have("not accepted");
    service.signed_in(ALICE, &new).await;
    let page = browser.get("/two-factor").await;
    assert_eq!(page.body.matches(">Move to a new phone<").count(), 1);
}

async fn a_second_authenticator_signs_in_until_removed(service: Service) {
    let (mut browser, first) = service.enrolled(ALICE).await;
    browser.get("/two-factor/add").await;
    let fields = [("name", "Tablet"), ("password", PASSWORD)];
    let setup = browser.post("/two-factor/add", &fields).await;
    let second = service.confirm(&mut browser, setup.location()).await;
    assert_eq!(
        service.last_subject(ALICE),
        "Authenticator “Tablet” was added"
    );
    service.signed_in(ALICE, &first).await;
    service.signed_in(ALICE, &second).await;

    let account = browser.get("/two-factor").await;
    account.must_have("Tablet");
    let id = account.authenticator();
    let path = format!("/two-factor/authenticators/{id}/remove");
    browser.get(&path).await;
    let page = browser
        .post_and_follow(&path, &[("password", PASSWORD)])
        .await;
    page.must_have("is removed");
    assert_eq!(
        service.last_subject(ALICE),
        "Authenticator “Authenticator app” was removed"
    );
    let mut other = service.partially_signed_in(ALICE).await;
    let code = service.next(&first);
    other
        .give_code_and_follow(&code)
        .await
        .must_have("not accepted");
    service.signed_in(ALICE, &second).await;
}

async fn names_are_escaped_and_checked(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    browser.get("/two-factor/add").await;
    let name = "<script>alert(1)</script>";
    let setup = browser
        .post("/two-factor/add", &[("name", name), ("password", PASSWORD)])
        .await;
    service.confirm(&mut browser, setup.location()).await;
    let page = browser.get("/two-factor").await;
    page.must_have("&#60;script&#62;");
    assert!(!page.has(name));
    browser.get("/two-factor/add").await;
    for name in ["", " ", "a\u{7}", &"x".repeat(65)] {
        let fields = [("name", name), ("password", PASSWORD)];
        let page = browser.post_and_follow("/two-factor/add", &fields).await;
        assert!(!page.problem().is_empty());
    }
}

async fn an_old_receipt_needs_a_code(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let id = browser.get("/two-factor").await.authenticator();
    for path in [
        "/two-factor/add".to_owned(),
        format!("/two-factor/authenticators/{id}/replace"),
    ] {
        service.wait(601);
        let page = browser.get(&path).await;
        page.must_have("name=\"code\"");
        assert!(!page.has("name=\"password\""));
        let named = [("name", "Tablet"), ("password", PASSWORD)];
        browser
            .post_and_follow(&path, &named)
            .await
            .must_have("enter a code");
        let code = service.next(&phone);
        let setup = browser
            .post(&path, &[("name", "Tablet"), ("code", &code)])
            .await;
        assert!(setup.location().starts_with("/two-factor/setup/"));
    }
}

async fn a_form_works_while_the_receipt_is_recent(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    service.wait(539);
    let page = browser.get("/two-factor/add").await;
    assert!(!page.has("name=\"password\"") && !page.has("name=\"code\""));
    service.wait(60);
    let fields = [("name", "Tablet")];
    let setup = browser.post("/two-factor/add", &fields).await;
    assert!(setup.location().starts_with("/two-factor/setup/"));
}

async fn disabling_needs_the_password_and_a_code(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let path = "/two-factor/disable";
    browser.get(path).await;
    let code = service.next(&phone);
    for (password, code, said) in [
        ("wrong", code.as_str(), "not your password"),
        ("", &code, "enter your password"),
        (PASSWORD, "", "enter a code"),
        (PASSWORD, "000000", "not accepted"),
    ] {
        let fields = [("password", password), ("code", code)];
        browser.post_and_follow(path, &fields).await.must_have(said);
    }
    let page = browser
        .post_and_follow(path, &[("password", PASSWORD), ("code", &code)])
        .await;
    page.must_have("Enable 2FA");
    assert_eq!(
        service.last_subject(ALICE),
        "Two-factor authentication is off"
    );
    assert_eq!(
        service
            .browser()
            .give_password(ALICE, PASSWORD)
            .await
            .location(),
        "/account"
    );
}

async fn disabling_ends_the_backup_codes(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    browser.get("/two-factor/disable").await;
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    browser
        .post_and_follow("/two-factor/disable", &fields)
        .await;
    service.enable(&mut browser).await;
    let account = browser.get("/account").await;
    account.must_have("You have no backup codes");
    let mut other = service.partially_signed_in(ALICE).await;
    let page = other.give_code_and_follow(&codes[0]).await;
    page.must_have("not accepted");
}

async fn an_enabled_factor_cannot_be_enabled_again(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    browser.get("/account").await;
    for page in [
        browser.get("/two-factor/setup").await,
        browser
            .post("/two-factor/setup", &[("password", PASSWORD)])
            .await,
    ] {
        assert_eq!(page.location(), "/two-factor/add");
    }
    service.signed_in(ALICE, &phone).await;
}

async fn guesses_in_a_change_are_counted(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    browser.get("/two-factor/disable").await;
    for wrong in service.many_wrong(&phone).into_iter().take(5) {
        let fields = [("password", PASSWORD), ("code", wrong.as_str())];
        browser.post("/two-factor/disable", &fields).await;
    }
    browser
        .get("/two-factor/disable")
        .await
        .must_have("data-cs-seconds=\"30\"");
    let mut other = service.partially_signed_in(ALICE).await;
    other
        .get("/two-factor/code")
        .await
        .must_have("data-cs-seconds=\"30\"");
}

async fn another_users_authenticator_is_not_found(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let id = browser.get("/two-factor").await.authenticator();
    let (mut bob, _) = service.enrolled("bob@example.com").await;
    bob.get("/account").await;
    for id in [id.as_str(), "0000000000000000", "x"] {
        for what in ["replace", "remove"] {
            let path = format!("/two-factor/authenticators/{id}/{what}");
            assert_eq!(bob.get(&path).await.status, 404);
            assert_eq!(bob.post(&path, &[("password", PASSWORD)]).await.status, 404);
        }
    }
}
