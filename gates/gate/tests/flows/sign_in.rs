use countersign::session::{Access, FactorFlag};
use countersign::{AccountId, FirstFactorKind};
use countersign_gate::{SessionChange, What};

use crate::support::{ALICE, BOB, PASSWORD, Service, in_both_formats, staff};

in_both_formats! {
    without_factor_the_password_is_enough,
    with_factor_nothing_opens_before_the_code,
    a_dropped_answer_signs_in_once,
    a_repeat_needs_the_same_code,
    wrong_codes_are_refused_and_told,
    a_repeated_wrong_code_is_told_once,
    a_late_repeat_is_sent_away,
    a_repeat_after_a_disabling_ends_nothing,
    an_anonymous_session_keeps_nothing,
    the_page_hides_the_verifiers_request_id,
    a_limit_makes_the_user_wait,
    a_long_backup_code_does_not_wait,
    a_code_used_ahead_says_why,
    a_backup_code_signs_in_once,
    a_lost_record_lets_nobody_in,
    an_old_id_reaches_nothing,
    sign_ins_end_after_their_lifetimes,
    purged_rows_end_sessions,
    every_first_factor_needs_the_code,
    signing_out_ends_the_sign_in,
}

async fn without_factor_the_password_is_enough(service: Service) {
    let mut browser = service.browser();
    assert!(!browser.is_signed_in().await);
    browser.password(ALICE).await.leads_to("/");
    assert!(browser.is_signed_in().await);
    assert!(matches!(
        service.accounts.notices().as_slice(),
        [What::SignedIn { .. }]
    ));
}

async fn with_factor_nothing_opens_before_the_code(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    let first = browser.password(ALICE).await;
    first.leads_to("/two-factor/code");
    assert!(!browser.is_signed_in().await);
    for page in ["", "/setup", "/add", "/disable", "/backup-codes", "/prove"] {
        let answer = browser.get(&format!("/two-factor{page}")).await;
        assert_eq!(
            (answer.status, answer.next.as_str()),
            (303, "/two-factor/code")
        );
    }
    browser.get("/two-factor/code").await;
    let code = service.next(&phone);
    for page in ["/setup", "/add", "/disable", "/backup-codes", "/prove"] {
        let path = format!("/two-factor{page}");
        browser.post(&path, &[("code", &code)]).await;
        assert!(!browser.is_signed_in().await, "{page}");
    }
    let answer = browser.fill("/two-factor/code", &[("code", &code)]).await;
    answer.leads_to("/");
    assert!(browser.is_signed_in().await);
}

async fn a_dropped_answer_signs_in_once(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let page = browser.get("/two-factor/code").await;
    let code = service.next(&phone);
    let fields = [("code", code.as_str()), ("request", page.line("request"))];
    let form = browser.form("/two-factor/code", &fields);
    let first = browser.send_without_answer(form.clone()).await;
    let SessionChange::Renew { id, .. } = first.change else {
        panic!("{first:?}");
    };
    // The browser still has the old id, and what is left there holds nothing.
    assert!(!browser.clone().is_signed_in().await);
    // Both requests were on their way at the same time: this one has the old session.
    let second = browser.send(form).await;
    second.leads_to("/");
    let SessionChange::Renew { id: again, .. } = second.change else {
        panic!("{second:?}");
    };
    assert_eq!(id, again);
    assert!(browser.is_signed_in().await);
    let signed_in = |what: &What| matches!(what, What::SignedIn { .. });
    let notices = service.accounts.notices();
    // The other one is from before the enrollment.
    assert_eq!(notices.iter().filter(|what| signed_in(what)).count(), 2);
}

async fn a_repeat_needs_the_same_code(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let page = browser.get("/two-factor/code").await;
    let request = page.line("request").to_owned();
    let code = service.next(&phone);
    let fields = [("code", code.as_str()), ("request", request.as_str())];
    let form = browser.form("/two-factor/code", &fields);
    browser.send_without_answer(form).await;
    let wrong = [("code", "000000"), ("request", request.as_str())];
    browser.post("/two-factor/code", &wrong).await;
    assert!(!browser.is_signed_in().await);
    let other = [("code", code.as_str()), ("request", "other")];
    browser.post("/two-factor/code", &other).await;
    assert!(!browser.is_signed_in().await);
}

async fn wrong_codes_are_refused_and_told(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    service.accounts.notices();
    let mut browser = service.browser();
    browser.password(ALICE).await;
    for code in ["000000", "12345", ""] {
        let answer = browser.fill("/two-factor/code", &[("code", code)]).await;
        answer.refused(422, "code-not-accepted", "/two-factor/code");
        assert!(!browser.is_signed_in().await);
    }
    assert_eq!(service.accounts.notices(), [What::WrongCode]);
    let code = service.next(&phone);
    let answer = browser.fill("/two-factor/code", &[("code", &code)]).await;
    answer.leads_to("/");
    let mut other = service.browser();
    other.password(ALICE).await;
    let replayed = other.fill("/two-factor/code", &[("code", &code)]).await;
    replayed.refused(422, "code-not-accepted", "/two-factor/code");
    assert!(!other.is_signed_in().await);
}

