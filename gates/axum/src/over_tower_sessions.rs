use async_trait::async_trait;
use axum::http::Extensions;
use countersign_gate::countersign::Timestamp;
use countersign_gate::{BoxError, Renewal, SessionChange, SessionData};
use time::{Duration, OffsetDateTime};

use super::tower_sessions::session::{Id, Record};
use super::tower_sessions::session_store::{Error, ExpiredDeletion, Result as StoreResult};
use super::tower_sessions::{Session, SessionStore};
use crate::late::{self, Leaving};
use crate::session::GateSession;

/// The gate's text in a session.
const TEXT: &str = "countersign";
/// The id that the gate chose, on its way to the store.
const CHOSEN: &str = "countersign.id";

impl GateSession for Session {
    fn from_extensions(extensions: &Extensions) -> Option<Self> {
        extensions.get().cloned()
    }

    async fn read(&self) -> Result<Option<String>, BoxError> {
        Ok(self.get(TEXT).await?)
    }

    async fn write(&self, text: String) -> Result<(), BoxError> {
        Ok(self.insert(TEXT, text).await?)
    }

    async fn renew(&self, renewal: Renewal) -> Result<(), BoxError> {
        self.insert(TEXT, renewal.text).await?;
        let Some(old) = self.id() else {
            // It is new, and gets its first id when the layer stores it.
            return Ok(());
        };
        let (cycled, is_wrapped) = late::leaving(Leaving::Renewal, self.cycle_id()).await;
        cycled?;
        if is_wrapped {
            let chosen = Chosen {
                id: Id(i128::from_le_bytes(renewal.id)),
                old,
                left: renewal.left,
            };
            self.insert(CHOSEN, chosen.to_text()).await?;
        }
        Ok(())
    }

    async fn end(&self, left: String) -> Result<(), BoxError> {
        let (flushed, _) = late::leaving(Leaving::End(left), self.flush()).await;
        Ok(flushed?)
    }
}

/// The id that the gate chose for a new record.
struct Chosen {
    id: Id,
    old: Id,
    /// What stays under the old id. `None`: it is there, so the new record is likely to exist.
    left: Option<String>,
}

impl Chosen {
    fn to_text(&self) -> String {
        let left = self.left.as_deref().unwrap_or_default();
        format!("{} {} {left}", self.id, self.old)
    }

    /// Takes the id out of a record that is about to be created.
    fn take(record: &mut Record) -> Option<Self> {
        let value = record.data.remove(CHOSEN)?;
        let mut parts = value.as_str()?.splitn(3, ' ');
        Some(Self {
            id: parts.next()?.parse().ok()?,
            old: parts.next()?.parse().ok()?,
            left: parts
                .next()
                .filter(|left| !left.is_empty())
                .map(str::to_owned),
        })
    }
}

/// A store of sessions whose old ids stay harmless.
///
/// After the id of a session was renewed, and after a sign-out, a request can still come with the
/// old id: a second click, or a request that took long. Without this wrapper, tower-sessions lets
/// such a request bring the old session back, or set the browser's cookie back to the old id, or
/// delete the cookie. With it:
///
/// - A form that is sent twice gets the same session as the first time.
/// - A write under an old id changes nothing, and its answer sets no cookie.
/// - A write that keeps the id of the session sets no cookie either, unless the cookie has an age.
///   So an answer that is under way for long sets nothing back.
/// - A record stays under the old id for [`LEFT_FOR`](SessionChange::LEFT_FOR) seconds. It is
///   empty, but for what the gate needs to recognize the form.
///
/// Without the wrapper nobody gets in who should not: a session counts only with its row in your
/// table of sign-ins. But a double click or a slow request can lead the user back to the sign-in
/// page.
///
/// # Costs
///
/// A renewal is two writes: the new record, and the rest of the old one. Before it stores a session
/// under an id that exists, it loads the record once more. A write that comes between this load and
/// the store of the same session is not noticed. Then the old record comes back, which is worth
/// nothing without its row.
///
/// The cookie is taken off the answer by [`GateService`](crate::GateService). If a layer of yours
/// answers in a task of its own, a late write fails instead, and the layer of tower-sessions
/// answers with status 500.
///
/// If your store is a cache in front of another one, put the wrapper around both.
#[derive(Clone, Debug)]
pub struct GateSessions<Store> {
    store: Store,
}

impl<Store: SessionStore> GateSessions<Store> {
    /// Wraps your store.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Creates the record under the id that the gate chose, unless another request has done so, and
    /// then takes everything out of the old one.
    async fn renew(&self, record: &mut Record, chosen: Chosen) -> StoreResult<()> {
        if chosen.left.is_none()
            && let Some(existing) = self.store.load(&chosen.id).await?
        {
            if is_left(&existing) {
                // This id was renewed or ended too, so the browser has no use for its cookie.
                late::note_late();
            }
            *record = existing;
            return Ok(());
        }
        record.id = chosen.id;
        self.store.create(record).await?;
        if record.id != chosen.id {
            // The id exists, so the store took another one: two requests renew at the same moment.
            self.store.delete(&record.id).await?;
            *record = self.store.load(&chosen.id).await?.ok_or_else(gone)?;
        }
        match chosen.left {
            Some(left) => self.leave(chosen.old, left).await,
            None => Ok(()),
        }
    }

