use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::testing::Phone;
use countersign::{SealingKey, Timestamp};
use countersign_store_testing::{Durability, Postgres, available};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::browser::Browser;
use crate::page::Page;

/// A program of a guide, and its database.
pub(crate) struct Service {
    program: Child,
    pub(crate) server: Postgres,
    pub(crate) runtime: Runtime,
    address: SocketAddr,
    _directory: TempDir,
}

impl Service {
    /// Starts the program and the database. Returns `None` if PostgreSQL is not installed and may
    /// be missing.
    pub(crate) fn start(program: &str) -> Option<Self> {
        let server = available(Postgres::start(Durability::Fast))?;
        let directory = tempfile::tempdir().unwrap();
        let key = SealingKey::generate().unwrap();
        std::fs::write(directory.path().join("second-factor.key"), key.expose()).unwrap();
        let mut program = Command::new(program)
            .current_dir(directory.path())
            .env("DATABASE_URL", server.url())
            .env("COOKIE_KEY", "0123456789abcdef".repeat(8))
            .env("ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let address =
            lines.find_map(|line| Some(line.unwrap().strip_prefix("open http://")?.parse()));
        // The log must not fill the pipe.
        std::thread::spawn(move || lines.for_each(|line| println!("{}", line.unwrap_or_default())));
        let address = address.unwrap().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Some(Self { program, server, runtime, address, _directory: directory })
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    /// A browser in which somebody has just signed up, and signed in with the password.
    pub(crate) fn newcomer(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let login = [("email", email), ("password", PASSWORD)];
        browser.post("/sign-up", &login).is(200, "/sign-in");
        browser.post("/sign-in", &login).is(200, "/").says(email);
        browser
    }

    /// A browser in which somebody has just signed up, and enabled the second factor. Returns also
    /// the page after it.
    pub(crate) fn enrolled(&self, email: &str) -> (Browser, Phone, Page) {
        let mut browser = self.newcomer(email);
        let begin = browser.get("/two-factor/setup");
        let setup = browser.submit(&begin, "/two-factor/setup", &[]);
        let phone = setup.phone();
        let typed = phone.passcode(now());
        let page = browser.submit(&setup, &setup.path, &[("code", &typed)]);
        assert_eq!(page.status, 200, "{page:?}");
        (browser, phone, page)
    }

    /// Another browser with its code page, in which the user has typed the right password.
    pub(crate) fn half_signed_in(&self, email: &str) -> (Browser, Page) {
        let mut browser = self.browser();
        let login = [("email", email), ("password", PASSWORD)];
        let page = browser.post("/sign-in", &login);
        page.is(200, CODE);
        (browser, page)
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.runtime.block_on(async {
            let mut connection = self.connect().await;
            let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
            query.fetch_one(&mut connection).await.unwrap()
        })
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.runtime.block_on(async {
            let mut connection = self.connect().await;
            let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
            sql.execute(&mut connection).await.unwrap();
        });
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.server.url()).await.unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        _ = self.program.kill();
        _ = self.program.wait();
    }
}

pub(crate) fn now() -> Timestamp {
    use countersign::runtime::{Clock, SystemClock};
    SystemClock.now()
}

/// The phone's next passcode, which the server accepts already.
pub(crate) fn next(phone: &Phone) -> String {
    phone.passcode(now().saturating_add(30))
}

/// A code that is wrong at all times of a test.
pub(crate) fn wrong(phone: &Phone) -> String {
    let first = Timestamp::from_unix(now().as_unix() - 600);
    let right: Vec<String> =
        (0..40).map(|step| phone.passcode(first.saturating_add(30 * step))).collect();
    let mut codes = (0..100).map(|number| format!("{number:06}"));
    codes.find(|code| !right.contains(code)).unwrap()
}

/// Waits until the condition holds, at most a minute.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the condition does not hold after a minute");
}

pub(crate) const ALICE: &str = "alice@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CODE: &str = "/two-factor/code";
