use crate::browser::Browser;
use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    an_unknown_address_and_a_wrong_password_are_alike,
    passwords_are_limited_for_any_address,
    every_wrong_code_gets_the_same_words,
    a_code_may_have_blanks_and_hyphens,
    one_code_in_many_browsers_lets_one_in,
    one_backup_code_in_many_browsers_lets_one_in,
    wrong_codes_are_throttled_and_the_page_counts_down,
    a_spent_budget_says_so,
    a_browser_that_goes_away_loses_no_verdict,
    a_lost_record_does_not_open_the_door,
    a_session_that_is_signed_in_already_goes_on,
    the_sign_in_stands_or_falls_with_the_code,
}

async fn an_unknown_address_and_a_wrong_password_are_alike(service: Service) {
    service.newcomer(ALICE).await;
    let mut pages = Vec::new();
    for email in [ALICE, "nobody@example.com"] {
        let mut browser = service.browser();
        let answer = browser.give_password(email, "wrong password").await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, "/sign-in")
        );
        let page = browser.get("/sign-in").await;
        pages.push(
            page.body
                .replace(&browser.csrf, "TOKEN")
                .replace(email, "ADDRESS"),
        );
    }
    assert_eq!(pages[0], pages[1]);
}

async fn passwords_are_limited_for_any_address(service: Service) {
    service.newcomer(ALICE).await;
    for email in [ALICE, "nobody@example.com"] {
        let mut browser = service.browser();
        for _ in 0..10 {
            browser.give_password(email, "wrong password").await;
            assert!(
                browser
                    .get("/sign-in")
                    .await
                    .problem()
                    .contains("not the right")
            );
        }
        browser.give_password(email, PASSWORD).await;
        assert!(
            browser
                .get("/sign-in")
                .await
                .problem()
                .contains("Try again in 15 minutes")
        );
        assert!(!browser.is_in().await);
    }
    service.wait(15 * 60);
    assert_eq!(
        service
            .browser()
            .give_password(ALICE, PASSWORD)
            .await
            .location(),
        "/account"
    );
}

