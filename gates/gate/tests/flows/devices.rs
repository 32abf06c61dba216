//! Browsers that the account knows: they skip waits, and a trusted one skips the code.

use countersign::factor::{DeviceStatus, EnabledStatus};
use countersign::session::{Access, Freshness, SecondFactorUse};
use countersign::{AccountId, DeviceKind, FirstFactorKind, Status};
use countersign_gate::What;

use crate::browser::Browser;
use crate::support::{ALICE, BOB, Service, in_both_formats, staff};
use countersign::testing::Phone;

const DAY: u64 = 86_400;

in_both_formats!(
    a_code_makes_the_browser_known,
    a_trusted_browser_needs_no_code,
    another_authenticator_keeps_the_browser,
    a_token_that_does_not_count_leaves_no_device,
    the_same_form_twice_remembers_the_browser,
    a_trusted_browser_is_no_second_factor,
    trust_ends_after_30_days,
    no_wait_keeps_a_known_browser_out,
    an_old_token_trusts_nobody,
    a_token_is_of_one_account,
    a_forgotten_browser_enters_a_code,
    a_new_password_ends_trust,
    only_a_person_skips_the_code,
    a_reset_ends_trust,
    a_list_shows_and_forgets_browsers,
    a_service_without_devices_sets_no_cookie,
    a_failure_to_remember_is_no_failure_to_sign_in,
);

async fn devices(service: &Service) -> Vec<DeviceStatus> {
    match service.status(ALICE).await {
        Status::Enabled(EnabledStatus { devices, .. }) => devices,
        _ => Vec::new(),
    }
}

/// An account with a phone, and no browser yet.
async fn account(service: &Service, name: &str) -> Phone {
    let (mut browser, phone) = service.enrolled(name).await;
    let forgotten = browser.fill_devices("/two-factor/devices/forget").await;
    assert!(matches!(forgotten, 200 | 303));
    assert_eq!(browser.device, None);
    phone
}

impl Browser {
    /// Sends a form of the list.
    async fn fill_devices(&mut self, path: &str) -> u16 {
        self.get("/two-factor/devices").await;
        self.post(path, &[]).await.status
    }

    /// Signs out, and enters the password again. Returns where that leads to.
    async fn again(&mut self, account: &str) -> String {
        self.get("/two-factor").await;
        self.post("/two-factor/sign-out", &[]).await;
        self.password(account).await.next
    }

    async fn enter(&mut self, code: &str, trust: bool) {
        let fields = [("code", code), ("trust", "true")];
        let fields = &fields[..if trust { 2 } else { 1 }];
        let answer = self.fill("/two-factor/code", fields).await;
        answer.leads_to("/");
    }
}

/// A browser that entered a code, and is trusted if `trust`.
async fn signed_in(service: &Service, phone: &Phone, account: &str, trust: bool) -> Browser {
    let mut browser = service.browser();
    browser.password(account).await.leads_to("/two-factor/code");
    let code = service.next(phone);
    browser.enter(&code, trust).await;
    assert!(browser.is_signed_in().await);
    browser
}

async fn a_code_makes_the_browser_known(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, false).await;
    let first = browser.device.clone().unwrap();
    assert!(first.starts_with("__Host-device-"), "{first}");
    let all = devices(&service).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].kind, DeviceKind::Known);
    // A known browser enters a code, and gets the next token.
    assert_eq!(browser.again(ALICE).await, "/two-factor/code");
    let code = service.next(&phone);
    browser.enter(&code, false).await;
    assert_ne!(browser.device, Some(first));
    let all = devices(&service).await;
    assert_eq!(all.len(), 1);
    assert!(all[0].last_used_at.is_some());
}

