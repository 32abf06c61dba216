//! A service with accounts in memory.

use countersign::backup::{Argon2Params, CodeFormat};
use countersign::factor::TrustedDevices;
use countersign::session::{FactorFlag, Requirement};
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone};
use countersign::vigilance::{History, MemoryVigilance, Observation, Vigilance};
use countersign::{
    AccountId, Actor, KeyId, Keyring, Policy, PolicyBuilder, SealingKey, Status, Timestamp,
    Verifier,
};
use countersign_gate::page::{Content, Page};
use countersign_gate::{
    Accounts, BoxError, Gate, MemoryRows, Notice, PasswordCheck, RowsOfRequest, Separate,
    SignInRows, SignInStore, What,
};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::browser::{Browser, Format, Sessions};
use crate::faults::{Fault, FaultyRows, FaultyStore, Plan, Together};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ALICE: &str = "alice";
pub(crate) const BOB: &str = "bob";
/// An account whose name has no letter.
pub(crate) const NAMELESS: &str = "nameless";

/// Runs a test of this module for a browser with forms and a program with JSON, on a store with
/// rows of its own and on one that writes both in one transaction.
macro_rules! in_both_formats {
    ($($name:ident,)+) => {
        $(
            mod $name {
                use crate::browser::Format::{Html, Json};
                use crate::support::Rows::{Separate, Together};
                use crate::support::{Service, run};

                #[test]
                fn with_forms() {
                    run(super::$name(Service::new(Html, Separate)));
                }

                #[test]
                fn with_forms_in_transactions() {
                    run(super::$name(Service::new(Html, Together)));
                }

                #[test]
                fn with_json() {
                    run(super::$name(Service::new(Json, Separate)));
                }

                #[test]
                fn with_json_in_transactions() {
                    run(super::$name(Service::new(Json, Together)));
                }
            }
        )+
    };
}
pub(crate) use in_both_formats;

pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    { runtime }.build().unwrap().block_on(test);
}

/// Where the rows of the sign-ins are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows {
    Separate,
    Together,
}

pub(crate) struct Service {
    pub(crate) gate: Gate,
    /// A verifier without the rows, to look at the records.
    pub(crate) verifier: Verifier<FaultyStore>,
    pub(crate) rows: MemoryRows,
    pub(crate) accounts: People,
    pub(crate) clock: ManualClock,
    pub(crate) vigilance: Arc<MemoryVigilance>,
    pub(crate) plan: Plan,
    pub(crate) sessions: Sessions,
    format: Format,
    pub(crate) store: Rows,
}

/// The accounts of the service: everybody has the same password.
#[derive(Clone, Default)]
pub(crate) struct People(Arc<Mutex<Rules>>);

#[derive(Default)]
struct Rules {
    requirement: Requirement,
    without_password: bool,
    password_changed_at: Option<Timestamp>,
    wait: Option<Duration>,
    passwords_checked: u32,
    notices: Vec<What>,
}

impl People {
    pub(crate) fn require(&self, requirement: Requirement) {
        self.0.lock().unwrap().requirement = requirement;
    }

    pub(crate) fn drop_passwords(&self) {
        self.0.lock().unwrap().without_password = true;
    }

    pub(crate) fn change_password(&self, at: Timestamp) {
        self.0.lock().unwrap().password_changed_at = Some(at);
    }

    pub(crate) fn limit_passwords(&self, wait: Duration) {
        self.0.lock().unwrap().wait = Some(wait);
    }

    pub(crate) fn passwords_checked(&self) -> u32 {
        self.0.lock().unwrap().passwords_checked
    }

    /// The notices since the last call.
    pub(crate) fn notices(&self) -> Vec<What> {
        std::mem::take(&mut self.0.lock().unwrap().notices)
    }
}

impl Accounts for People {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(match account.as_str() {
            NAMELESS => "\n".to_owned(),
            account => format!("{account}@example.com"),
        })
    }

    async fn check_password(
        &self,
        _: &AccountId,
        password: &str,
    ) -> Result<PasswordCheck, BoxError> {
        // A real check takes its time, and another request runs meanwhile.
        tokio::task::yield_now().await;
        let mut rules = self.0.lock().unwrap();
        rules.passwords_checked += 1;
        Ok(match rules.wait {
            Some(retry_after) => PasswordCheck::TooMany { retry_after },
            None if rules.without_password => PasswordCheck::NoPassword,
            None if password == PASSWORD => PasswordCheck::Right,
            None => PasswordCheck::Wrong,
        })
    }

    async fn has_password(&self, _: &AccountId) -> Result<bool, BoxError> {
        Ok(!self.0.lock().unwrap().without_password)
    }

    async fn password_changed_at(&self, _: &AccountId) -> Result<Option<Timestamp>, BoxError> {
        Ok(self.0.lock().unwrap().password_changed_at)
    }

    async fn requirement(&self, _: &AccountId) -> Result<Requirement, BoxError> {
        Ok(self.0.lock().unwrap().requirement.clone())
    }

    async fn notify(&self, _: &AccountId, notice: Notice) {
        self.0.lock().unwrap().notices.push(notice.what);
    }
}

