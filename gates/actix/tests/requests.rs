//! What the adapter does with requests, answers, and sessions of other crates.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod service;

use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpServer, get, test, web};
use countersign_actix::gate::countersign::session::{FactorFlag, Requirement};
use countersign_actix::gate::countersign::store::MemoryStore;
use countersign_actix::gate::countersign::testing::{ManualClock, Phone};
use countersign_actix::gate::countersign::{
    AccountId, AuthenticatorName, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp,
    Verifier,
};
use countersign_actix::gate::page::{Content, Page};
use countersign_actix::gate::testing::{Browser, Client, Fixture, SECRET, TestRequest};
use countersign_actix::gate::{BoxError, GateRequest, MemoryRows, Separate, SignInRows};
use countersign_actix::{
    Accounts, Door, FirstFactorKind, Fresh, Gate, GateApp, GateSession, HalfSignedIn,
    PasswordCheck, Renewal, SignedIn,
};
use service::{Held, Over, Service, TestStore, app};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

async fn start() -> (Fixture, Service) {
    let fixture = Fixture::new().await.unwrap();
    let service = Service::start(fixture.gate.clone(), Over::Chosen, TestStore::default()).await;
    (fixture, service)
}

#[actix_web::test]
async fn large_bodies_are_refused() {
    let (_fixture, service) = start().await;
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    for (length, status) in [
        (GateRequest::LARGEST_BODY, 403),
        (GateRequest::LARGEST_BODY + 1, 413),
    ] {
        let answer = browser
            .post(&service, "/two-factor/code", &"x".repeat(length))
            .await;
        assert_eq!(answer.status, status, "{length}");
    }
}

#[actix_web::test]
async fn own_pages_take_three_methods() {
    let (_fixture, service) = start().await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let answer = service
            .send(TestRequest::new(method, "/two-factor/code"))
            .await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD, POST"))
        );
    }
}

