//! Guesses on many accounts: the code page asks for codes in a row.

use crate::browser::Browser;
use crate::support::{ALICE, BOB, Service, in_both_formats};

in_both_formats! {
    under_alarm_one_passcode_is_not_enough,
    under_alarm_a_backup_code_is_enough,
    under_alarm_a_limit_answers_first,
    under_alarm_a_known_browser_needs_one_passcode,
}

const CODE: &str = "/two-factor/code";
const CODES: &str = "/two-factor/codes";

/// A browser after the password, at a service under alarm.
async fn half_signed_in(service: &Service) -> Browser {
    service.raise_alarm().await;
    let mut browser = service.browser();
    browser.password(ALICE).await.leads_to(CODE);
    browser
}

async fn under_alarm_one_passcode_is_not_enough(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = half_signed_in(&service).await;
    let right = service.next(&phone);
    let answer = browser.fill(CODE, &[("code", &right)]).await;
    answer.refused(422, "codes-needed", CODES);
    assert!(!browser.is_signed_in().await);

    let at = |step: u64| phone.passcode(service.clock.now().saturating_add(30 * step));
    let row = [at(1), at(2), at(3)];
    let row = [
        ("code_1", row[0].as_str()),
        ("code_2", row[1].as_str()),
        ("code_3", row[2].as_str()),
    ];
    browser.fill(CODES, &row).await.leads_to("/");
    assert!(browser.is_signed_in().await);

    // The next day.
    service.wait(86_400);
    let code = service.next(&phone);
    service.with_code(ALICE, &code).await;
}

async fn under_alarm_a_backup_code_is_enough(service: Service) {
    let (mut owner, _) = service.enrolled(ALICE).await;
    let page = owner.fill("/two-factor/backup-codes", &[]).await;
    let code = page.line("codes").split(',').next().unwrap().to_owned();
    let mut browser = half_signed_in(&service).await;
    browser.fill(CODE, &[("code", &code)]).await.leads_to("/");
    assert!(browser.is_signed_in().await);
}

async fn under_alarm_a_limit_answers_first(service: Service) {
    service.enrolled(ALICE).await;
    let mut browser = service.browser();
    browser.password(ALICE).await;
    for _ in 0..5 {
        browser.fill(CODE, &[("code", "000000")]).await;
    }
    service.raise_alarm().await;
    let answer = browser.fill(CODE, &[("code", "000000")]).await;
    answer.refused(429, "too-many-codes", CODE);
}

async fn under_alarm_a_known_browser_needs_one_passcode(service: Service) {
    let service = service.remembering();
    let (mut known, phone) = service.enrolled(ALICE).await;
    known.post("/two-factor/sign-out", &[]).await;
    let mut stranger = half_signed_in(&service).await;
    let code = service.next(&phone);
    assert_eq!(stranger.get(CODE).await.line("in a row"), "Some(3)");
    let answer = stranger.fill(CODE, &[("code", &code)]).await;
    answer.refused(422, "codes-needed", CODES);

    known.password(ALICE).await.leads_to(CODE);
    assert_eq!(known.get(CODE).await.line("in a row"), "None");
    known.fill(CODE, &[("code", &code)]).await.leads_to("/");
    assert!(known.is_signed_in().await);

    // The cookie of another account's browser helps nobody.
    let (_, other) = service.enrolled(BOB).await;
    let mut thief = service.browser();
    thief.device.clone_from(&known.device);
    thief.password(BOB).await.leads_to(CODE);
    let code = service.next(&other);
    let answer = thief.fill(CODE, &[("code", &code)]).await;
    answer.refused(422, "codes-needed", CODES);
}
