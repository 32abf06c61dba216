use crate::support::{ALICE, OPERATOR, Service};

on_both! {
    only_operators_with_second_factor_see_the_page,
    the_page_shows_account_state_without_secrets,
    unlocking_stores_a_reason,
    unlocking_after_a_clock_fault_needs_confirmation,
}

#[tokio::test]
async fn without_operators_the_page_is_missing() {
    let service = Service::on_sqlite_without_operators().await;
    let (mut browser, _) = service.enrolled(OPERATOR).await;
    assert_eq!(browser.get("/admin").await.status, 404);
    assert_eq!(
        browser
            .post("/admin/unlock", &[("account", "1"), ("reason", "x")])
            .await
            .status,
        404
    );
    assert_eq!(service.browser().get("/admin").await.location(), "/sign-in");
}

async fn only_operators_with_second_factor_see_the_page(service: Service) {
    assert_eq!(service.browser().get("/admin").await.location(), "/sign-in");
    let (mut alice, _) = service.enrolled(ALICE).await;
    assert_eq!(alice.get("/admin").await.status, 404);
    assert_eq!(
        alice
            .post("/admin/unlock", &[("account", "1"), ("reason", "x")])
            .await
            .status,
        404
    );
    let mut operator = service.signed_up(OPERATOR).await;
    assert_eq!(operator.get("/admin").await.status, 404);
    service.enable(&mut operator).await;
    assert_eq!(operator.get("/admin").await.status, 200);
    operator
        .get("/admin?email=nobody@example.com")
        .await
        .must_have("no account");
}

async fn the_page_shows_account_state_without_secrets(service: Service) {
    let mut alice = service.signed_up(ALICE).await;
    let path = alice.start_setup().await;
    let key = alice.get(&path).await.key();
    let phone = service.confirm(&mut alice, &path).await;
    let codes = service.codes(&mut alice).await;
    let (mut operator, _) = service.enrolled(OPERATOR).await;
    let page = operator.get("/admin?email=Alice@example.com").await;
    page.must_have("Authenticator app, added");
    page.must_have("10 of 10 left");
    page.must_have("<dt>Codes</dt><dd>accepted</dd>");
    page.must_have("New backup codes were generated");
    assert!(!page.has(&key) && !page.has(&key.replace(' ', "")));
    assert!(!page.has(&phone.passcode(service.clock.now())));
    assert!(codes.iter().all(|code| !page.has(code)));
    service
        .execute("DELETE FROM countersign WHERE account = '1'")
        .await;
    operator
        .get("/admin?email=alice@example.com")
        .await
        .must_have("lost or out of date");
}

async fn unlocking_stores_a_reason(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let (mut operator, _) = service.enrolled(OPERATOR).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    service.give_wrong_codes(&mut browser, &phone, 5).await;
    let page = operator.get("/admin?email=alice@example.com").await;
    page.must_have("refused for 1 min after wrong codes");
    let account = page.hidden("account");
    for reason in ["", "because", &"x".repeat(513)] {
        let fields = [("account", account.as_str()), ("reason", reason)];
        let page = operator.post_and_follow("/admin/unlock", &fields).await;
        page.must_have("Please write a sentence");
        page.must_have("<title>Error: Accounts");
    }
    browser
        .get("/two-factor/code")
        .await
        .must_have("data-cs-seconds");
    let reason = "She showed her passport <at> the desk";
    let fields = [("account", account.as_str()), ("reason", reason)];
    let page = operator.post_and_follow("/admin/unlock", &fields).await;
    page.must_have("Your reason is stored in the log");
    page.must_have("Unlocked by our staff");
    page.must_have("operator@example.com: She showed her passport &#60;at&#62; the desk");
    assert_eq!(
        service.last_subject(ALICE),
        "Your second factor was unlocked"
    );
    // A page that is loaded again unlocks nothing, and says nothing.
    let page = operator.get("/admin?email=alice@example.com").await;
    page.must_have("Unlocked by our staff");
    assert!(!page.has("Your reason is stored in the log"));
    let code = service.next(&phone);
    assert_eq!(browser.give_code(&code).await.location(), "/account");
    // The owner sees the unlock, but not the remark of the operator.
    let page = browser.get("/account").await;
    page.must_have("Unlocked by our staff");
    assert!(!page.has("passport"));
    for account in ["999", "x"] {
        let fields = [("account", account), ("reason", reason)];
        assert_eq!(operator.post("/admin/unlock", &fields).await.status, 404);
    }
}

/// A server whose clock is three days fast has stored the times of the failures.
async fn unlocking_after_a_clock_fault_needs_confirmation(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let (mut operator, _) = service.enrolled(OPERATOR).await;
    let now = service.clock.now();
    service.wait(3 * 24 * 60 * 60);
    let mut browser = service.partially_signed_in(ALICE).await;
    service.give_wrong_codes(&mut browser, &phone, 5).await;
    service.clock.set(now);
    // A sign-in that began in the future does not count.
    let mut browser = service.partially_signed_in(ALICE).await;

    let page = operator.get("/admin?email=alice@example.com").await;
    page.must_have("refused: a stored time is more than an hour ahead");
    let account = page.hidden("account");
    let code = service.next(&phone);
    for page in [
        browser.get("/two-factor/code").await,
        browser.give_code_and_follow(&code).await,
    ] {
        page.must_have("We cannot check codes for your account just now");
        assert!(!page.has("name=\"code\""));
    }

    let reason = "She showed her passport at the desk";
    let fields = [("account", account.as_str()), ("reason", reason)];
    let page = operator.post_and_follow("/admin/unlock", &fields).await;
    page.must_have("Not unlocked: a stored time is more than an hour ahead");
    assert!(!page.has("Unlocked by our staff"));
    assert_ne!(
        service.last_subject(ALICE),
        "Your second factor was unlocked"
    );
    let page = browser.give_code_and_follow(&code).await;
    page.must_have("We cannot check codes for your account just now");

    let confirmed = [fields[0], fields[1], ("clock_confirmed", "yes")];
    let page = operator.post_and_follow("/admin/unlock", &confirmed).await;
    page.must_have("Unlocked. Your reason is stored in the log.");
    page.must_have("operator@example.com: She showed her passport at the desk");
    page.must_have("<dt>Codes</dt><dd>accepted</dd>");
    assert_eq!(
        service.last_subject(ALICE),
        "Your second factor was unlocked"
    );
    assert_eq!(browser.give_code(&code).await.location(), "/account");
}
