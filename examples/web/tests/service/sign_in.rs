use crate::browser::Browser;
use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    unknown_addresses_and_wrong_passwords_look_alike,
    password_tries_are_limited_for_any_address,
    every_wrong_code_gets_the_same_message,
    a_code_may_contain_blanks_and_hyphens,
    a_passcode_signs_in_one_of_many_browsers,
    a_backup_code_signs_in_one_browser,
    wrong_codes_start_a_countdown,
    a_spent_budget_shows_the_wait,
    a_lost_browser_loses_no_result,
    a_lost_record_signs_nobody_in,
    a_second_sign_in_changes_nothing,
    code_and_sign_in_are_stored_together,
}

async fn unknown_addresses_and_wrong_passwords_look_alike(service: Service) {
    service.signed_up(ALICE).await;
    let mut pages = Vec::new();
    for email in [ALICE, "nobody@example.com"] {
        let mut browser = service.browser();
        let page = browser.give_password(email, "wrong password").await;
        assert_eq!(page.status, 422);
        assert_eq!(page.headers.get("set-cookie"), None);
        pages.push(page.body.replace(email, "ADDRESS"));
    }
    assert_eq!(pages[0], pages[1]);
}

async fn password_tries_are_limited_for_any_address(service: Service) {
    service.signed_up(ALICE).await;
    for email in [ALICE, "nobody@example.com"] {
        let mut browser = service.browser();
        for _ in 0..10 {
            let page = browser.give_password(email, "wrong password").await;
            assert_eq!(page.problem(), "Wrong email address or password.");
        }
        let page = browser.give_password(email, PASSWORD).await;
        assert_eq!(page.status, 429);
        page.must_have("Try again in 15 min");
        assert!(!browser.is_signed_in().await);
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

async fn every_wrong_code_gets_the_same_message(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    browser.give_code(&codes[0]).await;
    let used = phone.passcode(service.clock.now());
    let mut browser = service.partially_signed_in(ALICE).await;
    let mut said = Vec::new();
    for code in [
        "letters",
        &service.wrong(&phone),
        "0000 0000",
        &codes[0],
        &used,
        "１２３",
        &"1".repeat(300),
    ] {
        said.push(browser.give_code_and_follow(code).await.problem());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

async fn a_code_may_contain_blanks_and_hyphens(service: Service) {
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
        let mut browser = service.partially_signed_in(ALICE).await;
        let page = browser.give_code(&code).await;
        assert_eq!(page.location(), "/account", "{code}");
    }
}

/// Returns how many of several browsers sign in with one code at once.
async fn race(service: &Service, code: &str) -> usize {
    let mut browsers: Vec<Browser> = Vec::new();
    for _ in 0..8 {
        browsers.push(service.partially_signed_in(ALICE).await);
    }
    let tries: Vec<_> = browsers
        .into_iter()
        .map(|mut browser| {
            let code = code.to_owned();
            tokio::spawn(async move {
                let answer = browser.give_code(&code).await;
                let accepted = answer.location() == "/account";
                assert_eq!(browser.is_signed_in().await, accepted);
                accepted
            })
        })
        .collect();
    let mut signed_in = 0;
    for one in tries {
        signed_in += usize::from(one.await.unwrap());
    }
    signed_in
}

async fn a_passcode_signs_in_one_of_many_browsers(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let code = service.next(&phone);
    assert_eq!(race(&service, &code).await, 1);
}

async fn a_backup_code_signs_in_one_browser(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    assert_eq!(race(&service, &codes[4]).await, 1);
}

async fn wrong_codes_start_a_countdown(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    service.give_wrong_codes(&mut browser, &phone, 5).await;
    let page = browser.get("/two-factor/code").await;
    page.must_have("data-cs-seconds=\"30\"");
    assert!(!page.has("name=\"code\""));
    // A correct code is not checked in any browser, and not used up.
    let mut other = service.partially_signed_in(ALICE).await;
    service.wait(29);
    let right = phone.passcode(service.clock.now().saturating_add(30));
    let page = other.give_code_and_follow(&right).await;
    page.must_have("data-cs-seconds=\"1\"");
    service.wait(1);
    let page = other.give_code(&right).await;
    assert_eq!(page.location(), "/account");
}

/// One failure in three days, a hundred times, stays within the guess budget.
#[tokio::test]
async fn a_locked_account_shows_the_lock() {
    let service = Service::on_sqlite().await;
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    for failures in 0..100 {
        let page = browser.get("/two-factor/code").await;
        assert!(page.has("name=\"code\""), "{failures}");
        let wrong = service.wrong(&phone);
        browser.give_code(&wrong).await;
        service.wait(3 * 24 * 60 * 60);
        browser = service.partially_signed_in(ALICE).await;
    }
    let page = browser.get("/two-factor/code").await;
    page.must_have("your second factor is locked");
    assert!(!page.has("name=\"code\""));
    let code = service.next(&phone);
    assert_eq!(
        browser.give_code(&code).await.location(),
        "/two-factor/code"
    );
}

async fn a_spent_budget_shows_the_wait(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    for _ in 0..10 {
        let mut browser = service.partially_signed_in(ALICE).await;
        let wrong = service.wrong(&phone);
        browser.give_code(&wrong).await;
        service.wait(3_600);
    }
    let page = service
        .partially_signed_in(ALICE)
        .await
        .get("/two-factor/code")
        .await;
    page.must_have("3 days");
    assert!(!page.has("name=\"code\""));
}

async fn a_lost_browser_loses_no_result(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    let mut browser = service.partially_signed_in(ALICE).await;
    let request = browser.code_form(&codes[0]).await;
    service.disconnect_during_hash(&browser, request).await;
    service
        .wait_for_mail(ALICE, "A backup code was used to sign in")
        .await;
    let mut other = service.partially_signed_in(ALICE).await;
    let page = other.give_code_and_follow(&codes[0]).await;
    page.must_have("not accepted");
}

async fn a_lost_record_signs_nobody_in(service: Service) {
    service.enrolled(ALICE).await;
    service.execute("DELETE FROM countersign").await;
    let mut browser = service.browser();
    let page = browser.give_password(ALICE, PASSWORD).await;
    assert_eq!(page.status, 500);
    page.must_have("is missing or out of date");
    assert!(!browser.is_signed_in().await);
}

/// The trigger enables a second factor just after the password check, before the sign-in.
#[tokio::test]
async fn an_enrollment_stops_a_password_sign_in() {
    let service = Service::on_sqlite().await;
    service.signed_up(ALICE).await;
    let outrun = "CREATE TRIGGER outrun AFTER DELETE ON password_tries BEGIN UPDATE users SET enrolled = 1; END";
    service.execute(outrun).await;
    let mut browser = service.browser();
    let page = browser.give_password(ALICE, PASSWORD).await;
    // There is a flag and no record.
    assert_eq!(page.status, 500);
    assert!(!browser.is_signed_in().await);
    assert_eq!(service.count("SELECT count(*) FROM sign_ins").await, 1);
}

async fn a_second_sign_in_changes_nothing(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.signed_in(ALICE, &phone).await;
    // A second click, or the back button.
    let code = service.next(&phone);
    let fields = [("code", code.as_str())];
    for page in [
        browser.post("/two-factor/code", &fields).await,
        browser.get("/two-factor/code").await,
        browser.get("/sign-in").await,
    ] {
        assert_eq!(page.location(), "/account");
    }
    // The code is still unused.
    let mut other = service.partially_signed_in(ALICE).await;
    assert_eq!(other.give_code(&code).await.location(), "/account");
}

async fn code_and_sign_in_are_stored_together(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let sign_ins = "SELECT count(*) FROM sign_ins";
    assert_eq!(service.count(sign_ins).await, 1);
    let mut browser = service.partially_signed_in(ALICE).await;
    let wrong = service.wrong(&phone);
    browser.give_code(&wrong).await;
    assert_eq!(service.count(sign_ins).await, 1);
    // If the sign-in cannot be inserted, the accepted code is rolled back too, and stays unused.
    let broken = match &service.database {
        countersign_web::Database::Sqlite(_) => {
            "CREATE TRIGGER broken BEFORE INSERT ON sign_ins BEGIN SELECT RAISE(ABORT, 'broken'); END"
        }
        countersign_web::Database::Postgres { .. } => {
            "ALTER TABLE sign_ins ADD CONSTRAINT broken CHECK (false) NOT VALID"
        }
    };
    service.execute(broken).await;
    let code = service.next(&phone);
    let answer = browser.give_code(&code).await;
    assert_eq!(answer.status, 500);
    assert!(!browser.is_signed_in().await);
    service
        .execute(match &service.database {
            countersign_web::Database::Sqlite(_) => "DROP TRIGGER broken",
            countersign_web::Database::Postgres { .. } => {
                "ALTER TABLE sign_ins DROP CONSTRAINT broken"
            }
        })
        .await;
    let mut browser = service.partially_signed_in(ALICE).await;
    assert_eq!(browser.give_code(&code).await.location(), "/account");
    assert_eq!(service.count(sign_ins).await, 2);
}
