//! Guesses on many accounts: the code page asks for codes in a row.

use crate::browser::Browser;
use crate::support::{ALICE, Service, in_both_formats};

in_both_formats! {
    under_alarm_one_passcode_is_not_enough,
    under_alarm_a_backup_code_is_enough,
    under_alarm_a_limit_answers_first,
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
