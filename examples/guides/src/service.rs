use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::testing::{ManualClock, Phone};
use countersign::{AccountId, KeyId, Keyring, SealingKey, Timestamp, Verifier};
use countersign_sqlx::{AccountColumn, PostgresStore};
use countersign_store_testing::{Durability, Postgres, available};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection};
use tokio::runtime::{Builder, Runtime};

use crate::browser::{Browser, Page};

/// A program of a guide, and its database.
pub(crate) struct Service {
    program: Child,
    pub(crate) server: Postgres,
    pub(crate) runtime: Runtime,
    key: SealingKey,
    address: std::net::SocketAddr,
}

impl Service {
    /// Starts the program and the database. Returns `None` if PostgreSQL is not installed and may
    /// be missing.
    pub(crate) fn start(program: &str) -> Option<Self> {
        let server = available(Postgres::start(Durability::Fast))?;
        let key = SealingKey::generate().unwrap();
        let hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut program = Command::new(program)
            .env("DATABASE_URL", server.url())
            .env("SECOND_FACTOR_KEY_1", hex)
            .env("COOKIE_KEY", "0123456789abcdef".repeat(8))
            .env("ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| Some(line.unwrap().strip_prefix("open http://")?.parse()));
        // The log must not fill the pipe.
        std::thread::spawn(move || lines.for_each(|line| println!("{}", line.unwrap_or_default())));
        let address = address.unwrap().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Some(Self { program, server, runtime, key, address })
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    /// A browser in which somebody has just signed up, and signed in with the password.
    pub(crate) fn newcomer(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let login = [("email", email), ("password", PASSWORD)];
        browser.post("/sign-up", &login).is(200, "You have an account now.");
        browser.post("/sign-in", &login).is(200, OFF);
        browser
    }

    /// A browser in which somebody has just signed up, and enabled 2FA.
    pub(crate) fn enrolled(&self, email: &str) -> (Browser, Phone) {
        let mut browser = self.newcomer(email);
        let setup = browser.post("/enroll", &[]);
        setup.is(200, "<svg");
        let phone = setup.phone();
        confirm(&mut browser, &setup, &phone.passcode(now())).is(200, ON);
        (browser, phone)
    }

    /// Another browser, in which the user has typed the right password but no code.
    pub(crate) fn half_signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let login = [("email", email), ("password", PASSWORD)];
        browser.post("/sign-in", &login).is(200, ENTER_CODE);
        browser
    }

    /// The verifier of another server, with another clock.
    pub(crate) fn verifier(&self, clock: &ManualClock) -> Verifier<PostgresStore> {
        let _runtime = self.runtime.enter();
        let pool = PgPool::connect_lazy(&self.server.url()).unwrap();
        let store = PostgresStore::new(pool).with_account_column(AccountColumn::BigInt);
        let keyring = Keyring::new(KeyId::new(1), self.key.clone());
        Verifier::builder(store, keyring, "Example").clock(clock.clone()).build().unwrap()
    }

    pub(crate) fn account(&self, email: &str) -> AccountId {
        self.number(&format!("SELECT id FROM users WHERE email = '{email}'")).into()
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

    /// Makes every password check in a session eleven minutes older.
    pub(crate) fn age_passwords(&self) {
        let old = earlier(660).as_unix();
        self.execute(&format!(
            "UPDATE sessions SET data = \
             regexp_replace(data::text, '(checked_at[^0-9]*)[0-9]+', '\\1{old}')::jsonb"
        ));
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

pub(crate) fn confirm(browser: &mut Browser, setup: &Page, code: &str) -> Page {
    browser.post("/confirm", &[("code", code), ("entry", setup.entry())])
}

pub(crate) fn now() -> Timestamp {
    use countersign::runtime::{Clock, SystemClock};
    SystemClock.now()
}

pub(crate) fn earlier(seconds: u64) -> Timestamp {
    Timestamp::from_unix(now().as_unix() - seconds)
}

/// The phone's next passcode, which the server accepts already.
pub(crate) fn next(phone: &Phone) -> String {
    phone.passcode(now().saturating_add(30))
}

/// A code that is wrong at all times of a test.
pub(crate) fn wrong(phone: &Phone) -> String {
    let first = earlier(600);
    let right: Vec<String> = (0..40).map(|step| phone.passcode(first.saturating_add(30 * step))).collect();
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

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ON: &str = "Two-factor authentication is on.";
pub(crate) const OFF: &str = "Two-factor authentication is off.";
pub(crate) const ENTER_CODE: &str = "Enter a code";
pub(crate) const NOT_ACCEPTED: &str = "That code was not accepted.";
