//! A reset by the staff, and a new password.

use countersign::session::{FactorFlag, Requirement};
use countersign::testing::Phone;
use countersign::{AccountId, Status};
use countersign_gate::What;

use crate::browser::Browser;
use crate::support::{ALICE, Service, in_both_formats, staff};

in_both_formats! {
    a_reset_ends_everything_of_the_account,
    a_reset_ends_a_half_session,
    a_reset_helps_after_a_lost_record,
    a_new_password_ends_half_sessions,
    a_new_password_ends_a_half_session_in_its_enrollment,
    a_new_password_ends_sign_ins,
    a_session_without_factor_ends_when_one_is_required,
}

async fn reset(service: &Service) {
    let alice = AccountId::new(ALICE).unwrap();
    service.gate.force_disable(&alice, &staff()).await.unwrap();
}

async fn a_reset_ends_everything_of_the_account(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let code = service.next(&phone);
    let mut other = service.with_code(ALICE, &code).await;
    service.accounts.notices();
    reset(&service).await;
    assert!(!browser.is_signed_in().await);
    assert!(!other.is_signed_in().await);
    assert_eq!(service.accounts.notices(), [What::Disabled]);
    assert_eq!(service.status(ALICE).await, Status::Disabled);
    assert_eq!(service.flag(ALICE).await, FactorFlag::Off);
    service.signed_in(ALICE).await;
    let (_, phone) = service.enrolled(ALICE).await;
    let code = service.next(&phone);
    service.with_code(ALICE, &code).await;
}

async fn a_reset_ends_a_half_session(service: Service) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut half = service.browser();
    half.password(ALICE).await.leads_to("/two-factor/code");
    half.get("/two-factor/code").await;
    let mut other = half.clone();
    reset(&service).await;
    let code = service.next(&phone);
    half.post("/two-factor/code", &[("code", &code)]).await;
    assert!(!half.is_signed_in().await);
    service.enrolled(ALICE).await;
    other.post("/two-factor/code", &[("code", &code)]).await;
    assert!(!other.is_signed_in().await);
}

async fn a_reset_helps_after_a_lost_record(service: Service) {
    service.enrolled(ALICE).await;
    let alice = AccountId::new(ALICE).unwrap();
    service.verifier.erase(&alice, &staff()).await.unwrap();
    let mut browser = service.browser();
    assert_eq!(browser.password(ALICE).await.status, 500);
    assert!(!browser.is_signed_in().await);
    reset(&service).await;
    service.signed_in(ALICE).await;
}

/// A browser after the password, and the owner's phone.
async fn half(service: &Service) -> (Browser, Phone) {
    let (_, phone) = service.enrolled(ALICE).await;
    let mut half = service.browser();
    half.password(ALICE).await.leads_to("/two-factor/code");
    (half, phone)
}

async fn a_new_password_ends_half_sessions(service: Service) {
    let (mut old, phone) = half(&service).await;
    old.get("/two-factor/code").await;
    service.wait(1);
    service.accounts.change_password(service.clock.now());
    let mut new = service.browser();
    new.password(ALICE).await.leads_to("/two-factor/code");
    let code = service.next(&phone);
    let answer = old.post("/two-factor/code", &[("code", &code)]).await;
    assert_eq!(answer.next, "/sign-in");
    assert!(!old.is_signed_in().await);
    new.fill("/two-factor/code", &[("code", &code)]).await;
    assert!(new.is_signed_in().await, "the code was not used up");
}

async fn a_new_password_ends_a_half_session_in_its_enrollment(service: Service) {
    service.accounts.require(Requirement::Required);
    let mut half = service.browser();
    half.password(ALICE).await.leads_to("/two-factor/setup");
    half.get("/two-factor/setup").await;
    let path = half.post("/two-factor/setup", &[]).await.next;
    let phone = service.scan(&mut half, &path).await;
    service.wait(1);
    service.accounts.change_password(service.clock.now());
    let code = phone.passcode(service.clock.now());
    half.post(&path, &[("code", &code)]).await;
    assert!(!half.is_signed_in().await);
    assert!(!service.is_enabled(ALICE).await);
}

async fn a_new_password_ends_sign_ins(service: Service) {
    let (mut browser, _) = service.enrolled(ALICE).await;
    service.accounts.change_password(service.clock.now());
    assert!(browser.is_signed_in().await, "the application ends them");
    let alice = AccountId::new(ALICE).unwrap();
    service.gate.end_sign_ins(&alice, None).await.unwrap();
    assert!(!browser.is_signed_in().await);
}

async fn a_session_without_factor_ends_when_one_is_required(service: Service) {
    let from = service.clock.now().saturating_add(1000);
    let mut browser = service.signed_in(ALICE).await;
    let (mut other, _) = service.enrolled("carol").await;
    service.accounts.require(Requirement::RequiredFrom(from));
    service.wait(999);
    assert!(browser.is_signed_in().await);
    assert!(other.is_signed_in().await);
    // The gate compares once a minute.
    service.wait(61);
    assert!(!browser.is_signed_in().await);
    assert!(!browser.is_signed_in().await);
    assert!(other.is_signed_in().await, "it has a second factor");
    let answer = browser.get("/two-factor").await;
    assert_eq!(answer.next, "/sign-in");
    browser.password(ALICE).await.leads_to("/two-factor/setup");
}
