//! A service with a database of its own, and people who use it.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use countersign::testing::{ManualClock, Phone};
use countersign::{AccountId, KeyId, Keyring, SealingKey, Timestamp, Verifier};
use countersign_store_testing::{Durability, Postgres, available};
use countersign_web::{App, Database, HostStore, Mail, Mailer, Settings, SharedClock};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::browser::{Browser, Page};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ALICE: &str = "alice@example.com";
pub(crate) const OPERATOR: &str = "operator@example.com";

static SERVER: LazyLock<Option<Postgres>> =
    LazyLock::new(|| available(Postgres::start(Durability::Fast)));

pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) database: Database,
    pub(crate) clock: ManualClock,
    key: SealingKey,
    mails: Outbox,
    _folder: Option<TempDir>,
}

#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Vec<Mail>>>);

impl Mailer for Outbox {
    fn send(&self, mail: Mail) {
        self.0.lock().unwrap().push(mail);
    }
}

impl Service {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("web.db").display());
        Self::open(&url, Some(folder), &[OPERATOR]).await
    }

    pub(crate) async fn on_sqlite_without_operators() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("web.db").display());
        Self::open(&url, Some(folder), &[]).await
    }

    /// On a database of its own, on the server that all tests share.
    pub(crate) async fn on_postgres() -> Option<Self> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let server = SERVER.as_ref()?;
        let name = format!("web{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create)
            .execute(&mut connection)
            .await
            .unwrap();
        let url = server.url();
        let (address, _) = url.rsplit_once('/').unwrap();
        Some(Self::open(&format!("{address}/{name}"), None, &[OPERATOR]).await)
    }

    async fn open(url: &str, folder: Option<TempDir>, operators: &[&str]) -> Self {
        let database = Database::open(url).await.unwrap();
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let mails = Outbox::default();
        let key = SealingKey::generate().unwrap();
        let app = App::new(Settings {
            database: database.clone(),
            keyring: Keyring::new(KeyId::new(1), key.clone()),
            origin: "http://service.test".into(),
            operators: operators.iter().map(|&email| email.into()).collect(),
            mailer: Arc::new(mails.clone()),
            clock: SharedClock::new(clock.clone()),
        });
        Self {
            router: app.await.unwrap().router(),
            database,
            clock,
            key,
            mails,
            _folder: folder,
        }
    }

    /// What a program of the staff does, next to the service.
    pub(crate) fn staff(&self) -> Verifier<HostStore> {
        let clock = SharedClock::new(self.clock.clone());
        let store = HostStore::new(self.database.clone(), clock.clone());
        let keyring = Keyring::new(KeyId::new(1), self.key.clone());
        let builder = Verifier::builder(store, keyring, "Example");
        builder.clock(clock).build().unwrap()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The subjects of the mails to somebody, without the name of the service.
    pub(crate) fn subjects(&self, to: &str) -> Vec<String> {
        let mails = self.mails.0.lock().unwrap();
        let mails = mails.iter().filter(|mail| mail.to == to);
        mails
            .map(|mail| mail.subject.replace("Example: ", ""))
            .collect()
    }

    pub(crate) fn last_mail(&self) -> Mail {
        self.mails.0.lock().unwrap().last().unwrap().clone()
    }

    /// The path of the link in the last mail.
    pub(crate) fn last_link(&self) -> String {
        let mail = self.last_mail();
        let link = mail.text.split_whitespace().last().unwrap();
        link.strip_prefix("http://service.test").unwrap().to_owned()
    }

    /// What the one query gives on either database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        match &self.database {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
            Database::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
        }
        .unwrap()
    }

    /// The account that has this number in the table of users.
    pub(crate) async fn account(&self, email: &str) -> AccountId {
        let sql = "SELECT id FROM users WHERE email = $1";
        let id: i64 = match &self.database {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).bind(email).fetch_one(pool).await,
            Database::Postgres(pool) => sqlx::query_scalar(sql).bind(email).fetch_one(pool).await,
        }
        .unwrap();
        id.into()
    }

    /// Waits for the mail with this subject.
    pub(crate) async fn tells(&self, to: &str, subject: &str) {
        let told = async {
            while !self.subjects(to).iter().any(|told| told == subject) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(60), told).await;
        told.unwrap_or_else(|_| panic!("{to} is never told: {subject}"));
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        match &self.database {
            Database::Sqlite(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
            Database::Postgres(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
        }
        .unwrap();
    }

    /// A browser in which somebody has just signed up.
    pub(crate) async fn newcomer(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.get("/sign-up").await;
        browser.post("/sign-up", &[("email", email)]).await;
        let link = self.last_link();
        browser.get(&link).await;
        let page = browser.post(&link, &[("password", PASSWORD)]).await;
        assert_eq!(page.location(), "/account");
        browser
    }

    /// A browser in which somebody has just signed up and enabled 2FA.
    pub(crate) async fn enrolled(&self, email: &str) -> (Browser, Phone) {
        let mut browser = self.newcomer(email).await;
        browser.get("/account").await;
        let page = browser.post("/two-factor/enable", &[]).await;
        let phone = self.confirm(&mut browser, &page).await;
        (browser, phone)
    }

    /// Scans the setup page that this answer leads to, and confirms.
    pub(crate) async fn confirm(&self, browser: &mut Browser, begun: &Page) -> Phone {
        let path = begun.location().to_owned();
        let phone = browser.get(&path).await.phone();
        let code = phone.passcode(self.clock.now());
        let page = browser.post(&path, &[("code", &code)]).await;
        assert_eq!(page.status, 303, "{}", page.body);
        assert_ne!(page.location(), path);
        phone
    }

    /// A code that was not used before: a step later.
    pub(crate) fn next(&self, phone: &Phone) -> String {
        self.wait(30);
        phone.passcode(self.clock.now())
    }

    /// A code that is not right in any step nearby.
    pub(crate) fn wrong(&self, phone: &Phone) -> String {
        let now = self.clock.now().as_unix();
        let right = [now - 30, now, now + 30].map(|at| phone.passcode(Timestamp::from_unix(at)));
        let mut codes = (0..10).map(|number| format!("{number:06}"));
        codes.find(|code| !right.contains(code)).unwrap()
    }

    /// Another browser, in which the password was right and the code is still to come.
    pub(crate) async fn half_signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.give_password(email, PASSWORD).await;
        assert_eq!(page.location(), "/sign-in/code");
        browser.get("/sign-in/code").await;
        browser
    }

    /// Another browser, in which somebody is signed in with both.
    pub(crate) async fn signed_in(&self, email: &str, phone: &Phone) -> Browser {
        let mut browser = self.half_signed_in(email).await;
        let code = self.next(phone);
        let page = browser.post("/sign-in/code", &[("code", &code)]).await;
        assert_eq!(page.location(), "/account");
        browser
    }

    /// Generates backup codes, and gives them as they are shown.
    pub(crate) async fn codes(&self, browser: &mut Browser) -> Vec<String> {
        browser.get("/two-factor/backup-codes").await;
        let page = browser
            .post_all("/two-factor/backup-codes", &[("password", PASSWORD)])
            .await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.codes()
    }
}
