use axum::extract::Extension;
use axum::routing::{get, post};
use countersign_axum::GateService;
use countersign_axum::gate::testing::{Browser, Client, Fixture, TestAnswer, TestRequest, alarm, bypasses};
use std::sync::Arc;
use tokio::sync::Semaphore;

fn wrapped() -> SessionManagerLayer<GateSessions<MemoryStore>> {
    SessionManagerLayer::new(GateSessions::new(MemoryStore::default()))
}

#[tokio::test]
async fn no_bypass_opens_a_page() {
    let open = bypasses::refused(async |gate| service::<Session, _>(gate, wrapped())).await;
    assert!(open.is_empty(), "{open:#?}");
}

#[tokio::test]
async fn no_bypass_opens_a_page_without_the_wrapper() {
    let layer = || SessionManagerLayer::new(MemoryStore::default());
    let open = bypasses::refused(async |gate| service::<Session, _>(gate, layer())).await;
    assert!(open.is_empty(), "{open:#?}");
}

#[tokio::test]
async fn right_codes_open_the_pages() {
    let closed =
        bypasses::granted(async |gate| service::<Session, _>(gate, wrapped())).await;
    assert!(closed.is_empty(), "{closed:#?}");
}

#[tokio::test]
async fn an_alarm_asks_for_codes_in_a_row() {
    let wrong =
        alarm::codes_in_a_row(async |gate| service::<Session, _>(gate, wrapped())).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A service with a page that waits before and after it writes to the session.
struct Held {
    client: GateService,
    fixture: Fixture,
    /// Lets one held request go on.
    gate: Arc<Semaphore>,
    arrived: Arc<Semaphore>,
}

impl Held {
    async fn new() -> Self {
        let fixture = Fixture::new().await.unwrap();
        let (gate, arrived) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let held = (Arc::clone(&gate), Arc::clone(&arrived));
        let write = async move |Extension(session): Extension<Session>| {
            let count: u32 = session.get("count").await.unwrap().unwrap_or_default();
            held.1.add_permits(1);
            held.0.acquire().await.unwrap().forget();
            session.insert("count", count + 1).await.unwrap();
            count.to_string()
        };
        let client = router::<Session>(fixture.gate.clone())
            .public("/held", get(write))
            .public("/write", post(async |Extension(session): Extension<Session>| {
                let count: u32 = session.get("count").await.unwrap().unwrap_or_default();
                session.insert("count", count + 1).await.unwrap();
                count.to_string()
            }))
            .layer(wrapped())
            .into_service();
        Self { client, fixture, gate, arrived }
    }

    /// Starts a request that is held back.
    async fn start(&self, browser: &Browser) -> tokio::task::JoinHandle<TestAnswer> {
        let request = browser.prepare(TestRequest::new("GET", "/held"));
        let client = self.client.clone();
        let held = tokio::spawn(async move { client.send(request).await });
        self.arrived.acquire().await.unwrap().forget();
        held
    }

    async fn finish(&self, held: tokio::task::JoinHandle<TestAnswer>) -> TestAnswer {
        self.gate.add_permits(1);
        held.await.unwrap()
    }
}

#[tokio::test]
async fn a_late_write_keeps_the_new_session() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    browser.enter(&held.client, "alice", "password").await;
    let before = browser.clone();
    let late = held.start(&browser).await;
    let code = held.fixture.next_code("alice");
    browser.enter_code(&held.client, &code).await;
    assert!(browser.get(&held.client, "/secret").await.is_open());

    let answer = held.finish(late).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "0"));
    assert_eq!(answer.header("set-cookie"), None);
    browser.receive(&answer);
    assert!(browser.get(&held.client, "/secret").await.is_open());
    let count = browser.post(&held.client, "/write", "").await;
    assert_eq!(count.text(), "0", "the late write changed the new session");

    let mut old = before;
    assert!(!old.get(&held.client, "/secret").await.is_open());
    let page = old.get(&held.client, "/two-factor/code").await;
    assert_eq!(page.status, 303, "the old session is a half one again");
    assert_eq!(page.header("set-cookie"), None);
}

