//! A store or a table that fails once, at each call of a flow: nobody is shut out, nobody gets in,
//! and the flag agrees with the record in the end.

use countersign::session::{Access, FactorFlag, Freshness};
use countersign::testing::Phone;
use countersign_gate::BoxError;

use crate::browser::Browser;
use crate::faults::Fault;
use crate::support::{ALICE, PASSWORD, Service, in_both_formats, staff};

in_both_formats! {
    the_code_survives_a_fault,
    enrolling_survives_a_fault,
    an_interrupted_enrollment_ends_other_sign_ins,
    required_enrollment_survives_a_fault,
    disabling_survives_a_fault,
    removing_survives_a_fault,
    issuing_survives_a_fault,
    a_reset_survives_a_fault,
}

/// Runs a flow once for each call and each kind of fault, on a service of its own.
async fn at_each_call<F: AsyncFn(&Service) -> Result<(), BoxError>>(like: &Service, flow: F) {
    for fault in [Fault::Before, Fault::After] {
        for call in 0_u32.. {
            let service = like.another();
            service.plan_later(call, fault);
            flow(&service).await.unwrap();
            if !service.took_place() {
                assert!(call > 1, "the flow has calls");
                break;
            }
        }
    }
}

/// The owner gets in with the password, and a code if there is a second factor.
async fn owner_gets_in(service: &Service, phone: &Phone) {
    let mut browser = service.browser();
    let answer = browser.password(ALICE).await;
    if service.is_enabled(ALICE).await {
        answer.leads_to("/two-factor/code");
        assert!(!browser.is_signed_in().await);
        let code = service.next(phone);
        browser.fill("/two-factor/code", &[("code", &code)]).await;
        assert_eq!(service.flag(ALICE).await, FactorFlag::On);
    } else {
        assert_eq!(service.flag(ALICE).await, FactorFlag::Off);
    }
    assert!(browser.is_signed_in().await);
}

async fn the_code_survives_a_fault(like: Service) {
    at_each_call(&like, async |service| {
        let (_, phone) = service.enrolled(ALICE).await;
        let mut browser = service.browser();
        browser.password(ALICE).await;
        let page = browser.get("/two-factor/code").await;
        let request = page.line("request").to_owned();
        let code = service.next(&phone);
        let fields = [("code", code.as_str()), ("request", request.as_str())];
        service.start();
        let answer = browser.post("/two-factor/code", &fields).await;
        service.end();
        assert_eq!(
            browser.is_signed_in().await,
            answer.next == "/",
            "{answer:?}"
        );
        owner_gets_in(service, &phone).await;
        Ok(())
    })
    .await;
}

async fn enrolling_survives_a_fault(like: Service) {
    at_each_call(&like, async |service| {
        let mut browser = service.signed_in(ALICE).await;
        let path = browser.post("/two-factor/setup", &[]).await.next;
        let phone = service.scan(&mut browser, &path).await;
        let code = phone.passcode(service.clock.now());
        service.start();
        browser.post(&path, &[("code", &code)]).await;
        service.end();
        assert!(browser.is_signed_in().await);
        // The user tries again.
        browser.post(&path, &[("code", &code)]).await;
        assert!(service.is_enabled(ALICE).await);
        assert!(browser.is_signed_in().await);
        // From now on, fresh factors are two.
        service.wait(301);
        let fresh = Access::Fresh(Freshness::minutes(5));
        let away = browser.may_have("/", fresh).await.unwrap_err();
        assert!(away.next.ends_with("ask=both"), "{away:?}");
        owner_gets_in(service, &phone).await;
        Ok(())
    })
    .await;
}

async fn an_interrupted_enrollment_ends_other_sign_ins(like: Service) {
    at_each_call(&like, async |service| {
        let mut other = service.signed_in(ALICE).await;
        let mut browser = service.signed_in(ALICE).await;
        let path = browser.post("/two-factor/setup", &[]).await.next;
        let phone = service.scan(&mut browser, &path).await;
        let code = phone.passcode(service.clock.now());
        service.start();
        browser.post(&path, &[("code", &code)]).await;
        service.end();
        // The user does not try again.
        let is_enabled = service.is_enabled(ALICE).await;
        owner_gets_in(service, &phone).await;
        assert_eq!(other.is_signed_in().await, !is_enabled);
        Ok(())
    })
    .await;
}