async fn a_repeated_wrong_code_is_told_once(service: Service) {
    service.enrolled(ALICE).await;
    service.accounts.notices();
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let page = browser.get("/two-factor/code").await;
    let fields = [("code", "000000"), ("request", page.line("request"))];
    let form = browser.form("/two-factor/code", &fields);
    for _ in 0..3 {
        browser.send(form.clone()).await;
        browser.post("/two-factor/code", &fields).await;
    }
    assert_eq!(service.accounts.notices(), [What::WrongCode]);
    browser
        .fill("/two-factor/code", &[("code", "000000")])
        .await;
    assert_eq!(service.accounts.notices(), [What::WrongCode]);
}

async fn a_late_repeat_is_sent_away(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let page = browser.get("/two-factor/code").await;
    service.wait(565);
    let code = service.next(&phone);
    let fields = [("code", code.as_str()), ("request", page.line("request"))];
    let form = browser.form("/two-factor/code", &fields);
    browser.send_without_answer(form).await.leads_to("/");
    // Now the time for the second factor is over.
    service.wait(10);
    let late = browser.post("/two-factor/code", &fields).await;
    late.refused(401, "sign-in", "/");
    assert_eq!(late.change, SessionChange::Keep);
}

async fn a_repeat_after_a_disabling_ends_nothing(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let page = browser.get("/two-factor/code").await;
    let code = service.next(&phone);
    let fields = [("code", code.as_str()), ("request", page.line("request"))];
    let late = browser.clone();
    let form = browser.form("/two-factor/code", &fields);
    browser.send(form).await.leads_to("/");
    browser.get("/two-factor").await;
    let code = service.next(&phone);
    let both = [("password", PASSWORD), ("code", code.as_str())];
    let disabled = browser.post("/two-factor/disable", &both).await;
    disabled.leads_to("/two-factor");
    // The second click comes late, with the old id.
    let answer = late.clone().post("/two-factor/code", &fields).await;
    assert_eq!(answer.change, SessionChange::Keep, "{answer:?}");
    assert!(browser.is_signed_in().await);
}

async fn an_anonymous_session_keeps_nothing(service: Service) {
    let mut browser = service.signed_in(BOB).await;
    let old = browser.cookie.clone();
    browser.password(ALICE).await.leads_to("/");
    let left = service.sessions.data(old.as_deref());
    assert!(left.is_moved());
    assert!(!left.to_text().contains(ALICE), "{}", left.to_text());
}

async fn the_page_hides_the_verifiers_request_id(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let page = browser.get("/two-factor/code").await;
    let request = page.line("request").to_owned();
    let code = service.next(&phone);
    let fields = [("code", code.as_str()), ("request", request.as_str())];
    browser
        .post("/two-factor/code", &fields)
        .await
        .leads_to("/");
    // Whoever has the verifier's id and the code gets the receipt again.
    let (account, id) = (AccountId::new(ALICE).unwrap(), request.parse().unwrap());
    let again = service.verifier.verify_request(&account, &code, &id).await;
    assert!(again.is_err());
}

async fn a_limit_makes_the_user_wait(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let mut waits = false;
    for _ in 0..20 {
        browser
            .fill("/two-factor/code", &[("code", "000000")])
            .await;
        let page = browser.get("/two-factor/code").await;
        waits |= page.line("wait").contains("Until");
    }
    assert!(waits);
    let code = phone.passcode(service.clock.now());
    let answer = browser.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(429, "too-many-codes", "/two-factor/code");
    assert!(!browser.is_signed_in().await);
}

async fn a_long_backup_code_does_not_wait(service: Service) {
    let service = service.with_long_codes();
    let (mut browser, _) = service.enrolled(ALICE).await;
    let page = browser.fill("/two-factor/backup-codes", &[]).await;
    let code = page.line("codes").split(',').next().unwrap().to_owned();
    let mut other = service.browser();
    other.password(ALICE).await;
    for wrong in 0..4 {
        let page = other.get("/two-factor/code").await;
        let is_locked = wrong == 3;
        assert_eq!(page.line("wait").contains("Locked"), is_locked);
        assert_eq!(page.line("backup code"), is_locked.to_string());
        other.fill("/two-factor/code", &[("code", "000000")]).await;
    }
    let wrong = [("code", "00000 00000 00000 00000 000")];
    let answer = other.fill("/two-factor/code", &wrong).await;
    answer.refused(403, "locked", "/two-factor/code");
    other
        .fill("/two-factor/code", &[("code", &code)])
        .await
        .leads_to("/");
    assert!(other.is_signed_in().await);
}

/// The clock of the phone was nine minutes fast, and is right again.
async fn a_code_used_ahead_says_why(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    service.wait(600);
    let later = [8 * 60, 8 * 60 + 30, 9 * 60];
    let row = later.map(|ahead| phone.passcode(service.clock.now().saturating_add(ahead)));
    let row = row.each_ref().map(String::as_str);
    let account = AccountId::new(ALICE).unwrap();
    let verifier = &service.verifier;
    let _receipt = verifier.verify_consecutive(&account, &row).await.unwrap();
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let code = phone.passcode(service.clock.now());
    let answer = browser.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(429, "codes-used-ahead", "/two-factor/code");
    assert!(!browser.is_signed_in().await);
    service.wait(9 * 60 + 30);
    let code = phone.passcode(service.clock.now());
    let answer = browser.fill("/two-factor/code", &[("code", &code)]).await;
    answer.leads_to("/");
}

