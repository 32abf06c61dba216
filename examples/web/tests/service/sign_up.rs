use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    a_known_address_gets_the_same_page,
    a_link_works_once_and_for_an_hour,
    a_bad_address_or_password_is_refused,
    an_address_gets_five_mails_per_hour,
}

async fn a_known_address_gets_the_same_page(service: Service) {
    service.signed_up(ALICE).await;
    let mut browser = service.browser();
    browser.get("/sign-up").await;
    let known = browser.post("/sign-up", &[("email", ALICE)]).await;
    assert_eq!(
        service.subjects(ALICE),
        ["confirm your address", "you have an account"]
    );
    assert!(!service.last_mail().text.contains("/sign-up/"));
    let unknown = browser
        .post("/sign-up", &[("email", "bob@example.com")])
        .await;
    assert_eq!(known.status, unknown.status);
    assert_eq!(known.body, unknown.body.replace("bob@example.com", ALICE));
    assert_eq!(service.count("SELECT count(*) FROM links").await, 2);
}

async fn a_link_works_once_and_for_an_hour(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let used = service.last_link();
    let page = browser.get(&used).await;
    page.must_have("has expired");

    browser.get("/sign-up").await;
    browser
        .post("/sign-up", &[("email", "bob@example.com")])
        .await;
    let link = service.last_link();
    service.wait(3_599);
    // Opening the link uses nothing up, because programs that scan mails also open links.
    assert_eq!(browser.get(&link).await.status, 200);
    assert_eq!(browser.get(&link).await.status, 200);
    service.wait(1);
    let page = browser.post(&link, &[("password", PASSWORD)]).await;
    page.must_have("has expired");
    assert_eq!(service.count("SELECT count(*) FROM users").await, 1);
}

async fn a_bad_address_or_password_is_refused(service: Service) {
    let mut browser = service.browser();
    browser.get("/sign-up").await;
    for typed in [
        "",
        "@example.com",
        "a@b",
        "a b@example.com",
        "a:b@example.com",
        "a@b@c.d",
    ] {
        let page = browser.post("/sign-up", &[("email", typed)]).await;
        page.must_have("Please enter an email address");
    }
    let long = format!("{}@example.com", "a".repeat(250));
    let page = browser.post("/sign-up", &[("email", &long)]).await;
    page.must_have("Please enter an email address");
    let page = browser.post("/sign-up", &[("email", "alice")]).await;
    page.must_have("Please enter an email address");
    page.must_have("value=\"alice\"");
    browser
        .post("/sign-up", &[("email", " Alice@Example.com ")])
        .await;
    let link = service.last_link();
    browser.get(&link).await;
    for password in ["", "seven77", &"x".repeat(257)] {
        let page = browser.post(&link, &[("password", password)]).await;
        page.must_have("Please use at");
    }
    assert_eq!(service.count("SELECT count(*) FROM users").await, 0);
}

async fn an_address_gets_five_mails_per_hour(service: Service) {
    let mut browser = service.browser();
    browser.get("/sign-up").await;
    for _ in 0..7 {
        let page = browser.post("/sign-up", &[("email", ALICE)]).await;
        page.must_have("We have sent a mail");
    }
    assert_eq!(service.subjects(ALICE).len(), 5);
    service.wait(3_600);
    browser.post("/sign-up", &[("email", ALICE)]).await;
    assert_eq!(service.subjects(ALICE).len(), 6);
}
