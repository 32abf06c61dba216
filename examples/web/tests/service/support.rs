//! A service with a separate database, and its users.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use countersign::store::BoxStore;
use countersign::testing::{ManualClock, Phone};
use countersign::{AccountId, KeyId, Keyring, SealingKey, Timestamp, Verifier};
use countersign_axum::GateService;
use countersign_store_testing::{Durability, Postgres, available};
use countersign_web::{App, Database, Mail, Mailer, Settings};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::browser::Browser;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ALICE: &str = "alice@example.com";
pub(crate) const OPERATOR: &str = "operator@example.com";

static SERVER: LazyLock<Option<Postgres>> =
    LazyLock::new(|| available(Postgres::start(Durability::Fast)));

/// The URL of a new database of the shared server.
pub(crate) async fn new_postgres_database() -> Option<String> {
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
    Some(format!("{address}/{name}"))
}

pub(crate) struct Service {
    pub(crate) router: GateService,
    pub(crate) database: Database,
    pub(crate) clock: ManualClock,
    key: SealingKey,
    mails: Outbox,
    _directory: Option<TempDir>,
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
        Self::on_sqlite_with(&[OPERATOR]).await
    }

    pub(crate) async fn on_sqlite_without_operators() -> Self {
        Self::on_sqlite_with(&[]).await
    }

    async fn on_sqlite_with(operators: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("web.db").display());
        Self::open(&url, Some(directory), operators).await
    }

    /// Opens a service on a new database of the shared server.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let url = new_postgres_database().await?;
        Some(Self::open(&url, None, &[OPERATOR]).await)
    }

    async fn open(url: &str, directory: Option<TempDir>, operators: &[&str]) -> Self {
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
            clock: Arc::new(clock.clone()),
        });
        Self {
            router: app.await.unwrap().service(),
            database,
            clock,
            key,
            mails,
            _directory: directory,
        }
    }

    /// The verifier of a program for the staff.
    pub(crate) fn staff(&self) -> Verifier<BoxStore> {
        let clock = Arc::new(self.clock.clone());
        let store = self.database.store().unwrap();
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

    /// The subjects of the mails to an address, without the name of the service.
    pub(crate) fn subjects(&self, to: &str) -> Vec<String> {
        let mails = self.mails.0.lock().unwrap();
        let mails = mails.iter().filter(|mail| mail.to == to);
        mails
            .map(|mail| mail.subject.replace("Example: ", ""))
            .collect()
    }

    pub(crate) fn last_subject(&self, to: &str) -> String {
        self.subjects(to).pop().unwrap()
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

    /// Runs a query with one number as the result.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        match &self.database {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
            Database::Postgres { pool, .. } => sqlx::query_scalar(sql).fetch_one(pool).await,
        }
        .unwrap()
    }

    /// The account of this email address.
    pub(crate) async fn account(&self, email: &str) -> AccountId {
        let sql = "SELECT id FROM users WHERE email = $1";
        let id: i64 = match &self.database {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).bind(email).fetch_one(pool).await,
            Database::Postgres { pool, .. } => {
                sqlx::query_scalar(sql).bind(email).fetch_one(pool).await
            }
        }
        .unwrap();
        id.into()
    }

    /// Waits for the mail with this subject.
    pub(crate) async fn wait_for_mail(&self, to: &str, subject: &str) {
        let arrived = async {
            while !self.subjects(to).iter().any(|found| found == subject) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let arrived = tokio::time::timeout(Duration::from_secs(60), arrived).await;
        arrived.unwrap_or_else(|_| panic!("no mail to {to}: {subject}"));
    }

    /// Sends a form with a backup code, and disconnects when the attempt is stored, before the
    /// password hash.
    pub(crate) async fn disconnect_during_hash(
        &self,
        browser: &Browser,
        mut request: Request<Body>,
    ) {
        browser.add_cookie(&mut request);
        let handler = tokio::spawn(self.router.clone().oneshot(request));
        let before = self.revisions().await;
        while self.revisions().await == before {
            tokio::task::yield_now().await;
        }
        handler.abort();
    }

    /// Changes with every write to a record.
    async fn revisions(&self) -> Option<i64> {
        let sql = "SELECT CAST(SUM(revision % 1000000007) AS BIGINT) FROM countersign";
        match &self.database {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
            Database::Postgres { pool, .. } => sqlx::query_scalar(sql).fetch_one(pool).await,
        }
        .unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        match &self.database {
            Database::Sqlite(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
            Database::Postgres { pool, .. } => sqlx::query(sql).execute(pool).await.map(|_| ()),
        }
        .unwrap();
    }

    /// A browser in which a user has just signed up.
    pub(crate) async fn signed_up(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.get("/sign-up").await;
        browser.post("/sign-up", &[("email", email)]).await;
        let link = self.last_link();
        browser.get(&link).await;
        let page = browser.post(&link, &[("password", PASSWORD)]).await;
        assert_eq!(page.location(), "/account");
        browser
    }

    /// A browser in which a user has just signed up and enabled 2FA.
    pub(crate) async fn enrolled(&self, email: &str) -> (Browser, Phone) {
        let mut browser = self.signed_up(email).await;
        let phone = self.enable(&mut browser).await;
        (browser, phone)
    }

    /// Enables 2FA, and returns the phone.
    pub(crate) async fn enable(&self, browser: &mut Browser) -> Phone {
        let path = browser.start_setup().await;
        self.confirm(browser, &path).await
    }

    /// Scans the QR code of a setup page, and confirms.
    pub(crate) async fn confirm(&self, browser: &mut Browser, path: &str) -> Phone {
        let phone = browser.get(path).await.phone();
        let code = phone.passcode(self.clock.now());
        let page = browser.post(path, &[("code", &code)]).await;
        assert_eq!(page.status, 303, "{}", page.body);
        assert_ne!(page.location(), path);
        phone
    }

    /// A passcode of the next time step.
    pub(crate) fn next(&self, phone: &Phone) -> String {
        self.wait(30);
        phone.passcode(self.clock.now())
    }

    /// A passcode that is wrong at every time step near now.
    pub(crate) fn wrong(&self, phone: &Phone) -> String {
        self.many_wrong(phone).swap_remove(0)
    }

    /// Several such passcodes. A code that is sent again counts only once.
    pub(crate) fn many_wrong(&self, phone: &Phone) -> Vec<String> {
        let now = self.clock.now().as_unix();
        let correct = [now - 30, now, now + 30].map(|at| phone.passcode(Timestamp::from_unix(at)));
        let codes = (0..10).map(|number| format!("{number:06}"));
        codes.filter(|code| !correct.contains(code)).collect()
    }

    /// Types this many wrong codes.
    pub(crate) async fn give_wrong_codes(&self, browser: &mut Browser, phone: &Phone, count: u32) {
        let wrong = self.wrong(phone);
        for _ in 0..count {
            browser.give_code(&wrong).await;
        }
    }

    /// Another browser, in which the password was correct and the code is missing.
    pub(crate) async fn partially_signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.give_password(email, PASSWORD).await;
        assert_eq!(page.location(), "/two-factor/code");
        browser.get("/two-factor/code").await;
        browser
    }

    /// Another browser, in which a user is signed in with password and code.
    pub(crate) async fn signed_in(&self, email: &str, phone: &Phone) -> Browser {
        let mut browser = self.partially_signed_in(email).await;
        let code = self.next(phone);
        let page = browser.give_code(&code).await;
        assert_eq!(page.location(), "/account");
        browser
    }

    /// Generates backup codes, and returns them as they are shown.
    pub(crate) async fn codes(&self, browser: &mut Browser) -> Vec<String> {
        browser.get("/two-factor/backup-codes").await;
        let page = browser.post_all("/two-factor/backup-codes", &[]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.codes()
    }
}
