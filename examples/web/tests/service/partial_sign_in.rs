use axum::http::Method;

use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    partial_sign_in_reaches_only_the_code_page,
    partial_sign_in_ends_after_ten_minutes,
    another_users_password_replaces_a_partial_sign_in,
    partial_sign_in_can_be_cancelled,
    a_pending_enrollment_asks_for_no_code,
    a_disabled_factor_ends_a_partial_sign_in,
}

async fn partial_sign_in_reaches_only_the_code_page(service: Service) {
    let (mut owner, _) = service.enrolled(ALICE).await;
    let id = owner.get("/two-factor").await.authenticator();
    let mut browser = service.partially_signed_in(ALICE).await;
    for (path, methods) in [
        ("/account", "GET"),
        ("/api/account", "GET"),
        ("/api-token", "GET POST"),
        ("/two-factor", "GET"),
        ("/two-factor/setup", "GET POST"),
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
        ("/two-factor/backup-codes/discard", "POST"),
        ("/admin", "GET"),
        ("/admin/unlock", "POST"),
    ] {
        for method in methods.split(' ') {
            let page = browser.ask(method.parse::<Method>().unwrap(), path).await;
            assert_eq!(
                (page.status.as_u16(), page.location()),
                (303, "/two-factor/code"),
                "{method} {path}"
            );
        }
    }
    // The partial sign-in is still valid.
    assert_eq!(browser.get("/two-factor/code").await.status, 200);
}

async fn partial_sign_in_ends_after_ten_minutes(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    service.wait(600);
    assert_eq!(browser.get("/two-factor/code").await.status, 200);
    service.wait(1);
    let code = phone.passcode(service.clock.now());
    let answer = browser.give_code(&code).await;
    assert_eq!(answer.location(), "/sign-in");
    assert!(!browser.is_signed_in().await);
}

async fn another_users_password_replaces_a_partial_sign_in(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let (_, bobs) = service.enrolled("bob@example.com").await;
    let mut browser = service.partially_signed_in(ALICE).await;
    browser.give_password("bob@example.com", PASSWORD).await;
    browser
        .get("/two-factor/code")
        .await
        .must_have("bob@example.com");
    let alices = service.next(&phone);
    assert_ne!(alices, bobs.passcode(service.clock.now()));
    browser
        .give_code_and_follow(&alices)
        .await
        .must_have("not accepted");
}

async fn partial_sign_in_can_be_cancelled(service: Service) {
    service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    assert_eq!(
        browser.post("/two-factor/sign-out", &[]).await.location(),
        "/sign-in"
    );
    assert_eq!(browser.get("/two-factor/code").await.location(), "/sign-in");
}

async fn a_pending_enrollment_asks_for_no_code(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    browser.get("/account").await;
    browser.post("/two-factor/setup", &[]).await;
    let mut other = service.browser();
    assert_eq!(
        other.give_password(ALICE, PASSWORD).await.location(),
        "/account"
    );
    other.get("/account").await.must_have("Enable 2FA");
}

async fn a_disabled_factor_ends_a_partial_sign_in(service: Service) {
    let (mut owner, phone) = service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    let code = service.next(&phone);
    owner.disable(&code).await;
    let answer = browser.give_code("000000").await;
    assert_eq!(answer.status, 409);
    answer.must_have("Please sign in again");
    assert_eq!(
        browser.give_password(ALICE, PASSWORD).await.location(),
        "/account"
    );
}
