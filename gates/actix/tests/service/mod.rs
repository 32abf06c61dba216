//! A small service over actix-session, and a client of it.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests, which do not use everything"
)]

use actix_session::storage::{
    CookieSessionStore, LoadError, SaveError, SessionKey, SessionStore, UpdateError,
    generate_session_key,
};
use actix_session::{Session, SessionMiddleware};
use actix_web::body::MessageBody;
use actix_web::cookie::Key;
use actix_web::cookie::time::Duration;
use actix_web::dev::ServiceResponse;
use actix_web::web::{self, Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use countersign_actix::gate::countersign::AccountId;
use countersign_actix::gate::countersign::session::Freshness;
use countersign_actix::gate::testing::SECRET;
use countersign_actix::testing::{Client, TestAnswer, TestRequest, TestService};
use countersign_actix::{
    AppService, Door, Endpoint, FirstFactorKind, Gate, GateApp, GateMessage, GateSessions, Gated,
    SaveAs, SignedIn,
};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// How the service keeps its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// A store in `GateSessions`, which draws its keys.
    Random,
    /// A store in `GateSessions`, with the keys that the gate chooses.
    Chosen,
    /// A store without `GateSessions`.
    Plain,
    /// The browser.
    Cookie,
}

pub(crate) const ALL: [Over; 4] = [Over::Random, Over::Chosen, Over::Plain, Over::Cookie];

/// Lets requests go on that were held back.
pub(crate) type Held = Arc<Notify>;

pub(crate) fn app(gate: Gate, held: Held) -> GateApp<impl Endpoint<Response = ServiceResponse>> {
    let fresh = Freshness::minutes(5).with_second_factor();
    let nested = web::scope("/secret/nested").default_service(web::to(secret));
    let open = web::scope("/open").default_service(web::to(async || "open"));
    GateApp::new(gate)
        .app_data(Data::from(held))
        .public("/", web::route().to(home))
        .public("/enter/{kind}", web::route().to(enter))
        .public(
            "/leave",
            web::route().to(async |door: Door| door.sign_out().await),
        )
        .public("/write", web::route().to(write))
        .public("/session/{change}", web::route().to(change))
        .first_factor("/half", web::route().to(async || "half"))
        .route("/secret", web::route().to(secret))
        .route(
            "/message",
            web::route().to(async |message: GateMessage| message.0.unwrap_or_default()),
        )
        .route("/secret/{id}", web::route().to(secret))
        .fresh("/fresh", fresh, web::route().to(secret))
        .service(nested)
        .public_service(open)
}

async fn secret() -> &'static str {
    SECRET
}

async fn home(user: Option<SignedIn>) -> String {
    let account = user.map(|user| format!(" {}", user.account()));
    format!("hello{}", account.unwrap_or_default())
}

async fn enter(
    door: Door,
    kind: Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> HttpResponse {
    let kind = match kind.as_str() {
        "email" => FirstFactorKind::Email,
        "sso" => FirstFactorKind::SingleSignOn,
        "passkey" => FirstFactorKind::Passkey,
        "token" => FirstFactorKind::ApiToken,
        "remembered" => FirstFactorKind::RememberedBrowser,
        _ => FirstFactorKind::Password,
    };
    let account = AccountId::new(form.get("account").cloned().unwrap_or_default()).unwrap();
    door.first_factor(account, kind).await
}

async fn write(session: Session, request: HttpRequest, held: Data<Notify>) -> &'static str {
    if request.headers().contains_key("x-hold") {
        held.notified().await;
    }
    session.insert("written", true).unwrap();
    "written"
}

/// Changes the session as the application could do it, without the gate, and sets another cookie.
async fn change(session: Session, change: Path<String>, held: Data<Notify>) -> HttpResponse {
    held.notified().await;
    match change.as_str() {
        "renew" => session.renew(),
        "purge" => session.purge(),
        _ => session.insert("written", true).unwrap(),
    }
    HttpResponse::Ok()
        .insert_header(("set-cookie", "other=1"))
        .finish()
}

/// Sends requests to the service.
#[derive(Clone)]
pub(crate) struct Service {
    send: Rc<dyn Fn(TestRequest) -> Answering>,
    pub(crate) held: Held,
}

type Answering = Pin<Box<dyn Future<Output = TestAnswer>>>;

impl Service {
    pub(crate) async fn of<B: MessageBody + 'static>(
        app: Gated<impl AppService<B>>,
        held: Held,
    ) -> Self {
        let app = Rc::new(TestService::new(app).await);
        let send = Rc::new(move |request| -> Answering {
            let app = Rc::clone(&app);
            Box::pin(async move { app.send(request).await })
        });
        Self { send, held }
    }

    /// Starts the service over this gate.
    pub(crate) async fn start(gate: Gate, over: Over, store: TestStore) -> Self {
        let (held, key) = (Held::default(), Key::from(&[7; 64]));
        let app = app(gate, Arc::clone(&held));
        match over {
            Over::Random => {
                let sessions = SessionMiddleware::new(GateSessions::new(store), key);
                Self::of(app.sessions(sessions).into_service(), held).await
            }
            Over::Chosen => {
                let store = GateSessions::with_chosen_keys(store);
                let sessions = SessionMiddleware::new(store, key);
                Self::of(app.sessions(sessions).into_service(), held).await
            }
            Over::Plain => {
                let sessions = SessionMiddleware::new(store, key);
                Self::of(app.wrap(sessions).into_service(), held).await
            }
            Over::Cookie => {
                let sessions = SessionMiddleware::new(CookieSessionStore::default(), key);
                Self::of(app.wrap(sessions).into_service(), held).await
            }
        }
    }
}

impl Client for Service {
    fn send(&self, request: TestRequest) -> impl Future<Output = TestAnswer> {
        (self.send)(request)
    }
}

/// Sessions in memory. They do not expire.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestStore(Arc<Mutex<HashMap<String, State>>>);

pub(crate) type State = HashMap<String, String>;

impl TestStore {
    /// Returns the keys and states.
    pub(crate) fn sessions(&self) -> HashMap<String, State> {
        self.0.lock().unwrap().clone()
    }
}

impl SessionStore for TestStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        Ok(self.0.lock().unwrap().get(key.as_ref()).cloned())
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        self.save_as(generate_session_key(), state, ttl).await
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        _: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        self.0
            .lock()
            .unwrap()
            .insert(key.as_ref().to_owned(), state);
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        self.0.lock().unwrap().remove(key.as_ref());
        Ok(())
    }
}

impl SaveAs for TestStore {
    async fn save_as(
        &self,
        key: SessionKey,
        state: State,
        _: &Duration,
    ) -> Result<SessionKey, SaveError> {
        self.0
            .lock()
            .unwrap()
            .entry(key.as_ref().to_owned())
            .or_insert(state);
        Ok(key)
    }
}
