use axum::http::Method;

use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    it_reaches_nothing_but_the_code_page,
    it_ends_after_ten_minutes,
    it_ends_with_the_password_of_another,
    it_can_be_cancelled,
    an_enrollment_that_is_not_confirmed_asks_for_no_code,
    a_factor_that_was_switched_off_meanwhile_sends_it_back,
}

async fn it_reaches_nothing_but_the_code_page(service: Service) {
    let (mut owner, _) = service.enrolled(ALICE).await;
    let id = owner.get("/account").await.authenticator();
    let mut browser = service.half_signed_in(ALICE).await;
    for (path, methods) in [
        ("/account", "GET"),
        ("/two-factor/enable", "GET POST"),
        ("/two-factor/setup/0123456789abcdef", "GET POST"),
        ("/two-factor/setup/0123456789abcdef/cancel", "POST"),
        ("/two-factor/add", "GET POST"),
        (
            &format!("/two-factor/authenticators/{id}/replace"),
            "GET POST",
        ),
        (
            &format!("/two-factor/authenticators/{id}/remove"),
            "GET POST",
        ),
        ("/two-factor/disable", "GET POST"),
        ("/two-factor/backup-codes", "GET POST"),
        ("/two-factor/backup-codes/file", "POST"),
        ("/two-factor/backup-codes/saved", "POST"),
        ("/admin", "GET"),
        ("/admin/unlock", "POST"),
    ] {
        for method in methods.split(' ') {
            let page = browser.ask(method.parse::<Method>().unwrap(), path).await;
            assert_eq!(
                (page.status.as_u16(), page.location()),
                (303, "/sign-in/code"),
                "{method} {path}"
            );
        }
    }
    // And it is still half signed in.
    assert_eq!(browser.get("/sign-in/code").await.status, 200);
}

async fn it_ends_after_ten_minutes(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.half_signed_in(ALICE).await;
    service.wait(600);
    assert_eq!(browser.get("/sign-in/code").await.status, 200);
    service.wait(1);
    let code = phone.passcode(service.clock.now());
    let answer = browser.post("/sign-in/code", &[("code", &code)]).await;
    assert_eq!(answer.location(), "/sign-in?ended");
    browser
        .get("/sign-in?ended")
        .await
        .must_have("session has ended");
    assert!(!browser.is_in().await);
}

async fn it_ends_with_the_password_of_another(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let (_, bobs) = service.enrolled("bob@example.com").await;
    let mut browser = service.half_signed_in(ALICE).await;
    browser.give_password("bob@example.com", PASSWORD).await;
    browser
        .get("/sign-in/code")
        .await
        .must_have("bob@example.com");
    let alices = service.next(&phone);
    assert_ne!(alices, bobs.passcode(service.clock.now()));
    browser
        .post_and_follow("/sign-in/code", &[("code", &alices)])
        .await
        .must_have("not accepted");
}

async fn it_can_be_cancelled(service: Service) {
    service.enrolled(ALICE).await;
    let mut browser = service.half_signed_in(ALICE).await;
    assert_eq!(
        browser.post("/sign-out", &[]).await.location(),
        "/sign-in?signed-out"
    );
    assert_eq!(browser.get("/sign-in/code").await.location(), "/sign-in");
}

async fn an_enrollment_that_is_not_confirmed_asks_for_no_code(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    browser.get("/account").await;
    browser.post("/two-factor/enable", &[]).await;
    let mut other = service.browser();
    assert_eq!(
        other.give_password(ALICE, PASSWORD).await.location(),
        "/account"
    );
    other.get("/account").await.must_have("Enable 2FA");
}

async fn a_factor_that_was_switched_off_meanwhile_sends_it_back(service: Service) {
    let (mut owner, phone) = service.enrolled(ALICE).await;
    let mut browser = service.half_signed_in(ALICE).await;
    owner.get("/two-factor/disable").await;
    let code = service.next(&phone);
    owner
        .post(
            "/two-factor/disable",
            &[("password", PASSWORD), ("code", &code)],
        )
        .await;
    let answer = browser.post("/sign-in/code", &[("code", "000000")]).await;
    assert_eq!(answer.location(), "/sign-in");
    assert_eq!(
        browser.give_password(ALICE, PASSWORD).await.location(),
        "/account"
    );
}
