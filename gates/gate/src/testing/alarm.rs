//! The code page during an alarm: guesses on many accounts.

use countersign::vigilance::{History, MemoryVigilance, Observation, Vigilance};
use std::future::Future;

use super::steps::{Run, Step};
use super::{Client, Fixture, TestRequest};
use crate::Gate;
use crate::accounts::BoxError;

/// A vigilance after seven days without a wrong code, and twenty accounts of the fixture's day.
pub(super) async fn under_alarm() -> Result<MemoryVigilance, BoxError> {
    let quiet: History = "1 20832 0 0 0 0 0 0 0 0".parse()?;
    let vigilance = MemoryVigilance::new().with_history(quiet);
    for other in 0_u32..20 {
        let account = &other.into();
        let observation = Observation::WrongCode { account };
        vigilance.observe(observation, Fixture::START).await?;
    }
    Ok(vigilance)
}

/// Signs in during an alarm: one passcode must not be enough, and codes in a row must be. Then the
/// browser is known, and one passcode must be enough for it, but not for another browser. Returns
/// what went wrong.
///
/// `start` makes a client of a new service over this gate.
pub async fn codes_in_a_row<C, F>(start: impl Fn(Gate) -> F) -> Vec<String>
where
    C: Client,
    F: Future<Output = C>,
{
    let Ok(fixture) = Fixture::under_alarm().await else {
        return vec!["the fixture cannot be made".to_owned()];
    };
    let client = start(fixture.gate.clone()).await;
    let mut run = Run::new(&client, &fixture);
    let mut wrong = Vec::new();
    run.step(Step::Enter("alice", "password")).await;
    run.step(Step::CodeOf("alice")).await;
    if run.answer.header("location") != Some("/two-factor/codes") {
        wrong.push(format!("one passcode: {}", run.answer.status));
    }
    if run.get("/secret").await.is_open() {
        wrong.push("one passcode opens a page".to_owned());
    }
    let page = run.get("/two-factor/codes").await;
    let field = |name| page.field(name).unwrap_or_default();
    let mut body = format!("csrf={}&request={}", field("csrf"), field("request"));
    for (code, number) in fixture.row("alice").iter().zip(1..) {
        body += &format!("&code_{number}={code}");
    }
    run.send(TestRequest::form("/two-factor/codes", &body))
        .await;
    if !run.get("/secret").await.is_open() {
        wrong.push(format!("codes in a row: {}", run.answer.status));
    }
    for step in [
        Step::Leave,
        Step::Wait(60),
        Step::Enter("alice", "password"),
        Step::CodeOf("alice"),
    ] {
        run.step(step).await;
    }
    if !run.get("/secret").await.is_open() {
        wrong.push(format!("a known browser: {}", run.answer.status));
    }
    for step in [
        Step::NewBrowser,
        Step::Enter("alice", "password"),
        Step::CodeOf("alice"),
    ] {
        run.step(step).await;
    }
    if run.get("/secret").await.is_open() {
        wrong.push("one passcode opens a page in another browser".to_owned());
    }
    wrong
}