    /// Stores what is left of a session.
    async fn leave(&self, id: Id, left: String) -> StoreResult<()> {
        let seconds = i64::try_from(SessionChange::LEFT_FOR).unwrap_or_default();
        let record = Record {
            id,
            data: [(TEXT.to_owned(), left.into())].into(),
            expiry_date: OffsetDateTime::now_utc().saturating_add(Duration::seconds(seconds)),
        };
        self.store.save(&record).await
    }
}

#[async_trait]
impl<Store: SessionStore> SessionStore for GateSessions<Store> {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        match Chosen::take(record) {
            Some(chosen) => self.renew(record, chosen).await,
            None => self.store.create(record).await,
        }
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        match self.store.load(&record.id).await? {
            Some(stored) if !is_left(&stored) => {
                self.store.save(record).await?;
                late::note_saved(&record.id);
                Ok(())
            }
            _ if late::note_late() => Ok(()),
            _ => Err(gone()),
        }
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        self.store.load(id).await
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        match late::change() {
            Some(Leaving::Renewal) => Ok(()),
            Some(Leaving::End(left)) => self.leave(*id, left).await,
            // Your application, or a crate of yours, ends or renews the session.
            None => {
                let ended = SessionData::ended(Timestamp::now());
                self.leave(*id, ended.to_text()).await
            }
        }
    }
}

#[async_trait]
impl<Store: ExpiredDeletion> ExpiredDeletion for GateSessions<Store> {
    async fn delete_expired(&self) -> StoreResult<()> {
        self.store.delete_expired().await
    }
}

/// Whether this is what a renewal or an end left.
fn is_left(record: &Record) -> bool {
    let text = record.data.get(TEXT).and_then(|value| value.as_str());
    text.is_some_and(|text| SessionData::from_text(text).is_moved())
}