/// RFC 9470.
#[actix_web::test]
async fn programs_are_challenged_for_fresh_factors() {
    let (fixture, held) = (Fixture::new().await.unwrap(), Held::default());
    let extracted = web::route().to(async |_: Fresh<5>| SECRET);
    let app = app(fixture.gate.clone(), held.clone()).route("/extracted", extracted);
    let sessions = SessionMiddleware::new(CookieSessionStore::default(), Key::from(&[7; 64]));
    let service = Service::of(app.wrap(sessions).into_service(), held).await;
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    let code = fixture.next_code("alice");
    browser.enter_code(&service, &code).await;
    let json = |path| TestRequest::new("GET", path).header("accept", "application/json");
    for path in ["/fresh", "/extracted"] {
        assert!(browser.send(&service, json(path)).await.is_open(), "{path}");
    }
    fixture.clock.advance(Duration::from_secs(360));
    for path in ["/fresh", "/extracted"] {
        let answer = browser.send(&service, json(path)).await;
        assert_eq!(answer.status, 401, "{path}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""));
        assert!(challenge.ends_with("max_age=\"300\""), "{challenge}");
    }
}

#[actix_web::test]
async fn programs_get_problems() {
    let (_fixture, service) = start().await;
    let mut browser = Browser::new();
    let json = |path: &str| TestRequest::new("GET", path).header("accept", "application/json");
    let answer = browser.send(&service, json("/secret")).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (401, Some("application/problem+json"))
    );
    browser.enter(&service, "alice", "password").await;
    for path in ["/secret", "/nowhere", "/secret/nested/a"] {
        let answer = browser.send(&service, json(path)).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn browsers_are_sent_where_they_go_on() {
    let (fixture, service) = start().await;
    let mut browser = Browser::new();
    let to = async |browser: &mut Browser, path: &str| {
        let answer = browser.get(&service, path).await;
        (
            answer.status,
            answer.header("location").unwrap_or_default().to_owned(),
        )
    };
    for path in ["/secret", "/fresh", "/half", "/nowhere", "/secret/nested/a"] {
        assert_eq!(
            to(&mut browser, path).await,
            (303, "/sign-in".to_owned()),
            "{path}"
        );
    }
    browser.enter(&service, "alice", "password").await;
    for path in ["/secret", "/fresh", "/nowhere", "/secret/nested/a"] {
        assert_eq!(
            to(&mut browser, path).await,
            (303, "/two-factor/code".to_owned()),
            "{path}"
        );
    }
    assert_eq!(browser.get(&service, "/half").await.text(), "half");
    browser
        .enter_code(&service, &fixture.next_code("alice"))
        .await;
    assert_eq!(browser.get(&service, "/nowhere").await.status, 404);
    assert!(browser.get(&service, "/fresh").await.is_open());
    fixture.clock.advance(Duration::from_secs(6 * 60));
    let (status, prove) = to(&mut browser, "/fresh?a=1").await;
    assert_eq!(status, 303);
    let expected = "/two-factor/prove?to=%2Ffresh%3Fa%3D1";
    assert!(prove.starts_with(expected), "{prove}");
    assert!(browser.get(&service, "/secret").await.is_open());
}

async fn who(user: SignedIn) -> String {
    assert_eq!(user.check_csrf(user.csrf()), Ok(()));
    assert!(user.check_csrf("").is_err() && user.check_csrf("0").is_err());
    user.account().to_string()
}

async fn half(user: HalfSignedIn) -> String {
    user.account().to_string()
}

async fn fresh(Fresh(user): Fresh<5>) -> String {
    user.account().to_string()
}

#[get("/macro")]
async fn with_macro(user: SignedIn) -> String {
    user.account().to_string()
}

#[actix_web::test]
async fn extractors_refuse_on_open_routes() {
    let fixture = Fixture::new().await.unwrap();
    let sessions = SessionMiddleware::new(TestStore::default(), Key::from(&[7; 64]));
    let held = Held::default();
    let app = app(fixture.gate.clone(), held.clone())
        .public("/who", web::get().to(who))
        .public("/half-open", web::get().to(half))
        .public("/fresh-open", web::get().to(fresh))
        .service(with_macro)
        .wrap(sessions);
    let service = Service::of(app.into_service(), held).await;
    let mut browser = Browser::new();
    let paths = ["/who", "/half-open", "/fresh-open", "/macro"];
    for path in paths {
        assert_eq!(browser.get(&service, path).await.status, 303, "{path}");
    }
    browser.enter(&service, "alice", "password").await;
    assert_eq!(browser.get(&service, "/half-open").await.text(), "alice");
    for path in ["/who", "/fresh-open", "/macro"] {
        assert_eq!(browser.get(&service, path).await.status, 303, "{path}");
    }
    browser
        .enter_code(&service, &fixture.next_code("alice"))
        .await;
    for path in ["/who", "/fresh-open", "/macro"] {
        assert_eq!(browser.get(&service, path).await.text(), "alice", "{path}");
    }
    assert_eq!(browser.get(&service, "/").await.text(), "hello alice");
    fixture.clock.advance(Duration::from_secs(301));
    assert_eq!(browser.get(&service, "/fresh-open").await.status, 303);
}

#[actix_web::test]
async fn extractors_fail_without_a_gate() {
    let app = actix_web::App::new()
        .route("/who", web::get().to(who))
        .route(
            "/door",
            web::get().to(async |door: Door| door.sign_out().await),
        );
    let app = test::init_service(app).await;
    for path in ["/who", "/door"] {
        let answer = test::call_service(&app, test::TestRequest::with_uri(path).to_request()).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[actix_web::test]
async fn real_servers_answer_head_without_a_body() {
    let fixture = Fixture::new().await.unwrap();
    let gate = fixture.gate.clone();
    let server = HttpServer::new(move || {
        let sessions = SessionMiddleware::new(CookieSessionStore::default(), Key::from(&[7; 64]));
        let app = GateApp::new(gate.clone());
        app.public("/", web::get().to(async || "hello"))
            .wrap(sessions)
            .into_service()
    });
    let server = server
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let ask = move |method: &str, path: &str| {
        use std::io::{Read, Write};
        let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        actix_web::rt::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
    };
    let get = ask("GET", "/two-factor/assets/none").await.unwrap();
    let head = ask("HEAD", "/two-factor/assets/none").await.unwrap();
    let (get_head, body) = get.split_once("\r\n\r\n").unwrap();
    let (head_head, none) = head.split_once("\r\n\r\n").unwrap();
    assert!(
        get_head.starts_with("HTTP/1.1 404") && !body.is_empty(),
        "{get}"
    );
    assert_eq!(
        (head_head.lines().next(), none),
        (get_head.lines().next(), "")
    );
    // Paths of a form that no test request can have.
    for path in ["*", "http://a/nowhere", "/nowhere/../nowhere"] {
        let answer = ask("GET", path).await.unwrap();
        let is_refused = answer.starts_with("HTTP/1.1 303") || answer.starts_with("HTTP/1.1 400");
        assert!(is_refused, "{path}: {answer}");
    }
    handle.stop(false).await;
}

/// A session crate of our own: the session has an id in a cookie, and lives in memory. With the
/// trait it has fewer than 40 lines.
#[derive(Clone)]
struct OwnSession {
    all: Rc<RefCell<HashMap<String, String>>>,
    /// The id that the request has, and then the one that the answer gets.
    id: Rc<RefCell<Option<String>>>,
}

impl GateSession for OwnSession {
    fn from_request(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    async fn read(&self) -> Result<Option<String>, BoxError> {
        let id = self.id.borrow();
        Ok(id
            .as_ref()
            .and_then(|id| self.all.borrow().get(id).cloned()))
    }

    async fn write(&self, text: String) -> Result<(), BoxError> {
        let count = self.all.borrow().len();
        let id = self
            .id
            .borrow_mut()
            .get_or_insert_with(|| format!("new-{count}"))
            .clone();
        self.all.borrow_mut().insert(id, text);
        Ok(())
    }

    async fn renew(&self, renewal: Renewal) -> Result<(), BoxError> {
        let id = format!("{:032x}", u128::from_be_bytes(renewal.id));
        if let (Some(old), Some(left)) = (self.id.replace(Some(id)), renewal.left) {
            self.all.borrow_mut().insert(old, left);
        }
        self.write(renewal.text).await
    }

    async fn end(&self, left: String) -> Result<(), BoxError> {
        self.write(left).await?;
        self.id.replace(None);
        Ok(())
    }
}

#[actix_web::test]
async fn another_session_crate_fits() {
    let fixture = Fixture::new().await.unwrap();
    let all = Rc::new(RefCell::new(HashMap::new()));
    let middleware = actix_web::middleware::from_fn(
        move |request: actix_web::dev::ServiceRequest, next: actix_web::middleware::Next<_>| {
            let id = request
                .cookie("own")
                .map(|cookie| cookie.value().to_owned());
            let session = OwnSession {
                all: Rc::clone(&all),
                id: Rc::new(RefCell::new(id.clone())),
            };
            request.extensions_mut().insert(session.clone());
            async move {
                let mut answer: actix_web::dev::ServiceResponse<actix_web::body::BoxBody> =
                    next.call(request).await?;
                let new = session.id.borrow().clone();
                if new != id {
                    let mut cookie =
                        actix_web::cookie::Cookie::new("own", new.clone().unwrap_or_default());
                    if new.is_none() {
                        cookie.make_removal();
                    }
                    answer.response_mut().add_cookie(&cookie).unwrap();
                }
                Ok::<_, actix_web::Error>(answer)
            }
        },
    );
    let enter = async |door: Door| {
        let account = AccountId::new("alice").unwrap();
        door.first_factor(account, FirstFactorKind::Password).await
    };
    let app = GateApp::with_session::<OwnSession>(fixture.gate.clone())
        .public("/enter/password", web::post().to(enter))
        .public(
            "/leave",
            web::post().to(async |door: Door| door.sign_out().await),
        )
        .route(
            "/secret",
            web::get().to(async || HttpResponse::Ok().body("the secret")),
        )
        .wrap(middleware);
    let service = Service::of(app.into_service(), Held::default()).await;
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    assert!(!browser.get(&service, "/secret").await.is_open());
    let before = browser.clone();
    browser
        .enter_code(&service, &fixture.next_code("alice"))
        .await;
    assert!(browser.get(&service, "/secret").await.is_open());
    assert!(!before.clone().get(&service, "/secret").await.is_open());
    browser.post(&service, "/leave", "").await;
    assert!(!browser.get(&service, "/secret").await.is_open());
}

/// An account with the longest id of letters, on pages that are lines.
struct Longest;

impl Accounts for Longest {
    async fn account_name(&self, _: &AccountId) -> Result<String, BoxError> {
        Ok("alice".to_owned())
    }

    async fn check_password(&self, _: &AccountId, _: &str) -> Result<PasswordCheck, BoxError> {
        Ok(PasswordCheck::Right)
    }
}

#[actix_web::test]
async fn the_largest_cookie_fits_into_a_browser() {
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    let rows = MemoryRows::new();
    let store = Separate::new(MemoryStore::new(), rows.clone());
    let keyring = Keyring::new(KeyId::new(u32::MAX), SealingKey::generate().unwrap());
    let verifier = Verifier::builder(store, keyring, "Example").clock(clock.clone());
    let verifier = verifier.build().unwrap();
    let account = AccountId::new("x".repeat(AccountId::MAX_BYTES)).unwrap();
    let request = EnrollmentRequest::new("alice");
    let proof = Proof::Password {
        checked_at: clock.now(),
    };
    let begun = verifier
        .begin_enrollment(&account, request, proof)
        .await
        .unwrap();
    let phone = Phone::scan(begun.key_uri().to_secret_text().expose()).unwrap();
    let code = phone.passcode(clock.now());
    let _ = verifier
        .confirm_enrollment(&account, begun.id(), &code)
        .await
        .unwrap();
    rows.set_flag(&account, FactorFlag::On).await.unwrap();
    let pages = |page: &Page| -> Result<String, BoxError> {
        let request = match &page.content {
            Content::Code(code) => code.request.as_str(),
            _ => "",
        };
        Ok(format!("csrf: {}\nrequest: {request}\n", page.frame.csrf))
    };
    let gate = Gate::builder(verifier, Longest)
        .clock(clock.clone())
        .pages(pages)
        .build();
    let service = Service::start(gate, Over::Cookie, TestStore::default()).await;
    let mut browser = Browser::new();
    let mut sizes = vec![0];
    browser.enter(&service, account.as_str(), "password").await;
    sizes.push(browser.cookie_header().len());
    browser.enter_code(&service, "000000").await;
    sizes.push(browser.cookie_header().len());
    clock.advance(Duration::from_secs(90));
    browser
        .enter_code(&service, &phone.passcode(clock.now()))
        .await;
    sizes.push(browser.cookie_header().len());
    let csrf = browser
        .get(&service, "/two-factor/add")
        .await
        .field("csrf")
        .unwrap();
    // Two bytes each in UTF-8.
    let name = "%C3%A4".repeat(AuthenticatorName::MAX_BYTES / 2);
    let body = format!("csrf={csrf}&name={name}");
    let answer = browser.post(&service, "/two-factor/add", &body).await;
    let setup = answer.header("location").unwrap().to_owned();
    assert!(setup.starts_with("/two-factor/setup/"), "{setup}");
    sizes.push(browser.cookie_header().len());
    browser
        .post(&service, &setup, &format!("csrf={csrf}&code=000000"))
        .await;
    sizes.push(browser.cookie_header().len());
    // A name that is too long comes back to the form.
    let body = format!("csrf={csrf}&name={}", "x".repeat(10_000));
    browser.post(&service, "/two-factor/add", &body).await;
    sizes.push(browser.cookie_header().len());
    // Backup codes, and the digest of their file.
    let body = format!("csrf={csrf}");
    browser
        .post(&service, "/two-factor/backup-codes", &body)
        .await;
    sizes.push(browser.cookie_header().len());
    browser.get(&service, "/two-factor/backup-codes").await;
    sizes.push(browser.cookie_header().len());
    println!("cookies of {sizes:?} bytes");
    assert!(
        sizes.iter().all(|size| *size <= LARGEST_COOKIE),
        "{sizes:?}"
    );
}

/// Accounts that must enroll from tomorrow on.
struct Grace;

impl Accounts for Grace {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(account.as_str().to_owned())
    }

    async fn check_password(&self, _: &AccountId, _: &str) -> Result<PasswordCheck, BoxError> {
        Ok(PasswordCheck::Right)
    }

    async fn requirement(&self, _: &AccountId) -> Result<Requirement, BoxError> {
        let tomorrow = Timestamp::now().saturating_add(86_400);
        Ok(Requirement::RequiredFrom(tomorrow))
    }
}

#[actix_web::test]
async fn a_message_is_taken_once() {
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
    let store = Separate::new(MemoryStore::new(), MemoryRows::new());
    let verifier = Verifier::builder(store, keyring, "Example")
        .build()
        .unwrap();
    let gate = Gate::builder(verifier, Grace).build();
    let service = Service::start(gate, Over::Chosen, TestStore::default()).await;
    let mut browser = Browser::new();
    browser.enter(&service, "alice", "password").await;
    let first = browser.get(&service, "/message").await;
    assert!(!first.body.is_empty(), "{first:?}");
    let second = browser.get(&service, "/message").await;
    assert_eq!(second.status, 200);
    assert!(second.body.is_empty(), "{second:?}");
}

/// The README names this figure. A browser drops a cookie whose name and value have more than 4,096
/// bytes.
const LARGEST_COOKIE: usize = 1_500;