async fn a_trusted_browser_needs_no_code(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    service.accounts.notices();
    let mut browser = signed_in(&service, &phone, ALICE, true).await;
    let notices = service.accounts.notices();
    let trusted = notices
        .iter()
        .any(|what| matches!(what, What::BrowserTrusted { .. }));
    assert!(trusted, "{notices:?}");
    for _ in 0..3 {
        let before = browser.device.clone();
        assert_eq!(browser.again(ALICE).await, "/");
        assert!(browser.is_signed_in().await);
        assert_ne!(browser.device, before, "the cookie is renewed");
        let signed_in = What::SignedIn {
            first: FirstFactorKind::Password,
            second: SecondFactorUse::TrustedDevice,
        };
        assert_eq!(service.accounts.notices(), [signed_in]);
    }
    // Another browser enters a code.
    let mut other = service.browser();
    other.password(ALICE).await.leads_to("/two-factor/code");
    assert!(!other.is_signed_in().await);
}

async fn another_authenticator_keeps_the_browser(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, true).await;
    let before = (browser.device.clone(), devices(&service).await);
    let setup = browser.fill("/two-factor/add", &[("name", "tablet")]).await;
    service.confirm(&mut browser, &setup.next).await;
    assert_eq!(service.names(ALICE).await.len(), 2);
    assert_eq!((browser.device.clone(), devices(&service).await), before);
    assert_eq!(browser.again(ALICE).await, "/");
}

async fn a_token_that_does_not_count_leaves_no_device(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, false).await;
    let old = browser.device.clone();
    for _ in 0..2 {
        browser.again(ALICE).await;
        let code = service.next(&phone);
        browser.enter(&code, false).await;
    }
    // The browser was restored, a moment ago.
    browser.again(ALICE).await;
    let code = phone.passcode(service.clock.now().saturating_add(30));
    browser.device = old;
    browser.enter(&code, false).await;
    assert_eq!(devices(&service).await.len(), 1);
}

/// A user clicks twice, and the browser keeps the second answer.
async fn the_same_form_twice_remembers_the_browser(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    for (trust, known) in [("false", 1), ("true", 2)] {
        let mut browser = service.browser();
        browser.password(ALICE).await;
        let page = browser.get("/two-factor/code").await;
        let request = page.line("request").to_owned();
        let code = service.next(&phone);
        service.accounts.notices();
        let fields = [
            ("code", code.as_str()),
            ("request", &request),
            ("trust", trust),
        ];
        let mut first = browser.clone();
        first.post("/two-factor/code", &fields).await.leads_to("/");
        browser
            .post("/two-factor/code", &fields)
            .await
            .leads_to("/");
        assert_eq!(browser.cookie, first.cookie, "the same session");
        assert_eq!(devices(&service).await.len(), known, "one more browser");
        assert!(browser.is_signed_in().await);
        let signed_in = |what: &&What| matches!(what, What::SignedIn { .. });
        let notices = service.accounts.notices();
        assert_eq!(notices.iter().filter(signed_in).count(), 1);
        assert_eq!(notices.len(), if trust == "true" { 2 } else { 1 });
        let next = browser.again(ALICE).await;
        assert_eq!(next == "/", trust == "true", "{next}");
    }
}

async fn a_trusted_browser_is_no_second_factor(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, true).await;
    assert_eq!(browser.again(ALICE).await, "/");
    let fresh = Access::Fresh(Freshness::minutes(5).with_second_factor());
    let refused = browser.may_have("/transfer", fresh).await.unwrap_err();
    if refused.status == 303 {
        // The page asks for a code, and comes back.
        let page = browser.get(&refused.next).await;
        assert_eq!(page.line("asks"), "false true", "{page:?}");
    }
    let page = browser.get("/two-factor/add").await;
    assert_eq!(page.line("asks"), "false true", "{page:?}");
    let code = service.next(&phone);
    let answer = browser
        .post(
            "/two-factor/prove?to=%2Ftransfer&ask=code",
            &[("code", &code)],
        )
        .await;
    answer.leads_to("/transfer");
    assert!(browser.may_have("/transfer", fresh).await.is_ok());
}

