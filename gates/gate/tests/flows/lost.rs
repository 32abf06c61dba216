//! The flows around a lost phone, as the guide describes them.

use countersign::AccountId;
use countersign::session::{FactorFlag, Requirement};
use countersign::testing::Phone;
use countersign_gate::What;

use crate::browser::Browser;
use crate::support::{ALICE, Service, in_both_formats, staff};

const APP: &str = "Authenticator app";
const CODES: &str = "/two-factor/backup-codes";

in_both_formats! {
    a_backup_code_moves_the_account_to_a_new_phone,
    the_last_backup_code_still_moves_the_account,
    without_phone_and_codes_only_the_staff_helps,
    after_a_reset_the_owner_must_enroll,
    a_new_phone_replaces_one_that_works,
    two_people_share_an_account,
}

async fn issue_codes(browser: &mut Browser) -> Vec<String> {
    let page = browser.fill(CODES, &[]).await;
    let codes = page.line("codes").split(',').map(str::to_owned);
    let codes: Vec<String> = codes.collect();
    assert_eq!(codes.len(), 10, "{page:?}");
    browser.post("/two-factor/backup-codes/saved", &[]).await;
    codes
}

/// Moves the account to a new phone. Asks for neither a password nor a second code.
async fn move_to_new_phone(service: &Service, browser: &mut Browser) -> Phone {
    let id = service.id(ALICE, APP).await;
    let path = format!("/two-factor/authenticators/{id}/replace");
    assert_eq!(browser.get(&path).await.line("asks"), "false false");
    let setup = browser.post(&path, &[]).await;
    service.confirm(browser, &setup.next).await
}

async fn a_backup_code_moves_the_account_to_a_new_phone(service: Service) {
    let (mut owner, old) = service.enrolled(ALICE).await;
    let codes = issue_codes(&mut owner).await;
    service.wait(86_400);
    service.accounts.notices();
    let mut browser = service.with_code(ALICE, &codes[0]).await;
    let used = What::BackupCodeUsed {
        number: 1,
        remaining: 9,
    };
    assert_eq!(service.accounts.notices().pop(), Some(used));
    let mut finder = service.with_code(ALICE, &service.next(&old)).await;
    service.accounts.notices();

    let new = move_to_new_phone(&service, &mut browser).await;
    let name = APP.to_owned();
    assert_eq!(service.accounts.notices(), [What::Replaced { name }]);
    assert!(browser.is_signed_in().await);
    // The lost phone opens nothing any more, and what it opened is shut.
    assert!(!finder.is_signed_in().await);
    finder.password(ALICE).await.leads_to("/two-factor/code");
    let code = service.next(&old);
    let answer = finder.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(422, "code-not-accepted", "/two-factor/code");
    service.with_code(ALICE, &service.next(&new)).await;
}

async fn the_last_backup_code_still_moves_the_account(service: Service) {
    let (mut owner, _) = service.enrolled(ALICE).await;
    let codes = issue_codes(&mut owner).await;
    let (last, others) = codes.split_last().unwrap();
    for code in others {
        service.with_code(ALICE, code).await;
    }
    service.accounts.notices();
    let mut browser = service.with_code(ALICE, last).await;
    let used = What::BackupCodeUsed {
        number: 10,
        remaining: 0,
    };
    assert_eq!(service.accounts.notices().pop(), Some(used));
    let mut other = service.browser();
    other.password(ALICE).await;
    let answer = other.fill("/two-factor/code", &[("code", last)]).await;
    answer.refused(422, "code-not-accepted", "/two-factor/code");
    move_to_new_phone(&service, &mut browser).await;
    // The same sign-in is enough for new codes, which replace the used ones.
    assert_eq!(browser.get(CODES).await.line("asks"), "false false");
    let codes = issue_codes(&mut browser).await;
    service.with_code(ALICE, &codes[0]).await;
}

/// The staff has checked who is asking.
async fn reset(service: &Service) {
    let alice = AccountId::new(ALICE).unwrap();
    service.gate.force_disable(&alice, &staff()).await.unwrap();
}

