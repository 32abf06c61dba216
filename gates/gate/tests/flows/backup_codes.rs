use countersign_gate::What;

use crate::browser::{Answer, Browser};
use crate::support::{ALICE, PASSWORD, Service, in_both_formats};

const PATH: &str = "/two-factor/backup-codes";

in_both_formats! {
    a_reload_issues_nothing,
    a_repeat_at_the_same_time_issues_once,
    the_file_is_the_one_that_was_shown,
    earlier_codes_end_when_the_new_ones_are_saved,
    discarded_codes_do_not_work,
    the_page_of_a_replaced_set_confirms_nothing,
    a_used_code_confirms_its_set,
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
    assert_eq!(issued.line("earlier"), "none");
    let first = What::BackupCodesIssued { pending: false };
    assert_eq!(service.accounts.notices(), [first]);
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
    let (saved, set) = (format!("{PATH}/saved"), page.line("set"));
    for _ in 0..2 {
        let answer = browser.post(&saved, &[("set", set)]).await;
        answer.leads_to("/two-factor");
        assert!(!browser.get("/two-factor").await.line("notice").is_empty());
    }
    assert_eq!(browser.post(&path, &[("text", file)]).await.status, 410);
}

/// A user with ten codes and ten newer ones, and the pages of both.
async fn with_two_sets(service: &Service) -> (Browser, [Answer; 2]) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let first = browser.fill(PATH, &[]).await;
    let second = browser.fill(PATH, &[]).await;
    assert_eq!(
        (first.line("earlier"), second.line("earlier")),
        ("none", "valid")
    );
    let notices = service.accounts.notices();
    assert!(notices.ends_with(&[
        What::BackupCodesIssued { pending: false },
        What::BackupCodesIssued { pending: true },
    ]));
    (browser, [first, second])
}

fn code_of(page: &Answer, number: usize) -> &str {
    page.line("codes").split(',').nth(number).unwrap()
}

async fn earlier_codes_end_when_the_new_ones_are_saved(service: Service) {
    let (mut browser, [first, second]) = with_two_sets(&service).await;
    service.with_code(ALICE, code_of(&first, 0)).await;
    service.accounts.notices();
    let (saved, set) = (format!("{PATH}/saved"), second.line("set"));
    for notices in [&[What::BackupCodesConfirmed][..], &[]] {
        let answer = browser.post(&saved, &[("set", set)]).await;
        answer.leads_to("/two-factor");
        assert_eq!(service.accounts.notices(), notices);
    }
    assert!(!service.accepts(ALICE, code_of(&first, 1)).await);
    service.with_code(ALICE, code_of(&second, 0)).await;
}

async fn discarded_codes_do_not_work(service: Service) {
    let (mut browser, [first, second]) = with_two_sets(&service).await;
    let discard = format!("{PATH}/discard");
    let set = [("set", second.line("set"))];
    browser.post(&discard, &set).await.leads_to("/two-factor");
    assert_eq!(service.accounts.notices(), [What::BackupCodesDiscarded]);
    for path in [discard, format!("{PATH}/saved")] {
        let again = browser.post(&path, &set).await;
        again.refused(409, "no-pending-codes", "/two-factor");
    }
    assert!(!service.accepts(ALICE, code_of(&second, 0)).await);
    service.with_code(ALICE, code_of(&first, 0)).await;
}

async fn the_page_of_a_replaced_set_confirms_nothing(service: Service) {
    let (mut browser, [first, second]) = with_two_sets(&service).await;
    let third = browser.fill(PATH, &[]).await;
    let saved = format!("{PATH}/saved");
    let set = [("set", second.line("set"))];
    let answer = browser.post(&saved, &set).await;
    answer.refused(409, "no-pending-codes", "/two-factor");
    let set = [("set", first.line("set"))];
    browser.post(&saved, &set).await.leads_to("/two-factor");
    service.with_code(ALICE, code_of(&first, 0)).await;
    service.with_code(ALICE, code_of(&third, 0)).await;
}

async fn a_used_code_confirms_its_set(service: Service) {
    let (mut browser, [first, second]) = with_two_sets(&service).await;
    service.with_code(ALICE, code_of(&second, 0)).await;
    assert!(!service.accepts(ALICE, code_of(&first, 0)).await);
    let set = [("set", second.line("set"))];
    let saved = format!("{PATH}/saved");
    browser.post(&saved, &set).await.leads_to("/two-factor");
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
