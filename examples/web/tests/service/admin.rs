use crate::support::{ALICE, OPERATOR, Service};

on_both! {
    only_an_operator_with_a_second_factor_sees_it,
    it_shows_how_an_account_stands_and_no_secret,
    unlocking_takes_a_reason_and_puts_it_on_record,
}

#[tokio::test]
async fn without_operators_there_is_no_such_page() {
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
    assert_eq!(service.browser().get("/admin").await.status, 404);
}

async fn only_an_operator_with_a_second_factor_sees_it(service: Service) {
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
    let mut operator = service.newcomer(OPERATOR).await;
    assert_eq!(operator.get("/admin").await.status, 404);
    operator.get("/account").await;
    let begun = operator.post("/two-factor/enable", &[]).await;
    service.confirm(&mut operator, &begun).await;
    assert_eq!(operator.get("/admin").await.status, 200);
    operator
        .get("/admin?email=nobody@example.com")
        .await
        .must_have("no account");
}

async fn it_shows_how_an_account_stands_and_no_secret(service: Service) {
    let mut alice = service.newcomer(ALICE).await;
    alice.get("/account").await;
    let begun = alice.post("/two-factor/enable", &[]).await;
    let key = alice.get(begun.location()).await.key();
    let phone = service.confirm(&mut alice, &begun).await;
    let codes = service.codes(&mut alice).await;
    let (mut operator, _) = service.enrolled(OPERATOR).await;
    let page = operator.get("/admin?email=Alice@example.com").await;
    page.must_have("Authenticator app, added");
    page.must_have("10 of 10 left");
    page.must_have("Codes are accepted");
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

async fn unlocking_takes_a_reason_and_puts_it_on_record(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let (mut operator, _) = service.enrolled(OPERATOR).await;
    let mut browser = service.half_signed_in(ALICE).await;
    let wrong = service.wrong(&phone);
    for _ in 0..5 {
        browser.post("/sign-in/code", &[("code", &wrong)]).await;
    }
    let page = operator.get("/admin?email=alice@example.com").await;
    page.must_have("Waiting: 30 seconds left");
    let account = page.hidden("account");
    for reason in ["", "because", &"x".repeat(501)] {
        let fields = [("account", account.as_str()), ("reason", reason)];
        operator
            .post_and_follow("/admin/unlock", &fields)
            .await
            .must_have("in a sentence");
    }
    browser.get("/sign-in/code").await.must_have("data-seconds");
    let reason = "She showed her passport <at> the desk";
    let fields = [("account", account.as_str()), ("reason", reason)];
    let page = operator.post_and_follow("/admin/unlock", &fields).await;
    page.must_have("Unlocked by our staff");
    page.must_have("operator@example.com: She showed her passport &#60;at&#62; the desk");
    assert_eq!(
        service.subjects(ALICE).last().unwrap(),
        "Your second factor was unlocked"
    );
    let code = service.next(&phone);
    assert_eq!(
        browser
            .post("/sign-in/code", &[("code", &code)])
            .await
            .location(),
        "/account"
    );
    // The owner sees that it was done, and not what the operator wrote.
    let page = browser.get("/account").await;
    page.must_have("Unlocked by our staff");
    assert!(!page.has("passport"));
    for account in ["999", "x"] {
        let fields = [("account", account), ("reason", reason)];
        assert_eq!(operator.post("/admin/unlock", &fields).await.status, 404);
    }
}