impl Service {
    pub(crate) fn new(format: Format, store: Rows) -> Self {
        Self::with(format, store, |policy| policy)
    }

    /// A service that remembers browsers, and trusts them for 30 days.
    pub(crate) fn remembering(&self) -> Self {
        Self::with(self.format, self.store, |policy| {
            policy.trusted_devices(TrustedDevices::Days(30))
        })
    }

    /// A service with backup codes of at least 112 bits, and a lock-out after three wrong codes.
    pub(crate) fn with_long_codes(&self) -> Self {
        Self::with(self.format, self.store, |policy| {
            policy.code_format(CodeFormat::BITS_112).lock_after(3)
        })
    }

    fn with(
        format: Format,
        store: Rows,
        policy: impl FnOnce(PolicyBuilder) -> PolicyBuilder,
    ) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let (rows, plan) = (MemoryRows::new(), Plan::default());
        let records = FaultyStore {
            inner: MemoryStore::new(),
            plan: plan.clone(),
        };
        let sign_ins = FaultyRows {
            inner: rows.clone(),
            plan: plan.clone(),
        };
        let cheap = Policy::builder().code_hash(Argon2Params::new(8, 1, 1).unwrap());
        let policy = policy(cheap);
        let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
        // Seven days without a wrong code.
        let quiet: History = "1 20832 0 0 0 0 0 0 0 0".parse().unwrap();
        let vigilance = Arc::new(MemoryVigilance::new().with_history(quiet));
        let verifier = Verifier::builder(records.clone(), keyring, "Example")
            .policy(policy.build().unwrap())
            .clock(clock.clone())
            .vigilance(Arc::clone(&vigilance))
            .build()
            .unwrap();
        let accounts = People::default();
        let devices = matches!(verifier.policy().trusted_devices(), TrustedDevices::Days(_));
        let gate = match store {
            Rows::Separate => {
                let store = Separate::new(records, sign_ins);
                build(verifier.with_store(store), &accounts, &clock, devices)
            }
            Rows::Together => {
                let store = Together {
                    records,
                    rows: sign_ins,
                    request: RowsOfRequest::default(),
                };
                build(verifier.with_store(store), &accounts, &clock, devices)
            }
        };
        Self {
            gate,
            verifier,
            rows,
            accounts,
            clock,
            vigilance,
            plan,
            sessions: Sessions::default(),
            format,
            store,
        }
    }

    /// Another service, for browsers of the same format.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.format, self.store)
    }

    /// From [`start`](Self::start) on, this call of the store or the table fails.
    pub(crate) fn plan_later(&self, call: u32, fault: Fault) {
        self.plan.prepare(call, fault);
    }

    pub(crate) fn start(&self) {
        self.plan.start();
    }

    pub(crate) fn end(&self) {
        self.plan.end();
    }

    /// Whether the call that was to fail took place.
    pub(crate) fn took_place(&self) -> bool {
        self.plan.took_place()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.gate.clone(), self.sessions.clone(), self.format)
    }

    /// Raises an alarm for the rest of the day.
    pub(crate) async fn raise_alarm(&self) {
        for other in 0_u32..20 {
            let account = &other.into();
            let observation = Observation::WrongCode { account };
            let noted = self.vigilance.observe(observation, self.clock.now());
            assert_eq!(noted.await.unwrap().is_alarm(), other == 19);
        }
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The passcode after the next one, which nobody has used.
    pub(crate) fn next(&self, phone: &Phone) -> String {
        self.wait(30);
        phone.passcode(self.clock.now())
    }

    pub(crate) async fn status(&self, account: &str) -> Status {
        let account = AccountId::new(account).unwrap();
        self.verifier.status(&account).await.unwrap()
    }

    pub(crate) async fn is_enabled(&self, account: &str) -> bool {
        matches!(self.status(account).await, Status::Enabled(_))
    }

    pub(crate) async fn names(&self, account: &str) -> Vec<String> {
        match self.status(account).await {
            Status::Enabled(enabled) => {
                let all = enabled.authenticators.iter();
                all.map(|one| one.name.to_string()).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) async fn id(&self, account: &str, name: &str) -> String {
        let Status::Enabled(enabled) = self.status(account).await else {
            panic!("no second factor");
        };
        let mut all = enabled.authenticators.iter();
        let found = all.find(|one| one.name.as_str() == name).unwrap();
        found.id.to_string()
    }

    pub(crate) async fn flag(&self, account: &str) -> FactorFlag {
        let account = AccountId::new(account).unwrap();
        self.rows.flag(&account).await.unwrap()
    }

    /// A browser that is signed in without a second factor.
    pub(crate) async fn signed_in(&self, account: &str) -> Browser {
        let mut browser = self.browser();
        browser.password(account).await.leads_to("/");
        browser.get("/two-factor").await;
        browser
    }

    /// A browser that has switched the second factor on, and the phone.
    pub(crate) async fn enrolled(&self, account: &str) -> (Browser, Phone) {
        let mut browser = self.signed_in(account).await;
        let begun = browser.post("/two-factor/setup", &[]).await;
        let phone = self.confirm(&mut browser, &begun.next).await;
        (browser, phone)
    }

    /// Scans the QR code of a setup page, and confirms it.
    pub(crate) async fn confirm(&self, browser: &mut Browser, path: &str) -> Phone {
        let phone = self.scan(browser, path).await;
        let code = phone.passcode(self.clock.now());
        let answer = browser.post(path, &[("code", &code)]).await;
        assert!(matches!(answer.status, 200 | 303), "{answer:?}");
        phone
    }

    pub(crate) async fn scan(&self, browser: &mut Browser, path: &str) -> Phone {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{page:?}");
        Phone::scan(page.line("link")).unwrap()
    }

    /// Signs in another browser with a password and a code.
    pub(crate) async fn with_code(&self, account: &str, code: &str) -> Browser {
        let mut browser = self.browser();
        let first = browser.password(account).await;
        first.leads_to("/two-factor/code");
        let answer = browser.fill("/two-factor/code", &[("code", code)]).await;
        answer.leads_to("/");
        assert!(browser.is_signed_in().await);
        browser
    }

    /// Whether a code signs in, after a password.
    pub(crate) async fn accepts(&self, account: &str, code: &str) -> bool {
        let mut browser = self.browser();
        let first = browser.password(account).await;
        first.leads_to("/two-factor/code");
        browser.fill("/two-factor/code", &[("code", code)]).await;
        browser.is_signed_in().await
    }
}

fn build<S: SignInStore>(
    verifier: Verifier<S>,
    accounts: &People,
    clock: &ManualClock,
    devices: bool,
) -> Gate {
    let builder = Gate::builder(verifier, accounts.clone());
    let builder = match devices {
        true => builder.remember_devices(),
        false => builder,
    };
    builder
        .service("Example")
        .clock(clock.clone())
        .pages(|page: &Page| Ok(text(page)))
        .build()
}

/// A page as lines that a test can read.
fn text(page: &Page) -> String {
    let mut text = format!("csrf: {}\n", page.frame.csrf);
    if let Some(notice) = &page.frame.notice {
        writeln!(text, "notice: {notice}").unwrap();
    }
    if let Some(problem) = &page.frame.problem {
        writeln!(text, "problem: {} {:?}", problem.text, problem.field).unwrap();
    }
    if let Some(typed) = &page.frame.typed {
        writeln!(text, "typed: {typed}").unwrap();
    }
    match &page.content {
        Content::Code(page) => {
            writeln!(
                text,
                "page: code\nrequest: {}\nwait: {:?}\ntrust: {:?}\nin a row: {:?}\nbackup code: {}",
                page.request, page.wait, page.trust_days, page.in_a_row, page.backup_code
            )
            .unwrap();
        }
        Content::Setup(page) => {
            writeln!(text, "page: setup\nlink: {}", page.link.expose()).unwrap();
            assert!(page.qr.expose().starts_with("<svg"));
        }
        Content::Prove(page) => {
            writeln!(text, "page: prove {:?}", page.change).unwrap();
            writeln!(text, "asks: {} {}", page.password, page.code).unwrap();
            writeln!(text, "action: {}\nwait: {:?}", page.action, page.wait).unwrap();
            writeln!(text, "once: {}", page.once.as_deref().unwrap_or_default()).unwrap();
            writeln!(text, "name: {}", page.name.as_deref().unwrap_or_default()).unwrap();
        }
        Content::BackupCodes(page) => {
            let codes: Vec<&str> = page.codes.iter().collect();
            writeln!(text, "page: backup codes\ncodes: {}", codes.join(",")).unwrap();
            let earlier = format!("{:?}", page.earlier).to_lowercase();
            writeln!(text, "set: {}\nearlier: {earlier}", page.set).unwrap();
            writeln!(text, "file name: {}", page.file_name).unwrap();
            write!(text, "file:\n{}", page.file.expose()).unwrap();
        }
        Content::Message(page) => writeln!(text, "page: {:?}", page.message).unwrap(),
        other => writeln!(text, "page: {other:?}").unwrap(),
    }
    text
}

/// A person who acts without a proof.
pub(crate) fn staff() -> Actor {
    Actor::new("staff", "a test").unwrap()
}
