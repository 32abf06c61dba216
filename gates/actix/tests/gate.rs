//! The gate over each kind of session.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod service;

use countersign_actix::gate::SignInRows;
use countersign_actix::gate::testing::{
    Browser, Client, Fixture, TestAnswer, TestRequest, alarm, bypasses,
};
use service::{ALL, Over, Service, TestStore};
use std::pin::pin;
use std::task::{Context, Waker};

#[actix_web::test]
async fn bypasses_are_refused_over_every_session() {
    for over in ALL {
        let start = |gate| Service::start(gate, over, TestStore::default());
        assert_eq!(
            bypasses::refused(start).await,
            Vec::<String>::new(),
            "{over:?}"
        );
    }
}

#[actix_web::test]
async fn users_with_both_factors_get_in() {
    // Without `GateSessions`, the repeat of a form finds no session.
    for over in [Over::Random, Over::Chosen, Over::Cookie] {
        let start = |gate| Service::start(gate, over, TestStore::default());
        assert_eq!(
            bypasses::granted(start).await,
            Vec::<String>::new(),
            "{over:?}"
        );
    }
}

#[actix_web::test]
async fn an_alarm_asks_for_codes_in_a_row() {
    for over in ALL {
        let start = |gate| Service::start(gate, over, TestStore::default());
        let wrong = alarm::codes_in_a_row(start).await;
        assert_eq!(wrong, Vec::<String>::new(), "{over:?}");
    }
}

/// A service, its store, and alice's browser after the password.
struct Setting {
    fixture: Fixture,
    store: TestStore,
    service: Service,
    browser: Browser,
}

impl Setting {
    async fn new(over: Over) -> Self {
        let fixture = Fixture::new().await.unwrap();
        let store = TestStore::default();
        let service = Service::start(fixture.gate.clone(), over, store.clone()).await;
        let mut browser = Browser::new();
        browser.enter(&service, "alice", "password").await;
        Self {
            fixture,
            store,
            service,
            browser,
        }
    }

    async fn enter_code(&mut self) {
        let code = self.fixture.next_code("alice");
        let answer = self.browser.enter_code(&self.service, &code).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    }

    async fn is_signed_in(&mut self) -> bool {
        self.browser.get(&self.service, "/secret").await.is_open()
    }

    /// Starts a request, and returns its answer after the work, which it does not see.
    async fn late(&mut self, path: &str, work: impl AsyncFnOnce(&mut Self)) -> TestAnswer {
        let request = TestRequest::new("GET", path).header("x-hold", "1");
        let service = self.service.clone();
        let mut late = pin!(service.send(self.browser.prepare(request)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(late.as_mut().poll(&mut context).is_pending());
        work(self).await;
        service.held.notify_one();
        late.await
    }
}

#[actix_web::test]
async fn late_requests_change_nothing_after_the_sign_in() {
    for over in [Over::Random, Over::Chosen] {
        for path in [
            "/write",
            "/session/write",
            "/session/renew",
            "/session/purge",
        ] {
            let mut setting = Setting::new(over).await;
            let answer = setting.late(path, Setting::enter_code).await;
            let sessions = setting.store.sessions();
            assert_eq!(
                sessions.len(),
                2,
                "{over:?} {path}: the old one and the new one"
            );
            assert!(
                sessions
                    .values()
                    .all(|state| !state.contains_key("written"))
            );
            assert!(has_only_other_cookies(path, &answer), "{over:?} {path}");
            assert_eq!(answer.status, 200, "the answer itself arrives");
            setting.browser.receive(&answer);
            assert!(setting.is_signed_in().await, "{over:?} {path}");
        }
    }
}

#[actix_web::test]
async fn late_requests_change_nothing_after_the_sign_out() {
    for over in [Over::Random, Over::Chosen] {
        for path in [
            "/write",
            "/session/write",
            "/session/renew",
            "/session/purge",
        ] {
            let mut setting = Setting::new(over).await;
            setting.enter_code().await;
            let before = setting.browser.clone();
            let answer = setting.late(path, leave).await;
            assert!(has_only_other_cookies(path, &answer), "{over:?} {path}");
            setting.browser.receive(&answer);
            assert!(!setting.is_signed_in().await, "{over:?} {path}");
            setting.browser = before;
            assert!(
                !setting.is_signed_in().await,
                "{over:?} {path}: the old cookie"
            );
        }
    }
}

/// Whether an answer sets the cookie of the application, and no cookie of the session.
fn has_only_other_cookies(path: &str, answer: &TestAnswer) -> bool {
    let headers = answer.headers.iter();
    let cookies = headers
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, cookie)| cookie);
    let expected = if path == "/write" {
        vec![]
    } else {
        vec!["other=1"]
    };
    cookies.collect::<Vec<_>>() == expected
}

async fn leave(setting: &mut Setting) {
    let answer = setting.browser.post(&setting.service, "/leave", "").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/sign-in"))
    );
}