async fn trust_ends_after_30_days(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, true).await;
    service.wait(29 * DAY);
    assert_eq!(browser.again(ALICE).await, "/");
    service.wait(DAY + 60);
    assert_eq!(browser.again(ALICE).await, "/two-factor/code");
    assert!(!browser.is_signed_in().await);
    // The browser is known, and is trusted again if the user asks for it.
    let code = service.next(&phone);
    browser.enter(&code, true).await;
    assert_eq!(
        devices(&service).await.len(),
        1,
        "one device takes the place of the other"
    );
    assert_eq!(browser.again(ALICE).await, "/");
}

async fn no_wait_keeps_a_known_browser_out(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut known = signed_in(&service, &phone, ALICE, false).await;
    let mut attacker = service.browser();
    attacker.password(ALICE).await;
    let wrong = "00000000";
    // The attacker takes every guess of the budget, and goes on for a while.
    for _ in 0..14 {
        attacker.again(ALICE).await;
        attacker.get("/two-factor/code").await;
        attacker.post("/two-factor/code", &[("code", wrong)]).await;
        service.wait(3600);
    }
    let code = service.next(&phone);
    let mut stranger = service.browser();
    stranger.password(ALICE).await;
    let page = stranger.get("/two-factor/code").await;
    assert!(page.line("wait").contains("Until"), "{page:?}");
    known.again(ALICE).await;
    let page = known.get("/two-factor/code").await;
    assert_eq!(page.line("wait"), "None", "{page:?}");
    known.enter(&code, false).await;
    assert!(known.is_signed_in().await);
}

async fn an_old_token_trusts_nobody(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, true).await;
    let stolen = browser.device.clone();
    for _ in 0..2 {
        assert_eq!(browser.again(ALICE).await, "/");
    }
    // For a minute, an old token can be that of a late request.
    let mut thief = service.browser();
    thief.device.clone_from(&stolen);
    assert_eq!(thief.password(ALICE).await.next, "/two-factor/code");
    assert_eq!(devices(&service).await.len(), 1);
    service.wait(61);
    thief.device = stolen;
    service.accounts.notices();
    for copies in [vec![What::BrowserSuspected], Vec::new()] {
        assert_eq!(thief.password(ALICE).await.next, "/two-factor/code");
        assert_eq!(service.accounts.notices(), copies, "the owner knows");
    }
    assert!(!thief.is_signed_in().await);
    assert_eq!(devices(&service).await, [], "there is a copy");
    assert_eq!(browser.again(ALICE).await, "/two-factor/code");
}

async fn a_token_is_of_one_account(service: Service) {
    let service = service.remembering();
    let (alices, bobs) = (account(&service, ALICE).await, account(&service, BOB).await);
    let alice = signed_in(&service, &alices, ALICE, true).await;
    let bob = signed_in(&service, &bobs, BOB, true).await;
    let (alices, bobs) = (alice.device.unwrap(), bob.device.unwrap());
    let (name, _) = alices.split_once('=').unwrap();
    let (other, token) = bobs.split_once('=').unwrap();
    assert_ne!(name, other, "two users share a browser");
    let mut thief = service.browser();
    thief.device = Some(format!("{name}={token}"));
    assert_eq!(thief.password(ALICE).await.next, "/two-factor/code");
    assert!(!thief.is_signed_in().await);
    thief.device = Some(format!("{alices}; {bobs}"));
    assert_eq!(thief.password(BOB).await.next, "/");
}

async fn a_forgotten_browser_enters_a_code(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, true).await;
    let kept = browser.device.clone();
    let id = devices(&service).await[0].id;
    browser
        .fill_devices(&format!("/two-factor/devices/{id}/forget"))
        .await;
    assert_eq!(browser.device, None, "the cookie is deleted");
    let mut thief = service.browser();
    thief.device = kept;
    assert_eq!(thief.password(ALICE).await.next, "/two-factor/code");
    assert!(!thief.is_signed_in().await);
    let again = browser
        .post(&format!("/two-factor/devices/{id}/forget"), &[])
        .await;
    again.refused(404, "unknown-device", "/two-factor/devices");
}

