use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    the_session_id_changes_with_every_stage,
    idle_and_old_sign_ins_end,
    signing_out_ends_the_session_on_the_server,
    a_factor_change_ends_other_sign_ins,
    a_change_by_staff_ends_every_sign_in,
    a_lost_browser_leaves_no_partial_change,
    stored_session_ids_are_hashed,
}

async fn the_session_id_changes_with_every_stage(service: Service) {
    let mut browser = service.browser();
    browser.get("/sign-in/link").await;
    browser.post("/sign-in/link", &[("email", ALICE)]).await;
    let anonymous = browser.cookie.clone().unwrap();
    let (_, phone) = service.enrolled(ALICE).await;
    browser.give_password(ALICE, PASSWORD).await;
    let half = browser.cookie.clone().unwrap();
    browser.get("/two-factor/code").await;
    let code = service.next(&phone);
    browser.give_code(&code).await;
    let full = browser.cookie.clone().unwrap();
    let code = service.next(&phone);
    browser.disable(&code).await;
    let after = browser.cookie.clone().unwrap();
    assert!(browser.is_signed_in().await);

    let mut ids = vec![anonymous.clone(), half.clone(), full.clone(), after];
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    // No old id signs in.
    for old in [anonymous, half, full] {
        let mut attacker = service.browser();
        attacker.cookie = Some(old);
        assert_eq!(attacker.get("/account").await.location(), "/sign-in");
    }
}

async fn idle_and_old_sign_ins_end(service: Service) {
    let mut idle = service.signed_up(ALICE).await;
    service.wait(30 * 60 - 1);
    assert!(idle.is_signed_in().await);
    service.wait(30 * 60 + 1);
    assert_eq!(idle.get("/account").await.location(), "/sign-in");

    let mut busy = service.browser();
    busy.give_password(ALICE, PASSWORD).await;
    for _ in 0..(12 * 3 - 1) {
        service.wait(20 * 60);
        assert!(busy.is_signed_in().await);
    }
    service.wait(20 * 60 + 1);
    assert!(!busy.is_signed_in().await);
}

async fn signing_out_ends_the_session_on_the_server(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    browser.get("/account").await;
    let mut copy = browser.clone();
    browser.post("/two-factor/sign-out", &[]).await;
    assert!(!browser.is_signed_in().await);
    assert!(!copy.is_signed_in().await);
    assert_eq!(
        service
            .count("SELECT count(*) FROM sign_ins WHERE NOT ended")
            .await,
        0
    );
}

async fn a_factor_change_ends_other_sign_ins(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    let mut other = service.browser();
    other.give_password(ALICE, PASSWORD).await;
    assert!(other.is_signed_in().await);
    service.enable(&mut browser).await;
    assert!(browser.is_signed_in().await);
    assert!(!other.is_signed_in().await);
}

/// This includes partial sign-ins: the code page finds no second factor.
async fn a_change_by_staff_ends_every_sign_in(service: Service) {
    let (mut owner, phone) = service.enrolled(ALICE).await;
    let mut other = service.signed_in(ALICE, &phone).await;
    let mut half = service.partially_signed_in(ALICE).await;
    let (mut bob, _) = service.enrolled("bob@example.com").await;
    let alice = service.account(ALICE).await;
    let actor = countersign::Actor::new("staff", "the phone is lost").unwrap();
    service.staff().force_disable(&alice, &actor).await.unwrap();
    for browser in [&mut owner, &mut other] {
        assert_eq!(browser.get("/account").await.location(), "/sign-in");
    }
    assert_eq!(half.get("/two-factor/code").await.status, 409);
    assert!(bob.is_signed_in().await);
}

/// The steps after a change are not lost: other sign-ins end in its transaction, and the owner gets
/// a mail.
async fn a_lost_browser_leaves_no_partial_change(service: Service) {
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    let mut other = service.signed_in(ALICE, &phone).await;
    browser.get("/two-factor/disable").await;
    let fields = [("password", PASSWORD), ("code", codes[0].as_str())];
    let request = browser.form("/two-factor/disable", &fields);
    service.disconnect_during_hash(&browser, request).await;
    let subject = "Two-factor authentication is off";
    service.wait_for_mail(ALICE, subject).await;
    assert!(!other.is_signed_in().await);
}

async fn stored_session_ids_are_hashed(service: Service) {
    let mut browser = service.signed_up(ALICE).await;
    assert!(browser.is_signed_in().await);
    let cookie = browser.cookie.clone().unwrap();
    let id = cookie.strip_prefix("__Host-session=").unwrap();
    let sessions: Vec<String> = {
        let sql = "SELECT id FROM browser_sessions";
        match &service.database {
            countersign_web::Database::Sqlite(pool) => {
                sqlx::query_scalar(sql).fetch_all(pool).await
            }
            countersign_web::Database::Postgres { pool, .. } => {
                sqlx::query_scalar(sql).fetch_all(pool).await
            }
        }
        .unwrap()
    };
    assert!(!sessions.is_empty());
    assert!(
        sessions
            .iter()
            .all(|kept| kept.len() == 64 && !kept.contains(id))
    );
}
