use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    the_file_has_the_codes_and_the_right_name,
    codes_are_shown_once,
    the_form_works_once,
    each_code_works_once_and_is_listed_as_used,
    a_used_code_of_a_new_set_ends_the_old_set,
    a_saved_set_ends_the_old_set,
    new_codes_need_password_and_recent_receipt,
    backup_codes_need_a_second_factor,
}

const PATH: &str = "/two-factor/backup-codes";
const FILE: &str = "/two-factor/backup-codes/file";

async fn the_file_has_the_codes_and_the_right_name(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    browser.get(PATH).await;
    let page = browser.post_all(PATH, &[("password", PASSWORD)]).await;
    // The text in the HTML, and as a browser sends it.
    let shown = page.hidden("text").replace("\r\n", "\n");
    let text = shown.replace('\n', "\r\n");
    let file = browser.post(FILE, &[("text", &text)]).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(
        file.headers[CONTENT_DISPOSITION],
        "attachment; filename=\"example-backup-codes.txt\""
    );
    assert_eq!(file.body, text);
    let same = browser.post(FILE, &[("text", &shown)]).await;
    assert_eq!(same.body, text);
    let codes = page.codes();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| file.has(code)));
    file.must_have("Made on 15 January 2027");
    assert_eq!(service.last_subject(ALICE), "You have new backup codes");

    // No other text becomes a file.
    let forged = text.replacen(&codes[0], "0000 0000", 1);
    assert_eq!(browser.post(FILE, &[("text", &forged)]).await.status, 410);
    assert_eq!(browser.post(FILE, &[]).await.status, 400);
}

async fn codes_are_shown_once(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    browser.get(PATH).await;
    let page = browser.post_all(PATH, &[("password", PASSWORD)]).await;
    let (text, codes, set) = (page.hidden("text"), page.codes(), page.hidden("set"));
    let account = browser
        .post_and_follow("/two-factor/backup-codes/saved", &[("set", &set)])
        .await;
    account.must_have("10 of 10 left");
    assert_eq!(browser.post(FILE, &[("text", &text)]).await.status, 410);
    for path in ["/account", "/two-factor", PATH] {
        let page = browser.get(path).await;
        assert!(
            codes
                .iter()
                .all(|code| !page.has(code) && !page.has(&code.replace(' ', "")))
        );
    }
}

async fn the_form_works_once(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    browser.get(PATH).await;
    let mut again = browser.clone();
    let codes = browser
        .post_all(PATH, &[("password", PASSWORD)])
        .await
        .codes();
    // A reload of the page with the codes.
    let answer = again.post_all(PATH, &[("password", PASSWORD)]).await;
    assert_eq!(answer.location(), PATH);
    again.get(PATH).await.must_have("are shown once");
    let mut other = service.partially_signed_in(ALICE).await;
    let answer = other.give_code(&codes[9]).await;
    assert_eq!(answer.location(), "/account");
}

async fn each_code_works_once_and_is_listed_as_used(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    service.wait(3_600);
    for (used, code) in codes.iter().enumerate() {
        let mut browser = service.partially_signed_in(ALICE).await;
        let page = browser.give_code_and_follow(code).await;
        page.must_have("Signed in with a password and a backup code");
        page.must_have(&format!("Backup code {} was used", used + 1));
        page.must_have(&format!(
            "You have signed in with backup code {}.",
            used + 1
        ));
        let again = browser.get("/account").await;
        assert!(
            !again.has("You have signed in with"),
            "the message comes once"
        );
        let left = 9 - used;
        let warned = page.has("Only") || page.has("You have used all");
        assert_eq!(warned, left <= 3, "{left}");
        let page = browser.get("/two-factor").await;
        page.must_have(&format!("{left} of 10 left"));
        let used_at = "used <time datetime=\"2027-01-15T09:00:00Z\"";
        let listed = page.body.split("id=\"cs-backup-codes\"").nth(1).unwrap();
        assert_eq!(listed.matches(&format!(">{used_at}")).count(), used + 1);
        let mut other = service.partially_signed_in(ALICE).await;
        let page = other.give_code_and_follow(code).await;
        page.must_have("not accepted");
    }
}

async fn a_used_code_of_a_new_set_ends_the_old_set(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let old = service.codes(&mut browser).await;
    let new = service.codes(&mut browser).await;
    for code in [&old[0], &new[0]] {
        let mut other = service.partially_signed_in(ALICE).await;
        assert_eq!(other.give_code(code).await.location(), "/account");
    }
    let mut other = service.partially_signed_in(ALICE).await;
    let page = other.give_code_and_follow(&old[1]).await;
    page.must_have("not accepted");
}

async fn a_saved_set_ends_the_old_set(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let old = service.codes(&mut browser).await;
    service.codes(&mut browser).await;
    let page = browser.get("/account").await;
    page.must_have("Your earlier codes work until you do");
    let page = browser.get("/two-factor").await;
    page.must_have("Your earlier codes work until you say");
    let set = page.hidden("set");
    let saved = "/two-factor/backup-codes/saved";
    let page = browser.post_and_follow(saved, &[("set", &set)]).await;
    assert!(!page.has("Your earlier codes work until you say"));
    assert_eq!(
        service.last_subject(ALICE),
        "Your new backup codes are saved"
    );
    let mut other = service.partially_signed_in(ALICE).await;
    let page = other.give_code_and_follow(&old[0]).await;
    page.must_have("not accepted");
}

async fn new_codes_need_password_and_recent_receipt(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    // The password was checked just now, so nobody is asked for it again.
    let page = browser.get(PATH).await;
    assert!(!page.has("name=\"password\"") && !page.has("name=\"code\""));
    let answer = browser.post_all(PATH, &[("password", "wrong")]).await;
    assert_eq!(answer.location(), PATH);
    browser.get(PATH).await.must_have("not your password");

    service.wait(601);
    browser.get(PATH).await.must_have("name=\"code\"");
    for fields in [
        &[][..],
        &[("password", PASSWORD)],
        &[("code", &service.next(&phone))],
    ] {
        let answer = browser.post_all(PATH, fields).await;
        assert_eq!(answer.location(), PATH);
        browser.get(PATH).await.must_have("name=\"password\"");
    }
    let issued = "SELECT count(*) FROM countersign WHERE codes_left > 0";
    assert_eq!(service.count(issued).await, 0);
    let code = service.next(&phone);
    let page = browser
        .post_all(PATH, &[("password", PASSWORD), ("code", &code)])
        .await;
    assert_eq!(page.codes().len(), 10);
}

async fn backup_codes_need_a_second_factor(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    assert_eq!(browser.get(PATH).await.location(), "/two-factor");
    browser.get("/account").await;
    let answer = browser
        .post(PATH, &[("password", PASSWORD), ("once", "")])
        .await;
    assert_eq!(answer.location(), "/two-factor");
}
