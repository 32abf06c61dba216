use countersign_gate::What;

use crate::support::{ALICE, PASSWORD, Service, in_both_formats};

const PATH: &str = "/two-factor/backup-codes";

in_both_formats! {
    a_reload_issues_nothing,
    a_repeat_at_the_same_time_issues_once,
    the_file_is_the_one_that_was_shown,
    an_old_password_check_is_asked_again,
    without_factor_there_are_no_codes,
}

async fn a_reload_issues_nothing(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.accounts.notices();
    let page = browser.get(PATH).await;
    let once = page.line("once").to_owned();
    let issued = browser.post(PATH, &[("once", &once)]).await;
    assert_eq!(issued.status, 200, "{issued:?}");
    let code = issued.line("codes").split(',').next().unwrap().to_owned();
    for once in [once.as_str(), "", "other"] {
        let again = browser.post(PATH, &[("once", once)]).await;
        again.refused(409, "codes-shown-before", PATH);
    }
    assert_eq!(service.accounts.notices(), [What::BackupCodesIssued]);
    service.with_code(ALICE, &code).await;
    service.wait(1);
    let more = browser.fill(PATH, &[]).await;
    assert_eq!(more.line("codes").split(',').count(), 10, "{more:?}");
    drop(phone);
}

async fn a_repeat_at_the_same_time_issues_once(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let page = browser.get(PATH).await;
    let once = page.line("once").to_owned();
    let form = browser.form(PATH, &[("once", &once)]);
    let (one, other) = (
        browser.handle(form.clone()).await,
        browser.handle(form).await,
    );
    let issued = [one, other]
        .into_iter()
        .filter(|answer| answer.status == 200);
    assert_eq!(issued.count(), 1);
}

async fn the_file_is_the_one_that_was_shown(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let page = browser.fill(PATH, &[]).await;
    let (_, file) = page.body.split_once("file:\n").unwrap();
    let path = format!("{PATH}/file");
    for text in [file.to_owned(), file.replace("\r\n", "\n")] {
        let answer = browser.post(&path, &[("text", &text)]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, file));
    }
    let other = file.replace('1', "2");
    assert_eq!(browser.post(&path, &[("text", &other)]).await.status, 410);
    let saved = format!("{PATH}/saved");
    for _ in 0..2 {
        browser.post(&saved, &[]).await.leads_to("/two-factor");
        assert!(!browser.get("/two-factor").await.line("notice").is_empty());
    }
    assert_eq!(browser.post(&path, &[("text", file)]).await.status, 410);
}

async fn an_old_password_check_is_asked_again(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.wait(601);
    assert_eq!(browser.get(PATH).await.line("asks"), "true true");
    let code = service.next(&phone);
    let answer = browser.fill(PATH, &[("code", &code)]).await;
    answer.refused(422, "password-missing", PATH);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let page = browser.fill(PATH, &fields).await;
    assert_eq!(page.line("codes").split(',').count(), 10, "{page:?}");
}

async fn without_factor_there_are_no_codes(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    browser.get(PATH).await.leads_to("/two-factor");
    browser
        .post(PATH, &[("password", PASSWORD)])
        .await
        .leads_to("/two-factor");
}