async fn every_wrong_code_gets_the_same_words(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    let mut browser = service.half_signed_in(ALICE).await;
    browser.post("/sign-in/code", &[("code", &codes[0])]).await;
    let used = phone.passcode(service.clock.now());
    let mut browser = service.half_signed_in(ALICE).await;
    let mut said = Vec::new();
    for code in [
        "",
        "letters",
        &service.wrong(&phone),
        "0000 0000",
        &codes[0],
        &used,
        "１２３",
        &"1".repeat(300),
    ] {
        said.push(
            browser
                .post_and_follow("/sign-in/code", &[("code", code)])
                .await
                .problem(),
        );
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

async fn a_code_may_have_blanks_and_hyphens(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    let passcode = service.next(&phone);
    let (front, back) = passcode.split_at(3);
    for code in [
        format!(" {front} {back} "),
        codes[0].replace(' ', ""),
        codes[1].replace(' ', "-"),
        codes[2].clone(),
    ] {
        let mut browser = service.half_signed_in(ALICE).await;
        let page = browser.post("/sign-in/code", &[("code", &code)]).await;
        assert_eq!(page.location(), "/account", "{code}");
    }
}

/// How many of several browsers get in with one code, all at once.
async fn race(service: &Service, code: &str) -> usize {
    let mut browsers: Vec<Browser> = Vec::new();
    for _ in 0..8 {
        browsers.push(service.half_signed_in(ALICE).await);
    }
    let tries: Vec<_> = browsers
        .into_iter()
        .map(|mut browser| {
            let code = code.to_owned();
            tokio::spawn(async move {
                let answer = browser.post("/sign-in/code", &[("code", &code)]).await;
                let accepted = answer.location() == "/account";
                assert_eq!(browser.is_in().await, accepted);
                accepted
            })
        })
        .collect();
    let mut let_in = 0;
    for one in tries {
        let_in += usize::from(one.await.unwrap());
    }
    let_in
}

async fn one_code_in_many_browsers_lets_one_in(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let code = service.next(&phone);
    assert_eq!(race(&service, &code).await, 1);
}

async fn one_backup_code_in_many_browsers_lets_one_in(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    assert_eq!(race(&service, &codes[4]).await, 1);
}

async fn wrong_codes_are_throttled_and_the_page_counts_down(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.half_signed_in(ALICE).await;
    let wrong = service.wrong(&phone);
    for _ in 0..5 {
        browser.post("/sign-in/code", &[("code", &wrong)]).await;
    }
    let page = browser.get("/sign-in/code").await;
    page.must_have("data-seconds=\"30\"");
    assert!(!page.has("name=\"code\""));
    // A right code is not looked at, in any browser, and costs nothing.
    let mut other = service.half_signed_in(ALICE).await;
    service.wait(29);
    let right = phone.passcode(service.clock.now().saturating_add(30));
    let page = other
        .post_and_follow("/sign-in/code", &[("code", &right)])
        .await;
    page.must_have("data-seconds=\"1\"");
    service.wait(1);
    let page = other.post("/sign-in/code", &[("code", &right)]).await;
    assert_eq!(page.location(), "/account");
}

/// A failure a day for a hundred days, within the long-term budget.
#[tokio::test]
async fn a_locked_account_says_so() {
    let service = Service::on_sqlite().await;
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.half_signed_in(ALICE).await;
    for day in 0..100 {
        let page = browser.get("/sign-in/code").await;
        assert!(page.has("name=\"code\""), "{day}");
        let wrong = service.wrong(&phone);
        browser.post("/sign-in/code", &[("code", &wrong)]).await;
        service.wait(24 * 60 * 60);
        browser = service.half_signed_in(ALICE).await;
    }
    let page = browser.get("/sign-in/code").await;
    page.must_have("your second factor is locked");
    assert!(!page.has("name=\"code\""));
    let code = service.next(&phone);
    assert_eq!(
        browser
            .post("/sign-in/code", &[("code", &code)])
            .await
            .location(),
        "/sign-in/code"
    );
}

async fn a_spent_budget_says_so(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    for _ in 0..20 {
        let mut browser = service.half_signed_in(ALICE).await;
        let wrong = service.wrong(&phone);
        browser.post("/sign-in/code", &[("code", &wrong)]).await;
        service.wait(3_600);
    }
    let page = service
        .half_signed_in(ALICE)
        .await
        .get("/sign-in/code")
        .await;
    page.must_have("4 hours");
    assert!(!page.has("name=\"code\""));
}

async fn a_browser_that_goes_away_loses_no_verdict(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    let browser = service.half_signed_in(ALICE).await;
    let mut request = browser.form("/sign-in/code", &[("code", &codes[0])]);
    browser.add_cookie(&mut request);
    let handler = {
        use tower::ServiceExt;
        tokio::spawn(service.router.clone().oneshot(request))
    };
    // Gone as soon as the attempt is on record, which is before the slow digest.
    while service
        .count("SELECT count(*) FROM events WHERE what = 'backup-code-tried'")
        .await
        == 0
    {
        tokio::task::yield_now().await;
    }
    handler.abort();
    service
        .tells(ALICE, "A backup code was used to sign in")
        .await;
    let mut other = service.half_signed_in(ALICE).await;
    let page = other
        .post_and_follow("/sign-in/code", &[("code", &codes[0])])
        .await;
    page.must_have("not accepted");
}

async fn a_lost_record_does_not_open_the_door(service: Service) {
    service.enrolled(ALICE).await;
    service.execute("DELETE FROM countersign").await;
    let mut browser = service.browser();
    let page = browser.give_password(ALICE, PASSWORD).await;
    assert_eq!(page.status, 503);
    page.must_have("lost or out of date");
    assert!(!browser.is_in().await);
}

/// A second factor is switched on between the look at the user and the sign-in: as soon as the password was right.
#[tokio::test]
async fn a_password_alone_does_not_outrun_an_enrollment() {
    let service = Service::on_sqlite().await;
    service.newcomer(ALICE).await;
    let outrun = "CREATE TRIGGER outrun AFTER DELETE ON password_tries BEGIN UPDATE users SET enrolled = 1; END";
    service.execute(outrun).await;
    let mut browser = service.browser();
    let answer = browser.give_password(ALICE, PASSWORD).await;
    assert_eq!(answer.location(), "/sign-in");
    browser
        .get("/sign-in")
        .await
        .must_have("has just been changed");
    assert!(!browser.is_in().await);
    assert_eq!(service.count("SELECT count(*) FROM sign_ins").await, 1);
}

async fn a_session_that_is_signed_in_already_goes_on(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.signed_in(ALICE, &phone).await;
    // A second click, or the back button.
    let code = service.next(&phone);
    for page in [
        browser.post("/sign-in/code", &[("code", &code)]).await,
        browser.get("/sign-in/code").await,
        browser.get("/sign-in").await,
    ] {
        assert_eq!(page.location(), "/account");
    }
    // Nothing was used up by it.
    let mut other = service.half_signed_in(ALICE).await;
    assert_eq!(
        other
            .post("/sign-in/code", &[("code", &code)])
            .await
            .location(),
        "/account"
    );
}

async fn the_sign_in_stands_or_falls_with_the_code(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let sign_ins = "SELECT count(*) FROM sign_ins";
    assert_eq!(service.count(sign_ins).await, 1);
    let mut browser = service.half_signed_in(ALICE).await;
    let wrong = service.wrong(&phone);
    browser.post("/sign-in/code", &[("code", &wrong)]).await;
    assert_eq!(service.count(sign_ins).await, 1);
    // A host's row that cannot be written takes the accepted code with it: nothing is used up.
    let broken = match &service.database {
        countersign_web::Database::Sqlite(_) => {
            "CREATE TRIGGER broken BEFORE INSERT ON sign_ins BEGIN SELECT RAISE(ABORT, 'broken'); END"
        }
        countersign_web::Database::Postgres(_) => {
            "ALTER TABLE sign_ins ADD CONSTRAINT broken CHECK (false) NOT VALID"
        }
    };
    service.execute(broken).await;
    let code = service.next(&phone);
    let answer = browser.post("/sign-in/code", &[("code", &code)]).await;
    assert_eq!(answer.status, 500);
    assert!(!browser.is_in().await);
    service
        .execute(match &service.database {
            countersign_web::Database::Sqlite(_) => "DROP TRIGGER broken",
            countersign_web::Database::Postgres(_) => "ALTER TABLE sign_ins DROP CONSTRAINT broken",
        })
        .await;
    let mut browser = service.half_signed_in(ALICE).await;
    assert_eq!(
        browser
            .post("/sign-in/code", &[("code", &code)])
            .await
            .location(),
        "/account"
    );
    assert_eq!(service.count(sign_ins).await, 2);
}