fn gone() -> Error {
    Error::Backend("the session ended or was renewed while this request ran".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tower_sessions::{self, MemoryStore};
    use super::*;
    use axum::http::header::{COOKIE, SET_COOKIE};
    use axum::http::{HeaderMap, HeaderValue};
    use std::sync::{Arc, Mutex};

    /// A store that notes its calls.
    #[derive(Clone, Debug, Default)]
    struct Noting {
        store: MemoryStore,
        calls: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Noting {
        fn note(&self, call: &'static str) {
            self.calls.lock().unwrap().push(call);
        }

        fn calls(&self) -> Vec<&'static str> {
            std::mem::take(&mut *self.calls.lock().unwrap())
        }
    }

    #[async_trait]
    impl SessionStore for Noting {
        async fn create(&self, record: &mut Record) -> StoreResult<()> {
            self.note("create");
            self.store.create(record).await
        }

        async fn save(&self, record: &Record) -> StoreResult<()> {
            self.note("save");
            self.store.save(record).await
        }

        async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
            self.note("load");
            self.store.load(id).await
        }

        async fn delete(&self, id: &Id) -> StoreResult<()> {
            self.note("delete");
            self.store.delete(id).await
        }
    }

    /// The request with a session id, as the layer of tower-sessions makes it.
    fn request(store: &GateSessions<Noting>, id: Option<Id>) -> Session {
        Session::new(id, Arc::new(store.clone()), None)
    }

    fn renewal(text: &str, left: Option<&str>) -> Renewal {
        let data = SessionData::default();
        let mut renewal = Renewal::new(&data, [7; 16], &data, false);
        renewal.text = text.to_owned();
        renewal.left = left.map(str::to_owned);
        renewal
    }

    async fn started() -> (Noting, GateSessions<Noting>, Id) {
        let noting = Noting::default();
        let store = GateSessions::new(noting.clone());
        let session = request(&store, None);
        session.write("half".to_owned()).await.unwrap();
        session.insert("own", 1).await.unwrap();
        session.save().await.unwrap();
        assert_eq!(noting.calls(), ["create"]);
        let id = session.id().unwrap();
        (noting, store, id)
    }

    fn moved() -> String {
        SessionData::ended(Timestamp::from_unix(1_800_000_000)).to_text()
    }

    #[tokio::test]
    async fn a_renewal_is_two_writes() {
        let (noting, store, old) = started().await;
        let session = request(&store, Some(old));
        session
            .renew(renewal("full", Some(&moved())))
            .await
            .unwrap();
        assert_eq!(noting.calls(), ["load"]);
        session.save().await.unwrap();
        assert_eq!(noting.calls(), ["create", "save"]);
        assert_eq!(session.id(), Some(Id(i128::from_le_bytes([7; 16]))));

        let new = request(&store, session.id());
        assert_eq!(new.read().await.unwrap().as_deref(), Some("full"));
        assert_eq!(new.get("own").await.unwrap(), Some(1));
        assert_eq!(new.get::<String>(CHOSEN).await.unwrap(), None);
        let late = request(&store, Some(old));
        assert_eq!(late.read().await.unwrap(), Some(moved()));
        assert_eq!(late.get::<u8>("own").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_repeat_keeps_the_new_session() {
        let (noting, store, old) = started().await;
        let session = request(&store, Some(old));
        session
            .renew(renewal("full", Some(&moved())))
            .await
            .unwrap();
        session.save().await.unwrap();
        let new = request(&store, session.id());
        new.insert("own", 2).await.unwrap();
        new.save().await.unwrap();
        noting.calls();

        let repeat = request(&store, Some(old));
        repeat.renew(renewal("full", None)).await.unwrap();
        repeat.save().await.unwrap();
        assert_eq!(noting.calls(), ["load", "load"]);
        assert_eq!(repeat.id(), session.id());
        assert_eq!(repeat.get("own").await.unwrap(), Some(2));
    }

    #[tokio::test]
    async fn a_repeat_after_another_renewal_sets_no_cookie() {
        let (_, store, old) = started().await;
        let mut id = old;
        for byte in [7, 8] {
            let session = request(&store, Some(id));
            let mut renewal = renewal("full", Some(&moved()));
            renewal.id = [byte; 16];
            session.renew(renewal).await.unwrap();
            session.save().await.unwrap();
            id = session.id().unwrap();
        }
        let repeat = request(&store, Some(old));
        let (saved, note) = late::noting(async {
            repeat.renew(renewal("full", None)).await.unwrap();
            repeat.save().await
        })
        .await;
        saved.unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("id=1"));
        let sent = late::SentCookies::of(&headers);
        headers.insert(SET_COOKIE, HeaderValue::from_static("id=7"));
        sent.keep(&note, &mut headers);
        assert!(headers.get(SET_COOKIE).is_none());
    }

    #[tokio::test]
    async fn renewals_at_once_get_one_session() {
        let (noting, store, old) = started().await;
        let (one, two) = (request(&store, Some(old)), request(&store, Some(old)));
        for session in [&one, &two] {
            session
                .renew(renewal("full", Some(&moved())))
                .await
                .unwrap();
        }
        one.save().await.unwrap();
        noting.calls();
        two.save().await.unwrap();
        assert_eq!(noting.calls(), ["create", "delete", "load", "save"]);
        assert_eq!(one.id(), two.id());
    }

    #[tokio::test]
    async fn a_repeat_after_a_crash_renews() {
        let (_, store, old) = started().await;
        // The first request died before its session was stored.
        let dropped = request(&store, Some(old));
        dropped
            .renew(renewal("full", Some(&moved())))
            .await
            .unwrap();
        drop(dropped);
        let repeat = request(&store, Some(old));
        assert_eq!(repeat.read().await.unwrap().as_deref(), Some("half"));
        repeat.renew(renewal("full", Some(&moved()))).await.unwrap();
        repeat.save().await.unwrap();
        let new = request(&store, repeat.id());
        assert_eq!(new.get("own").await.unwrap(), Some(1));
    }

    #[tokio::test]
    async fn a_late_write_fails_without_a_service() {
        let (_, store, old) = started().await;
        let late = request(&store, Some(old));
        late.insert("own", 3).await.unwrap();
        let ending = request(&store, Some(old));
        ending.end(moved()).await.unwrap();
        assert!(ending.is_empty().await, "the layer deletes the cookie");
        late.save().await.unwrap_err();
        // The record is gone after a minute.
        store.store.store.delete(&old).await.unwrap();
        late.save().await.unwrap_err();
        assert!(store.load(&old).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn your_own_end_of_a_session_holds() {
        let (_, store, old) = started().await;
        let late = request(&store, Some(old));
        late.insert("own", 3).await.unwrap();
        request(&store, Some(old)).flush().await.unwrap();
        late.save().await.unwrap_err();
        let stored = store.load(&old).await.unwrap().unwrap();
        assert!(is_left(&stored));
        let soon = OffsetDateTime::now_utc() + Duration::seconds(60);
        assert!(stored.expiry_date <= soon);
    }

    #[tokio::test]
    async fn without_the_wrapper_the_id_is_renewed() {
        let store = Arc::new(Noting::default());
        let session = Session::new(None, Arc::clone(&store), None);
        session.write("half".to_owned()).await.unwrap();
        session.save().await.unwrap();
        let old = session.id();
        let session = Session::new(old, Arc::clone(&store), None);
        session
            .renew(renewal("full", Some(&moved())))
            .await
            .unwrap();
        session.save().await.unwrap();
        assert_ne!(session.id(), old);
        assert_eq!(session.get::<String>(CHOSEN).await.unwrap(), None);
        assert!(store.load(&old.unwrap()).await.unwrap().is_none());
        let _: Option<tower_sessions::Expiry> = session.expiry();
    }
}
