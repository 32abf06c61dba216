use countersign::AccountId;
use std::time::Duration;

use super::{Browser, Client, Fixture, TestAnswer, TestRequest};

/// One step of a bypass.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// This account enters by a first factor of this kind.
    Enter(&'static str, &'static str),
    /// Enters the next code of this account on the code page.
    CodeOf(&'static str),
    /// Enters the next code of this account on the code page, and asks for no code from now on.
    Trust(&'static str),
    /// Has the token of this account's cookie as the token of that account.
    Token(&'static str, &'static str),
    /// Forgets all devices of the signed-in user.
    Forget,
    /// Says that the password of alice changed.
    NewPassword,
    /// Enters the code that was entered last on the code page, again.
    SameCode,
    /// Enters this text on the code page.
    Typed(&'static str),
    /// Sends the code page's form with the next code of alice, changed by this.
    Changed(fn(TestRequest) -> TestRequest),
    /// Sends the form that was sent last, as it was, with the cookies that it had.
    Repeat,
    /// Sends a request without a body.
    Send(&'static str, &'static str),
    /// Loads a page with one more header.
    With(&'static str, &'static str, &'static str),
    /// Sends a form with the token of the session.
    Form(&'static str, &'static str),
    /// Ends the sign-in.
    Leave,
    /// Remembers the cookies.
    Remember,
    /// Has the cookies that were remembered.
    Restore,
    /// Has only the cookies of known devices, of those that were remembered.
    Devices,
    /// Starts another browser.
    NewBrowser,
    /// Has this cookie.
    Cookie(&'static str),
    /// Lets seconds pass.
    Wait(u64),
    /// Ends all sign-ins of alice, as a change of the password does.
    EndSignIns,
}

/// A test that carries out steps.
pub(super) struct Run<'a, C> {
    client: &'a C,
    fixture: &'a Fixture,
    browser: Browser,
    remembered: Browser,
    code: String,
    form: TestRequest,
    pub(super) answer: TestAnswer,
}

impl<'a, C: Client> Run<'a, C> {
    pub(super) fn new(client: &'a C, fixture: &'a Fixture) -> Self {
        Self {
            client,
            fixture,
            browser: Browser::new(),
            remembered: Browser::new(),
            code: String::new(),
            form: TestRequest::default(),
            answer: TestAnswer::default(),
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> TestAnswer {
        self.browser.get(self.client, path).await
    }

    pub(super) async fn step(&mut self, step: Step) {
        let (client, fixture) = (self.client, self.fixture);
        match step {
            Step::Enter(account, kind) => {
                self.answer = self.browser.enter(client, account, kind).await;
            }
            Step::CodeOf(account) => {
                self.code = fixture.next_code(account);
                self.enter(|form| form).await;
            }
            Step::Trust(account) => {
                self.code = fixture.next_code(account);
                self.enter(|mut form| {
                    form.body.extend_from_slice(b"&trust=true");
                    form
                })
                .await;
            }
            Step::Token(from, to) => self.browser.copy_token(from, to),
            Step::Forget => {
                let page = self.browser.get(client, "/two-factor/devices").await;
                let csrf = page.field("csrf").unwrap_or_default();
                let body = format!("csrf={csrf}");
                self.send(TestRequest::form("/two-factor/devices/forget", &body))
                    .await;
            }
            Step::NewPassword => {
                if let Ok(alice) = AccountId::new("alice") {
                    let _ = fixture.gate.password_changed(&alice, None).await;
                }
            }
            Step::SameCode => self.enter(|form| form).await,
            Step::Typed(text) => {
                text.clone_into(&mut self.code);
                self.enter(|form| form).await;
            }
            Step::Changed(change) => {
                self.code = fixture.next_code("alice");
                self.enter(change).await;
            }
            Step::Repeat => {
                self.answer = client.send(self.form.clone()).await;
                self.browser.receive(&self.answer);
            }
            Step::Send(method, path) => self.send(TestRequest::new(method, path)).await,
            Step::With(path, name, value) => {
                self.send(TestRequest::new("GET", path).header(name, value))
                    .await;
            }
            Step::Form(path, fields) => {
                let page = self.browser.get(client, "/two-factor/code").await;
                let csrf = page.field("csrf").unwrap_or_default();
                let body = format!("csrf={csrf}&{fields}");
                self.send(TestRequest::form(path, &body)).await;
            }
            Step::Leave => self.answer = self.browser.post(client, "/leave", "").await,
            Step::Remember => self.remembered = self.browser.clone(),
            Step::Restore => self.browser = self.remembered.clone(),
            Step::Devices => {
                self.browser = self.remembered.clone();
                self.browser.keep_devices();
            }
            Step::NewBrowser => self.browser = Browser::new(),
            Step::Cookie(cookie) => self.browser.receive(&TestAnswer {
                headers: vec![("set-cookie".to_owned(), cookie.to_owned())],
                ..TestAnswer::default()
            }),
            Step::Wait(seconds) => fixture.clock.advance(Duration::from_secs(seconds)),
            Step::EndSignIns => {
                // If this fails, the pages stay open, and the test fails.
                if let Ok(alice) = AccountId::new("alice") {
                    let _ = fixture.gate.end_sign_ins(&alice, None).await;
                }
            }
        }
    }

    async fn enter(&mut self, change: impl FnOnce(TestRequest) -> TestRequest) {
        let form = self.browser.code_form(self.client, &self.code).await;
        self.form = self.browser.prepare(change(form));
        self.answer = self.client.send(self.form.clone()).await;
        self.browser.receive(&self.answer);
    }

    pub(super) async fn send(&mut self, request: TestRequest) {
        self.answer = self.browser.send(self.client, request).await;
    }
}