async fn without_phone_and_codes_only_the_staff_helps(service: Service) {
    service.enrolled(ALICE).await;
    let mut owner = service.browser();
    owner.password(ALICE).await.leads_to("/two-factor/code");
    let id = service.id(ALICE, APP).await;
    let replace = format!("authenticators/{id}/replace");
    let remove = format!("authenticators/{id}/remove");
    let pages = [
        "",
        "setup",
        "add",
        "disable",
        "backup-codes",
        "prove",
        &replace,
        &remove,
    ];
    for page in pages {
        let path = format!("/two-factor/{page}");
        let answer = owner.get(path.trim_end_matches('/')).await;
        assert_eq!(answer.next, "/two-factor/code", "{path}");
    }
    assert!(!owner.is_signed_in().await);
    assert!(service.is_enabled(ALICE).await);
    reset(&service).await;
    service.signed_in(ALICE).await;
}

async fn after_a_reset_the_owner_must_enroll(service: Service) {
    let (mut owner, lost) = service.enrolled(ALICE).await;
    let codes = issue_codes(&mut owner).await;
    let mut finder = service.with_code(ALICE, &service.next(&lost)).await;
    service.accounts.require(Requirement::Required);
    service.accounts.notices();
    reset(&service).await;
    assert_eq!(service.accounts.notices(), [What::Disabled]);
    assert_eq!(service.flag(ALICE).await, FactorFlag::Off);
    assert!(!owner.is_signed_in().await);
    assert!(!finder.is_signed_in().await);

    // The password alone reaches nothing but the enrollment.
    owner.password(ALICE).await.leads_to("/two-factor/setup");
    assert!(!owner.is_signed_in().await);
    for old in [&service.next(&lost), &codes[0]] {
        owner.post("/two-factor/code", &[("code", old)]).await;
        assert!(!owner.is_signed_in().await);
    }
    owner.get("/two-factor/setup").await;
    let setup = owner.post("/two-factor/setup", &[]).await;
    let new = service.confirm(&mut owner, &setup.next).await;
    assert!(owner.is_signed_in().await);
    service.with_code(ALICE, &service.next(&new)).await;
    let mut other = service.browser();
    other.password(ALICE).await;
    for old in [&service.next(&lost), &codes[0]] {
        let answer = other.fill("/two-factor/code", &[("code", old)]).await;
        answer.refused(422, "code-not-accepted", "/two-factor/code");
    }
}

async fn a_new_phone_replaces_one_that_works(service: Service) {
    let (_, old) = service.enrolled(ALICE).await;
    let mut owner = service.with_code(ALICE, &service.next(&old)).await;
    let id = service.id(ALICE, APP).await;
    let path = format!("/two-factor/authenticators/{id}/replace");
    // The scan does not work, and the owner cancels.
    owner.get(&path).await;
    let setup = owner.post(&path, &[]).await;
    owner.get(&setup.next).await;
    let cancel = format!("{}/cancel", setup.next);
    owner.post(&cancel, &[]).await.leads_to("/two-factor");
    assert_eq!(service.id(ALICE, APP).await, id);
    service.with_code(ALICE, &service.next(&old)).await;

    let new = move_to_new_phone(&service, &mut owner).await;
    assert_eq!(service.names(ALICE).await, [APP]);
    service.with_code(ALICE, &service.next(&new)).await;
    let mut other = service.browser();
    other.password(ALICE).await;
    let code = service.next(&old);
    let answer = other.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(422, "code-not-accepted", "/two-factor/code");
}

async fn two_people_share_an_account(service: Service) {
    let (mut first, ann) = service.enrolled(ALICE).await;
    let fields = [("name", "Bea's phone")];
    first.get("/two-factor/add").await;
    let setup = first.post("/two-factor/add", &fields).await;
    let bea = service.confirm(&mut first, &setup.next).await;
    let mut second = service.with_code(ALICE, &service.next(&bea)).await;
    // Ann loses her phone. Bea removes it from the account.
    service.wait(601);
    let id = service.id(ALICE, APP).await;
    let path = format!("/two-factor/authenticators/{id}/remove");
    assert_eq!(second.get(&path).await.line("asks"), "false true");
    let code = service.next(&bea);
    let proof = [("code", code.as_str())];
    second.post(&path, &proof).await.leads_to("/two-factor");
    assert_eq!(service.names(ALICE).await, ["Bea's phone"]);
    let mut finder = service.browser();
    finder.password(ALICE).await;
    let code = service.next(&ann);
    let answer = finder.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(422, "code-not-accepted", "/two-factor/code");
    service.with_code(ALICE, &service.next(&bea)).await;
}
