use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::Duration;
use countersign_gate::{SessionChange, SessionData};
use std::collections::HashMap;

use super::KEY;
use super::order::{self, Order};

type State = HashMap<String, String>;

/// Wraps your session store, so that a request that comes late, or twice, does no harm.
///
/// ```no_run
/// # use actix_session::{SessionMiddleware, storage::{CookieSessionStore, SessionStore}};
/// # use actix_web::cookie::Key;
/// # use countersign_actix::{Gate, GateApp, GateSessions};
/// # fn example(gate: Gate, store: CookieSessionStore, key: Key) {
/// let app = GateApp::new(gate).sessions(SessionMiddleware::new(GateSessions::new(store), key));
/// # }
/// ```
///
/// After a sign-in or a sign-out, the old key stays for a minute, with nothing that counts:
///
/// - If the code form is sent twice, the second answer leads to the same sign-in.
/// - If another request with the old key writes, nothing is stored. Its answer sets and deletes no
///   cookie, so the browser stays signed in.
///
/// Without this wrapper, your service is as safe, because a session is worth nothing without its
/// row in the table of sign-ins. But a request that comes late can set the browser's cookie back to
/// the old session; then the user must sign in again. And the second answer to a code form that was
/// sent twice leads to the sign-in page.
///
/// The wrapper loads a session once more before each write. Two requests that write in the same
/// instant still can overwrite each other, because actix-session has no conditional write.
///
/// Use it with [`GateApp::sessions`](crate::GateApp::sessions). In another place, an answer to a
/// request that writes late has status 500.
#[derive(Clone, Copy, Debug)]
pub struct GateSessions<Store, Keys = RandomKeys> {
    store: Store,
    keys: Keys,
}

impl<Store: SessionStore> GateSessions<Store> {
    /// Wraps a store that draws its own keys. A code form that is sent twice leads to two sessions
    /// of the same sign-in.
    pub const fn new(store: Store) -> Self {
        let keys = RandomKeys(());
        Self { store, keys }
    }
}

impl<Store: SaveAs> GateSessions<Store, ChosenKeys> {
    /// Wraps a store that takes the key that the gate chooses. A code form that is sent twice leads
    /// to one session.
    pub const fn with_chosen_keys(store: Store) -> Self {
        let keys = ChosenKeys(());
        Self { store, keys }
    }
}

/// A session store that can save under a given key.
pub trait SaveAs: SessionStore {
    /// Saves a new session under this key. If the key exists, this changes nothing.
    ///
    /// # Errors
    /// If it is not stored.
    fn save_as(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> impl Future<Output = Result<SessionKey, SaveError>>;
}

/// Who chooses the key of a renewed session.
pub trait KeyChoice<Store>: sealed::Sealed {
    #[doc(hidden)]
    fn save(
        &self,
        store: &Store,
        key: String,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> impl Future<Output = Result<SessionKey, SaveError>>;
}

/// The store draws the keys.
#[derive(Clone, Copy, Debug)]
pub struct RandomKeys(());

/// The gate chooses the keys.
#[derive(Clone, Copy, Debug)]
pub struct ChosenKeys(());

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::RandomKeys {}
    impl Sealed for super::ChosenKeys {}
}

impl<Store: SessionStore> KeyChoice<Store> for RandomKeys {
    async fn save(
        &self,
        store: &Store,
        _: String,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, SaveError> {
        store.save(state, ttl).await
    }
}

impl<Store: SaveAs> KeyChoice<Store> for ChosenKeys {
    async fn save(
        &self,
        store: &Store,
        key: String,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, SaveError> {
        let key = SessionKey::try_from(key).map_err(|error| SaveError::Other(error.into()))?;
        store.save_as(key, state, ttl).await
    }
}

/// How long the rest of a session stays under its old key.
const LEFT_FOR: Duration = Duration::seconds(SessionChange::LEFT_FOR.cast_signed());

impl<Store: SessionStore, Keys> GateSessions<Store, Keys> {
    /// Whether a request still may write to the session: neither moved nor ended in the meantime.
    async fn is_live(&self, key: &SessionKey) -> Result<bool, LoadError> {
        let state = self.store.load(key).await?;
        Ok(state.is_some_and(|state| !is_moved(&state)))
    }
}

fn is_moved(state: &State) -> bool {
    let data = state.get(KEY).map(|text| SessionData::from_text(text));
    data.is_some_and(|data| data.is_moved())
}

/// The answer to a late request.
#[derive(Debug, thiserror::Error)]
#[error("a late request wrote to a session that was renewed or ended; use `GateApp::sessions`")]
struct Late;

impl<Store: SessionStore, Keys: KeyChoice<Store>> SessionStore for GateSessions<Store, Keys> {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        self.store.load(key).await
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        match Order::of_request() {
            Some(Order::Renew { key, .. }) => self.keys.save(&self.store, key, state, ttl).await,
            // `delete` has refused already. Nobody sees this key.
            _ if order::is_refused() => Ok(generate_session_key()),
            _ => self.store.save(state, ttl).await,
        }
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        match self.is_live(&key).await {
            Ok(true) => self.store.update(key, state, ttl).await,
            Ok(false) if order::refuse() => Ok(key),
            Ok(false) => Err(UpdateError::Other(Late.into())),
            Err(error) => Err(UpdateError::Other(error.into())),
        }
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), anyhow::Error> {
        if self.is_live(key).await? {
            self.store.update_ttl(key, ttl).await
        } else if order::refuse() {
            Ok(())
        } else {
            Err(Late.into())
        }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        if let Some(order) = Order::of_request() {
            if let Some(left) = order.left() {
                let state = State::from([(KEY.to_owned(), left)]);
                let key = SessionKey::try_from(key.as_ref().to_owned())?;
                self.store.update(key, state, &LEFT_FOR).await?;
            }
            return Ok(());
        }
        if self.is_live(key).await? {
            self.store.delete(key).await
        } else if order::refuse() {
            Ok(())
        } else {
            Err(Late.into())
        }
    }
}