#[actix_web::test]
async fn late_requests_sign_nobody_in_without_the_wrapper() {
    for over in [Over::Plain, Over::Cookie] {
        // The user is asked to sign in again.
        let mut setting = Setting::new(over).await;
        let answer = setting.late("/write", Setting::enter_code).await;
        setting.browser.receive(&answer);
        assert!(!setting.is_signed_in().await, "{over:?}");
        // The old record or cookie is back, and it names a sign-in that is ended.
        let mut setting = Setting::new(over).await;
        setting.enter_code().await;
        let answer = setting.late("/write", leave).await;
        setting.browser.receive(&answer);
        assert!(!setting.is_signed_in().await, "{over:?}");
    }
}

#[actix_web::test]
async fn users_sign_in_again_right_after_the_sign_out() {
    for over in ALL {
        let mut setting = Setting::new(over).await;
        setting.enter_code().await;
        leave(&mut setting).await;
        setting
            .browser
            .enter(&setting.service, "alice", "password")
            .await;
        setting.enter_code().await;
        assert!(setting.is_signed_in().await, "{over:?}");
    }
}

#[actix_web::test]
async fn the_applications_data_moves_to_the_new_id() {
    for over in [Over::Random, Over::Chosen, Over::Plain] {
        let mut setting = Setting::new(over).await;
        setting.browser.get(&setting.service, "/write").await;
        setting.enter_code().await;
        let states = setting.store.sessions().into_values();
        let written = states.filter(|state| state.contains_key("written")).count();
        assert_eq!(written, 1, "{over:?}: not under the old id");
    }
}

/// Sends a code form twice, and returns both answers.
async fn twice(setting: &mut Setting, at_once: bool) -> [TestAnswer; 2] {
    let code = setting.fixture.next_code("alice");
    let form = setting.browser.code_form(&setting.service, &code).await;
    let form = setting.browser.prepare(form);
    let send = || setting.service.send(form.clone());
    let (first, second) = match at_once {
        true => tokio::join!(send(), send()),
        false => (send().await, send().await),
    };
    [first, second]
}

#[actix_web::test]
async fn both_answers_to_one_form_lead_to_one_sign_in() {
    for (over, at_once) in [Over::Random, Over::Chosen, Over::Cookie]
        .into_iter()
        .flat_map(|over| [(over, false), (over, true)])
    {
        let mut setting = Setting::new(over).await;
        let answers = twice(&mut setting, at_once).await;
        let mut browsers = Vec::new();
        for answer in &answers {
            let case = format!("{over:?}, at once: {at_once}");
            assert_eq!(
                (answer.status, answer.header("location")),
                (303, Some("/")),
                "{case}"
            );
            setting.browser.receive(answer);
            assert!(setting.is_signed_in().await, "{case}");
            browsers.push(setting.browser.clone());
        }
        let sessions = setting.store.sessions().len();
        match over {
            Over::Chosen => assert_eq!(sessions, 2, "the old one and the new one"),
            Over::Random => assert_eq!(sessions, 3, "the old one and two new ones"),
            _ => assert_eq!(sessions, 0),
        }
        // Both are the same sign-in.
        leave(&mut setting).await;
        for browser in browsers {
            setting.browser = browser;
            assert!(!setting.is_signed_in().await, "{over:?}");
        }
    }
}

#[actix_web::test]
async fn a_repeat_without_the_wrapper_signs_nobody_else_in() {
    let mut setting = Setting::new(Over::Plain).await;
    let [first, second] = twice(&mut setting, false).await;
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(second.header("location"), Some("/sign-in"));
    setting.browser.receive(&first);
    setting.browser.receive(&second);
    assert!(
        setting.is_signed_in().await,
        "the second answer sets no cookie"
    );
}

#[actix_web::test]
async fn pages_that_are_loaded_again_write_nothing() {
    for over in ALL {
        let mut setting = Setting::new(over).await;
        setting
            .browser
            .get(&setting.service, "/two-factor/code")
            .await;
        for path in ["/two-factor/code", "/", "/half", "/secret", "/nothing"] {
            let answer = setting.browser.get(&setting.service, path).await;
            assert_eq!(answer.header("set-cookie"), None, "{over:?} {path}");
        }
        setting.enter_code().await;
        setting.browser.get(&setting.service, "/two-factor").await;
        for path in ["/", "/half", "/secret", "/nothing"] {
            let answer = setting.browser.get(&setting.service, path).await;
            assert_eq!(answer.header("set-cookie"), None, "{over:?} {path}");
        }
    }
}

#[actix_web::test]
async fn a_sign_in_ends_with_its_row() {
    let mut setting = Setting::new(Over::Random).await;
    setting.enter_code().await;
    let alice = countersign_actix::gate::countersign::AccountId::new("alice").unwrap();
    setting.fixture.rows.end_others(&alice, None).await.unwrap();
    assert!(!setting.is_signed_in().await);
}