async fn required_enrollment_survives_a_fault(like: Service) {
    at_each_call(&like, async |service| {
        service
            .accounts
            .require(countersign::session::Requirement::Required);
        let mut browser = service.browser();
        browser.password(ALICE).await;
        browser.get("/two-factor/setup").await;
        let path = browser.post("/two-factor/setup", &[]).await.next;
        let phone = service.scan(&mut browser, &path).await;
        let code = phone.passcode(service.clock.now());
        service.start();
        let answer = browser.post(&path, &[("code", &code)]).await;
        service.end();
        let is_in = answer.next == "/two-factor/backup-codes";
        assert_eq!(browser.is_signed_in().await, is_in, "{answer:?}");
        if !is_in {
            browser.post(&path, &[("code", &code)]).await;
        }
        assert!(service.is_enabled(ALICE).await);
        owner_gets_in(service, &phone).await;
        Ok(())
    })
    .await;
}

async fn disabling_survives_a_fault(like: Service) {
    at_each_call(&like, async |service| {
        let (mut browser, phone) = service.enrolled(ALICE).await;
        browser.get("/two-factor/disable").await;
        let code = service.next(&phone);
        let both = [("password", PASSWORD), ("code", code.as_str())];
        service.start();
        browser.post("/two-factor/disable", &both).await;
        service.end();
        let mut other = service.browser();
        other.password(ALICE).await;
        assert_eq!(other.is_signed_in().await, !service.is_enabled(ALICE).await);
        disable_again(service, &mut browser, &phone).await;
        owner_gets_in(service, &phone).await;
        Ok(())
    })
    .await;
}

async fn disable_again(service: &Service, browser: &mut Browser, phone: &Phone) {
    let code = service.next(phone);
    let both = [("password", PASSWORD), ("code", code.as_str())];
    browser
        .post("/two-factor/disable", &both)
        .await
        .leads_to("/two-factor");
    assert!(!service.is_enabled(ALICE).await);
}

async fn removing_survives_a_fault(like: Service) {
    at_each_call(&like, async |service| {
        let (mut browser, phone) = service.enrolled(ALICE).await;
        let setup = browser.post("/two-factor/add", &[("name", "Tablet")]).await;
        service.confirm(&mut browser, &setup.next).await;
        let id = service.id(ALICE, "Tablet").await;
        let path = format!("/two-factor/authenticators/{id}/remove");
        service.start();
        browser.post(&path, &[]).await;
        service.end();
        assert!(browser.is_signed_in().await);
        let mut other = service.browser();
        other.password(ALICE).await.leads_to("/two-factor/code");
        let code = service.next(&phone);
        service.with_code(ALICE, &code).await;
        Ok(())
    })
    .await;
}

async fn issuing_survives_a_fault(like: Service) {
    at_each_call(&like, async |service| {
        let (mut browser, phone) = service.enrolled(ALICE).await;
        let page = browser.get("/two-factor/backup-codes").await;
        let once = page.line("once").to_owned();
        service.start();
        let issued = browser
            .post("/two-factor/backup-codes", &[("once", &once)])
            .await;
        service.end();
        if let Some(code) = issued
            .line("codes")
            .split(',')
            .next()
            .filter(|code| !code.is_empty())
        {
            service.with_code(ALICE, code).await;
        }
        assert!(browser.is_signed_in().await);
        owner_gets_in(service, &phone).await;
        Ok(())
    })
    .await;
}

async fn a_reset_survives_a_fault(like: Service) {
    at_each_call(&like, async |service| {
        let (mut browser, phone) = service.enrolled(ALICE).await;
        let alice = countersign::AccountId::new(ALICE)?;
        service.start();
        let reset = service.gate.force_disable(&alice, &staff()).await;
        service.end();
        let is_off = !service.is_enabled(ALICE).await;
        assert!(reset.is_err() || is_off && !browser.is_signed_in().await);
        let mut other = service.browser();
        other.password(ALICE).await;
        assert_eq!(other.is_signed_in().await, is_off);
        service.gate.force_disable(&alice, &staff()).await?;
        assert!(!service.is_enabled(ALICE).await);
        assert!(!browser.is_signed_in().await);
        owner_gets_in(service, &phone).await;
        Ok(())
    })
    .await;
}