async fn a_backup_code_signs_in_once(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let page = browser.fill("/two-factor/backup-codes", &[]).await;
    let code = page.line("codes").split(',').next().unwrap().to_owned();
    service.accounts.notices();
    let mut other = service.with_code(ALICE, &code).await;
    let home = other.get("/two-factor").await;
    assert!(!home.line("notice").is_empty());
    let notices = service.accounts.notices();
    assert!(notices.contains(&What::BackupCodeUsed {
        number: 1,
        remaining: 9
    }));
    let mut third = service.browser();
    third.password(ALICE).await;
    let answer = third.fill("/two-factor/code", &[("code", &code)]).await;
    answer.refused(422, "code-not-accepted", "/two-factor/code");
    assert!(!third.is_signed_in().await);
}

async fn a_lost_record_lets_nobody_in(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let alice = AccountId::new(ALICE).unwrap();
    service.verifier.erase(&alice, &staff()).await.unwrap();
    let mut other = service.browser();
    let answer = other.password(ALICE).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(!other.is_signed_in().await);
    // Nor can a signed-in user enroll over it.
    for path in ["/two-factor", "/two-factor/setup"] {
        assert_eq!(browser.get(path).await.line("page"), "RecordLost");
    }
    browser.post("/two-factor/setup", &[]).await;
    assert!(!service.is_enabled(ALICE).await);
    assert_eq!(service.flag(ALICE).await, FactorFlag::On);
}

async fn an_old_id_reaches_nothing(service: Service) {
    let (browser, phone) = service.enrolled(ALICE).await;
    drop(browser);
    let mut browser = service.browser();
    browser.password(ALICE).await;
    let mut late = browser.clone();
    let code = service.next(&phone);
    browser.fill("/two-factor/code", &[("code", &code)]).await;
    assert!(browser.is_signed_in().await);
    for path in ["/two-factor", "/two-factor/code", "/two-factor/setup"] {
        let answer = late.get(path).await;
        assert_eq!(answer.change, SessionChange::Keep, "{path}");
        assert_eq!(answer.status, 303);
    }
    // It is not sent home, where it would be sent home for ever.
    for path in ["/", "/notes"] {
        let away = late.may_have(path, Access::Full).await.unwrap_err();
        away.refused(401, "sign-in", "/sign-in");
    }
    assert!(!late.is_signed_in().await);
    assert!(browser.is_signed_in().await);
}

async fn sign_ins_end_after_their_lifetimes(service: Service) {
    let mut idle = service.signed_in(ALICE).await;
    service.wait(30 * 60);
    assert!(idle.is_signed_in().await);
    service.wait(30 * 60 + 1);
    assert!(!idle.is_signed_in().await);
    let mut busy = service.signed_in(ALICE).await;
    for _ in 0..24 {
        service.wait(29 * 60);
        assert!(busy.is_signed_in().await);
    }
    service.wait(12 * 60 * 60 - 24 * 29 * 60);
    assert!(busy.is_signed_in().await);
    service.wait(1);
    assert!(!busy.is_signed_in().await);
    let mut half = service.enrolled(ALICE).await.0;
    half.password(ALICE).await.leads_to("/two-factor/code");
    service.wait(601);
    assert_eq!(half.get("/two-factor/code").await.next, "/sign-in");
}

async fn purged_rows_end_sessions(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    service.gate.purge().await.unwrap();
    assert!(browser.is_signed_in().await);
    service.wait(12 * 60 * 60);
    service.gate.purge().await.unwrap();
    assert!(!browser.is_signed_in().await);
}

async fn every_first_factor_needs_the_code(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    for kind in [
        FirstFactorKind::Password,
        FirstFactorKind::Email,
        FirstFactorKind::SingleSignOn,
        FirstFactorKind::Passkey,
        FirstFactorKind::ApiToken,
        FirstFactorKind::RememberedBrowser,
    ] {
        let mut browser = service.browser();
        let first = browser.first_factor(ALICE, kind).await;
        first.leads_to("/two-factor/code");
        assert!(browser.may_have("/", Access::Full).await.is_err());
        let code = service.next(&phone);
        browser.fill("/two-factor/code", &[("code", &code)]).await;
        assert!(browser.is_signed_in().await, "{kind:?}");
    }
}

async fn signing_out_ends_the_sign_in(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let mut copy = browser.clone();
    browser
        .post("/two-factor/sign-out", &[])
        .await
        .leads_to("/sign-in");
    assert_eq!(browser.cookie, None);
    // Neither the old id nor a revived session is worth anything.
    assert!(!copy.is_signed_in().await);
    let answer = copy.get("/two-factor").await;
    assert_eq!(answer.change, SessionChange::Keep);
}
