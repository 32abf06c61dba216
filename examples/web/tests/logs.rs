//! The logs of the whole flow at the level `trace` contain no secret.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    dead_code,
    reason = "tests"
)]

#[path = "service/browser.rs"]
mod browser;
#[path = "service/support.rs"]
mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use support::{ALICE, PASSWORD, Service};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_flow_logs_no_secrets() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false);
    subscriber
        .with_env_filter(countersign_web::log_filter("trace"))
        .init();
    let service = Service::on_sqlite().await;
    let mut secrets = vec![PASSWORD.to_owned(), "wrong password".to_owned()];

    let mut browser = service.signed_up(ALICE).await;
    secrets.push(service.last_link().replace("/sign-up/", ""));
    let path = browser.start_setup().await;
    let page = browser.get(&path).await;
    secrets.extend([page.key(), page.key().replace(' ', "")]);
    let wrong = service.wrong(&page.phone());
    browser.post(&path, &[("code", &wrong)]).await;
    let phone = service.confirm(&mut browser, &path).await;
    secrets.push(phone.passcode(service.clock.now()));
    let codes = service.codes(&mut browser).await;
    secrets.extend(
        codes
            .iter()
            .flat_map(|code| [code.clone(), code.replace(' ', "")]),
    );
    secrets.extend([browser.csrf.clone(), cookie(&browser)]);

    let mut other = service.browser();
    other.give_password(ALICE, "wrong password").await;
    let mut other = service.partially_signed_in(ALICE).await;
    secrets.extend([other.csrf.clone(), cookie(&other)]);
    for code in [&wrong, "0000 0001", &codes[2]] {
        other.give_code(code).await;
    }
    assert!(other.is_signed_in().await);
    secrets.extend([
        cookie(&other),
        "00000001".to_owned(),
        "0000 0001".to_owned(),
    ]);
    let code = service.next(&phone);
    secrets.push(code.clone());
    other.get("/two-factor/disable").await;
    other
        .post(
            "/two-factor/disable",
            &[("password", PASSWORD), ("code", &code)],
        )
        .await;
    // Errors must log no secret either.
    service.execute("DROP TABLE events").await;
    other.get("/account").await;
    other.csrf = "forged".into();
    other.post("/two-factor/sign-out", &[]).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for secret in &secrets {
        assert!(secret.len() > 5, "{secret}");
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
    assert!(!log.contains(ALICE), "an address is in the log");
    // The log contains these texts.
    for text in [
        "route=\"/sign-up/{token}\"",
        "action=\"verify_attempt\"",
        "account=\"1\"",
        "no such table: events",
    ] {
        assert!(log.contains(text), "{text} is not in the log");
    }
}

fn cookie(browser: &browser::Browser) -> String {
    let cookie = browser.cookie.clone().unwrap();
    cookie.replace("__Host-session=", "")
}