async fn a_new_password_ends_trust(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, true).await;
    let alice = AccountId::new(ALICE).unwrap();
    service.gate.password_changed(&alice, None).await.unwrap();
    assert!(!browser.is_signed_in().await);
    assert_eq!(browser.password(ALICE).await.next, "/two-factor/code");
    assert!(!browser.is_signed_in().await);
}

/// A token of a program, and a browser that the service itself remembers, are no person.
async fn only_a_person_skips_the_code(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let browser = signed_in(&service, &phone, ALICE, true).await;
    for kind in [
        FirstFactorKind::ApiToken,
        FirstFactorKind::RememberedBrowser,
    ] {
        let mut other = browser.clone();
        other.cookie = None;
        let answer = other.first_factor(ALICE, kind).await;
        answer.leads_to("/two-factor/code");
        assert!(!other.is_signed_in().await);
    }
}

async fn a_reset_ends_trust(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let browser = signed_in(&service, &phone, ALICE, true).await;
    let kept = browser.device.clone();
    let alice = AccountId::new(ALICE).unwrap();
    service.gate.force_disable(&alice, &staff()).await.unwrap();
    let (_, _new_phone) = service.enrolled(ALICE).await;
    let mut thief = service.browser();
    thief.device = kept;
    assert_eq!(thief.password(ALICE).await.next, "/two-factor/code");
}

async fn a_list_shows_and_forgets_browsers(service: Service) {
    let service = service.remembering();
    let phone = account(&service, ALICE).await;
    let mut browser = signed_in(&service, &phone, ALICE, false).await;
    let other = signed_in(&service, &phone, ALICE, true).await;
    let page = browser.get("/two-factor/devices").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.body.matches("here: true").count(), 1, "{page:?}");
    assert_eq!(page.body.matches("here: false").count(), 1, "{page:?}");
    assert!(
        browser
            .get("/two-factor")
            .await
            .body
            .contains("devices: Some(2)")
    );
    // The token of the form is needed, and the method is POST.
    let mut forged = browser.clone();
    forged.csrf = "0".repeat(32);
    assert_eq!(
        forged.post("/two-factor/devices/forget", &[]).await.status,
        403
    );
    assert_eq!(browser.get("/two-factor/devices/forget").await.status, 405);
    let answer = browser.post("/two-factor/devices/forget", &[]).await;
    answer.leads_to("/two-factor/devices");
    assert_eq!(devices(&service).await, []);
    assert!(browser.is_signed_in().await, "the sign-in goes on");
    let mut thief = service.browser();
    thief.device = other.device;
    assert_eq!(thief.password(ALICE).await.next, "/two-factor/code");
    // The list is for full sessions only.
    let closed = thief.get("/two-factor/devices").await;
    closed.leads_to("/two-factor/code");
}

async fn a_service_without_devices_sets_no_cookie(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    assert_eq!(browser.again(ALICE).await, "/two-factor/code");
    let page = browser.get("/two-factor/code").await;
    assert_eq!(page.line("trust"), "None");
    let code = service.next(&phone);
    browser.enter(&code, true).await;
    assert_eq!(browser.device, None);
    assert_eq!(devices(&service).await, []);
    assert_eq!(browser.get("/two-factor/devices").await.status, 404);
}

async fn a_failure_to_remember_is_no_failure_to_sign_in(service: Service) {
    use crate::faults::Fault;
    for call in 1..12 {
        let service = service.remembering();
        let phone = account(&service, ALICE).await;
        let mut browser = service.browser();
        browser.password(ALICE).await;
        browser.get("/two-factor/code").await;
        service.plan_later(call, Fault::Before);
        let code = service.next(&phone);
        let page = browser.get("/two-factor/code").await;
        let request = page.line("request").to_owned();
        service.start();
        let fields = [("code", code.as_str()), ("request", request.as_str())];
        let answer = browser.post("/two-factor/code", &fields).await;
        service.end();
        if answer.status != 500 {
            answer.leads_to("/");
            assert!(browser.is_signed_in().await, "{call}");
        }
    }
}
