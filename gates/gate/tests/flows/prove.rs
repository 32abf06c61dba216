use countersign::FirstFactorKind;
use countersign::session::{Access, Freshness};
use countersign_gate::SessionChange;

use crate::support::{ALICE, PASSWORD, Service, in_both_formats, staff};

const FRESH: Access = Access::Fresh(Freshness::minutes(5));
const STRICT: Access = Access::Fresh(Freshness::minutes(5).with_second_factor());

in_both_formats! {
    asking_without_a_second_factor_writes_nothing,
    old_factors_are_asked_for_and_lead_back,
    only_the_old_factor_is_asked_for,
    without_factor_the_password_is_asked_for,
    a_page_can_demand_a_second_factor,
    wrong_factors_do_not_lead_on,
    no_other_site_is_led_to,
    a_program_gets_a_challenge,
    without_password_the_user_signs_in_again,
    a_factor_that_another_session_disabled_is_not_asked_for,
}

async fn old_factors_are_asked_for_and_lead_back(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    assert!(browser.may_have("/transfer?a=1&b=2", FRESH).await.is_ok());
    service.wait(301);
    let refused = browser
        .may_have("/transfer?a=1&b=2", FRESH)
        .await
        .unwrap_err();
    let page = browser.get(&refused.next).await;
    assert_eq!(page.line("asks"), "true true");
    let action = page.line("action").to_owned();
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let old = browser.cookie.clone();
    browser
        .post(&action, &fields)
        .await
        .leads_to("/transfer?a=1&b=2");
    assert_ne!(browser.cookie, old);
    assert!(browser.may_have("/transfer?a=1&b=2", STRICT).await.is_ok());
}

async fn only_the_old_factor_is_asked_for(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.wait(301);
    let refused = browser.may_have("/transfer", FRESH).await.unwrap_err();
    let code = service.next(&phone);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    browser.get(&refused.next).await;
    browser
        .post(&refused.next, &fields)
        .await
        .leads_to("/transfer");
    service.wait(200);
    let path = "/two-factor/prove?to=%2Ftransfer&ask=password";
    let page = browser.get(path).await;
    assert_eq!(page.line("asks"), "true false");
    browser
        .post(path, &[("password", PASSWORD)])
        .await
        .leads_to("/transfer");
    service.wait(200);
    let refused = browser.may_have("/transfer", FRESH).await.unwrap_err();
    let page = browser.get(&refused.next).await;
    assert_eq!(page.line("asks"), "false true");
    let code = service.next(&phone);
    browser
        .post(&refused.next, &[("code", &code)])
        .await
        .leads_to("/transfer");
    assert!(browser.may_have("/transfer", FRESH).await.is_ok());
}

async fn without_factor_the_password_is_asked_for(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    service.wait(301);
    let refused = browser.may_have("/transfer", FRESH).await.unwrap_err();
    let page = browser.get(&refused.next).await;
    assert_eq!(page.line("asks"), "true false");
    let answer = browser.post(&refused.next, &[("password", PASSWORD)]).await;
    answer.leads_to("/transfer");
    assert!(browser.may_have("/transfer", FRESH).await.is_ok());
    let mut token = service.browser();
    token.first_factor(ALICE, FirstFactorKind::ApiToken).await;
    assert!(token.may_have("/transfer", FRESH).await.is_err());
}

async fn a_page_can_demand_a_second_factor(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    let refused = browser.may_have("/transfer", STRICT).await.unwrap_err();
    refused.leads_to("/two-factor/setup");
    let (mut browser, _) = service.enrolled(ALICE).await;
    assert!(browser.may_have("/transfer", STRICT).await.is_ok());
}

async fn wrong_factors_do_not_lead_on(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    service.wait(301);
    let path = "/two-factor/prove?to=%2Ftransfer&ask=both";
    browser.get(path).await;
    let code = service.next(&phone);
    for (password, typed, refused) in [
        ("", code.as_str(), "password-missing"),
        (PASSWORD, "", "code-missing"),
        ("wrong", &code, "wrong-password"),
        (PASSWORD, "000000", "code-not-accepted"),
    ] {
        let fields = [("password", password), ("code", typed)];
        let answer = browser.post(path, &fields).await;
        answer.refused(422, refused, path);
        assert!(browser.may_have("/transfer", FRESH).await.is_err());
    }
}

async fn no_other_site_is_led_to(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    for to in ["https%3A%2F%2Fa", "%2F%2Fa", "%2F%5Ca", "a", "", "%2Fa%0Ab"] {
        let path = format!("/two-factor/prove?to={to}&ask=password");
        browser.get(&path).await;
        let answer = browser.post(&path, &[("password", PASSWORD)]).await;
        answer.leads_to("/");
    }
}

/// RFC 9470.
async fn a_program_gets_a_challenge(service: Service) {
    const TRANSFER: Freshness = Freshness::minutes(5).with_second_factor().with_acr("mfa");
    let (mut browser, _) = service.enrolled(ALICE).await;
    let strict = Access::Fresh(TRANSFER);
    service.wait(301);
    let to_page = browser.may_have("/transfer", strict).await.unwrap_err();
    assert_eq!((to_page.status, to_page.challenge.as_str()), (303, ""));
    browser.headers.accept = Some("application/json".to_owned());
    let refused = browser.may_have("/transfer", strict).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (401, "step-up"));
    assert_eq!(refused.challenge, TRANSFER.challenge());
    let half = service.browser().may_have("/transfer", strict).await;
    assert_eq!(half.unwrap_err().challenge, "", "nobody is signed in");
}

async fn without_password_the_user_signs_in_again(service: Service) {
    service.accounts.drop_passwords();
    let mut browser = service.browser();
    browser.first_factor(ALICE, FirstFactorKind::Email).await;
    service.wait(301);
    let refused = browser.may_have("/transfer", FRESH).await.unwrap_err();
    assert_eq!(browser.get(&refused.next).await.next, "/sign-in");
}

async fn a_factor_that_another_session_disabled_is_not_asked_for(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    let alice = countersign::AccountId::new(ALICE).unwrap();
    service
        .verifier
        .force_disable(&alice, &staff())
        .await
        .unwrap();
    let off = countersign::session::FactorFlag::Off;
    countersign_gate::SignInRows::set_flag(&service.rows, &alice, off)
        .await
        .unwrap();
    service.wait(301);
    let path = "/two-factor/prove?to=%2Ftransfer&ask=both";
    let page = browser.get(path).await;
    assert_eq!(page.line("asks"), "true false");
    browser
        .post(path, &[("password", PASSWORD)])
        .await
        .leads_to("/transfer");
    assert!(browser.may_have("/transfer", FRESH).await.is_ok());
}

async fn asking_without_a_second_factor_writes_nothing(service: Service) {
    let mut browser = service.signed_in(ALICE).await;
    for ask in ["", "code", "both"] {
        service.wait(1);
        let page = format!("/two-factor/prove?to=%2F&ask={ask}");
        let answer = browser.get(&page).await;
        assert_eq!(answer.change, SessionChange::Keep, "{ask}");
    }
}
