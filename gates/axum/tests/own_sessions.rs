//! The gate over sessions of your own: what another session crate needs.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod service;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use countersign_axum::gate::testing::bypasses;
use countersign_axum::gate::{BoxError, Gate};
use countersign_axum::{GateService, GateSession, Renewal};
use service::service;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Sessions by their ids. A real store has a bound and an expiry.
type Store = Arc<Mutex<HashMap<String, String>>>;

/// The session of one request: its id, and the text of the gate.
#[derive(Clone)]
struct OwnSession {
    id: Arc<Mutex<Option<String>>>,
    store: Store,
}

impl OwnSession {
    fn id(&self) -> Option<String> {
        self.id.lock().unwrap().clone()
    }

    fn put(&self, id: String, text: String) {
        self.store.lock().unwrap().insert(id, text);
    }
}

impl GateSession for OwnSession {
    fn from_extensions(extensions: &Extensions) -> Option<Self> {
        extensions.get().cloned()
    }

    async fn read(&self) -> Result<Option<String>, BoxError> {
        let id = self.id().unwrap_or_default();
        Ok(self.store.lock().unwrap().get(&id).cloned())
    }

    async fn write(&self, text: String) -> Result<(), BoxError> {
        // The gate writes to a session that it has read, and renews every other one.
        let id = self.id().ok_or("there is no session")?;
        self.put(id, text);
        Ok(())
    }

    async fn renew(&self, renewal: Renewal) -> Result<(), BoxError> {
        let new = format!("{:032x}", u128::from_be_bytes(renewal.id));
        let old = self.id.lock().unwrap().replace(new.clone());
        let mut store = self.store.lock().unwrap();
        store.entry(new).or_insert(renewal.text);
        if let (Some(old), Some(left)) = (old, renewal.left) {
            store.insert(old, left);
        }
        Ok(())
    }

    async fn end(&self, left: String) -> Result<(), BoxError> {
        let old = self.id.lock().unwrap().take();
        self.put(old.ok_or("there is no session")?, left);
        Ok(())
    }
}

/// The layer of these sessions: it reads the cookie, and sets it when the id changes.
async fn sessions(State(store): State<Store>, mut request: Request, next: Next) -> Response {
    let cookies = request.headers().get(header::COOKIE);
    let id = cookies.and_then(|cookies| {
        let mut cookies = cookies.to_str().ok()?.split("; ");
        cookies.find_map(|cookie| cookie.strip_prefix("id="))
    });
    let known = id.filter(|id| store.lock().unwrap().contains_key(*id));
    let before = known.map(str::to_owned);
    let id = Arc::new(Mutex::new(before.clone()));
    let session = OwnSession { id, store };
    request.extensions_mut().insert(session.clone());
    let mut answer = next.run(request).await;
    let after = session.id();
    if after != before {
        let cookie = match after {
            Some(id) => format!("id={id}; HttpOnly; Secure; SameSite=Lax"),
            None => "id=; Max-Age=0".to_owned(),
        };
        let cookie = HeaderValue::try_from(cookie).unwrap();
        // The gate may set the cookie of a known browser, too.
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

fn started(gate: Gate) -> GateService {
    service::<OwnSession, _>(gate, from_fn_with_state(Store::default(), sessions))
}

#[tokio::test]
async fn no_bypass_opens_a_page() {
    let open = bypasses::refused(async |gate| started(gate)).await;
    assert!(open.is_empty(), "{open:#?}");
}

#[tokio::test]
async fn right_codes_open_the_pages() {
    let closed = bypasses::granted(async |gate| started(gate)).await;
    assert!(closed.is_empty(), "{closed:#?}");
}
