use crate::support::{ALICE, PASSWORD, Service};

on_both! {
    the_id_changes_with_every_privilege,
    a_sign_in_ends_when_it_is_idle_and_when_it_is_old,
    signing_out_ends_it_on_the_server,
    a_change_of_the_factor_ends_other_sign_ins,
    a_change_by_staff_ends_every_sign_in,
    a_browser_that_goes_away_leaves_no_change_half_done,
    the_cookie_opens_nothing_when_it_is_read_in_the_database,
}

async fn the_id_changes_with_every_privilege(service: Service) {
    let mut browser = service.browser();
    browser.get("/sign-in").await;
    let anonymous = browser.cookie.clone().unwrap();
    let (_, phone) = service.enrolled(ALICE).await;
    browser.give_password(ALICE, PASSWORD).await;
    let half = browser.cookie.clone().unwrap();
    browser.get("/sign-in/code").await;
    let code = service.next(&phone);
    browser.post("/sign-in/code", &[("code", &code)]).await;
    let full = browser.cookie.clone().unwrap();
    browser.get("/two-factor/disable").await;
    let code = service.next(&phone);
    browser
        .post(
            "/two-factor/disable",
            &[("password", PASSWORD), ("code", &code)],
        )
        .await;
    let after = browser.cookie.clone().unwrap();
    assert!(browser.is_in().await);

    let mut ids = vec![anonymous.clone(), half.clone(), full.clone(), after];
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    // The old ones are of no use.
    for old in [anonymous, half, full] {
        let mut thief = service.browser();
        thief.cookie = Some(old);
        assert_eq!(thief.get("/account").await.location(), "/sign-in");
    }
}

async fn a_sign_in_ends_when_it_is_idle_and_when_it_is_old(service: Service) {
    let mut idle = service.newcomer(ALICE).await;
    service.wait(30 * 60 - 1);
    assert!(idle.is_in().await);
    service.wait(30 * 60);
    assert_eq!(idle.get("/account").await.location(), "/sign-in?ended");

    let mut busy = service.browser();
    busy.give_password(ALICE, PASSWORD).await;
    for _ in 0..(12 * 3 - 1) {
        service.wait(20 * 60);
        assert!(busy.is_in().await);
    }
    service.wait(20 * 60);
    assert!(!busy.is_in().await);
}

async fn signing_out_ends_it_on_the_server(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    browser.get("/account").await;
    let mut copy = browser.clone();
    browser.post("/sign-out", &[]).await;
    assert!(!browser.is_in().await);
    assert!(!copy.is_in().await);
    assert_eq!(service.count("SELECT count(*) FROM sign_ins").await, 0);
}

async fn a_change_of_the_factor_ends_other_sign_ins(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    let mut other = service.browser();
    other.give_password(ALICE, PASSWORD).await;
    assert!(other.is_in().await);
    browser.get("/account").await;
    let begun = browser.post("/two-factor/enable", &[]).await;
    service.confirm(&mut browser, &begun).await;
    assert!(browser.is_in().await);
    assert!(!other.is_in().await);
}

/// Also those that are only half signed in: the code page finds no factor to ask for.
async fn a_change_by_staff_ends_every_sign_in(service: Service) {
    let (mut owner, phone) = service.enrolled(ALICE).await;
    let mut other = service.signed_in(ALICE, &phone).await;
    let mut half = service.half_signed_in(ALICE).await;
    let (mut bob, _) = service.enrolled("bob@example.com").await;
    let alice = service.account(ALICE).await;
    service.staff().force_disable(&alice).await.unwrap();
    for browser in [&mut owner, &mut other] {
        assert_eq!(browser.get("/account").await.location(), "/sign-in?ended");
    }
    assert_eq!(half.get("/sign-in/code").await.location(), "/sign-in");
    assert!(bob.is_in().await);
}

/// What belongs to a change is done with it: other sign-ins end in its transaction, and the owner is told.
async fn a_browser_that_goes_away_leaves_no_change_half_done(service: Service) {
    use tower::ServiceExt;
    let (mut browser, phone) = service.enrolled(ALICE).await;
    let codes = service.codes(&mut browser).await;
    let mut other = service.signed_in(ALICE, &phone).await;
    browser.get("/two-factor/disable").await;
    let fields = [("password", PASSWORD), ("code", codes[0].as_str())];
    let mut request = browser.form("/two-factor/disable", &fields);
    browser.add_cookie(&mut request);
    let handler = tokio::spawn(service.router.clone().oneshot(request));
    // Gone as soon as the attempt is on record, which is before the slow digest.
    let tried = "SELECT count(*) FROM events WHERE what = 'backup-code-tried'";
    while service.count(tried).await == 0 {
        tokio::task::yield_now().await;
    }
    handler.abort();
    let subject = "Two-factor authentication is off";
    service.tells(ALICE, subject).await;
    assert!(!other.is_in().await);
}

async fn the_cookie_opens_nothing_when_it_is_read_in_the_database(service: Service) {
    let mut browser = service.newcomer(ALICE).await;
    assert!(browser.is_in().await);
    let cookie = browser.cookie.clone().unwrap();
    let id = cookie.strip_prefix("__Host-session=").unwrap();
    let sessions: Vec<String> = {
        let sql = "SELECT id FROM browser_sessions";
        match &service.database {
            countersign_web::Database::Sqlite(pool) => {
                sqlx::query_scalar(sql).fetch_all(pool).await
            }
            countersign_web::Database::Postgres(pool) => {
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