#[tokio::test]
async fn a_late_write_revives_no_session() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    browser.enter(&held.client, "alice", "password").await;
    let code = held.fixture.next_code("alice");
    browser.enter_code(&held.client, &code).await;
    let before = browser.clone();
    let late = held.start(&browser).await;
    browser.post(&held.client, "/leave", "").await;
    assert_eq!(browser.session_header(), "", "the sign-out deletes the cookie");

    let answer = held.finish(late).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("set-cookie"), None);
    let mut old = before;
    assert!(!old.get(&held.client, "/secret").await.is_open());
    let count = old.post(&held.client, "/write", "").await;
    assert_eq!(count.text(), "0", "the late write was stored");
}

#[tokio::test]
async fn a_request_with_the_old_id_sets_no_cookie() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    browser.enter(&held.client, "alice", "password").await;
    let mut old = browser.clone();
    let code = held.fixture.next_code("alice");
    browser.enter_code(&held.client, &code).await;
    for path in ["/", "/secret", "/two-factor/code", "/nowhere"] {
        let answer = old.get(&held.client, path).await;
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
    let answer = old.post(&held.client, "/write", "").await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    // The sign-in of the new session is untouched.
    let answer = old.post(&held.client, "/leave", "").await;
    assert_eq!(answer.header("set-cookie"), None);
    assert!(browser.get(&held.client, "/secret").await.is_open());
}

#[tokio::test]
async fn a_repeated_form_gets_the_same_session() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    browser.enter(&held.client, "alice", "password").await;
    let code = held.fixture.next_code("alice");
    let form = browser.code_form(&held.client, &code).await;
    let request = browser.prepare(form);
    let (mut first, mut second) = (browser.clone(), browser);
    let answer = held.client.send(request.clone()).await;
    first.receive(&answer);
    assert_eq!(first.post(&held.client, "/write", "").await.text(), "0");
    second.receive(&held.client.send(request).await);
    assert_eq!(first.session_header(), second.session_header());
    let count = second.post(&held.client, "/write", "").await;
    assert_eq!(count.text(), "1", "the repeat replaced the session");
    assert!(second.get(&held.client, "/secret").await.is_open());
}

#[tokio::test]
async fn two_forms_at_once_get_the_same_session() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    browser.enter(&held.client, "alice", "password").await;
    let code = held.fixture.next_code("alice");
    let form = browser.code_form(&held.client, &code).await;
    let request = browser.prepare(form);
    let (mut first, mut second) = (browser.clone(), browser);
    let (one, two) = tokio::join!(
        held.client.send(request.clone()),
        held.client.send(request)
    );
    first.receive(&one);
    second.receive(&two);
    assert_eq!(first.session_header(), second.session_header());
    assert!(second.get(&held.client, "/secret").await.is_open());
}

#[tokio::test]
async fn own_data_moves_to_the_new_session() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    browser.post(&held.client, "/write", "").await;
    let anonymous = browser.session_header();
    browser.enter(&held.client, "alice", "password").await;
    let half = browser.session_header();
    assert_ne!(anonymous, half);
    assert_eq!(browser.post(&held.client, "/write", "").await.text(), "1");
    let code = held.fixture.next_code("alice");
    browser.enter_code(&held.client, &code).await;
    assert_ne!(browser.session_header(), half);
    assert_eq!(browser.post(&held.client, "/write", "").await.text(), "2");
}

#[tokio::test]
async fn answers_under_way_set_no_cookie() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    let answer = browser.post(&held.client, "/write", "").await;
    assert!(answer.header("set-cookie").is_some());
    // The session is stored in time, but the answer arrives after the sign-in.
    let answer = browser.post(&held.client, "/write", "").await;
    assert_eq!((answer.text().as_str(), answer.header("set-cookie")), ("1", None));
}

#[tokio::test]
async fn an_old_session_is_sent_to_the_sign_in() {
    let held = Held::new().await;
    let mut browser = Browser::new();
    browser.enter(&held.client, "alice", "password").await;
    let mut old = browser.clone();
    let code = held.fixture.next_code("alice");
    browser.enter_code(&held.client, &code).await;
    // Not to the first page, which could be closed and send it there again.
    let answer = old.get(&held.client, "/secret").await;
    assert_eq!(answer.header("location"), Some("/sign-in"));
}
