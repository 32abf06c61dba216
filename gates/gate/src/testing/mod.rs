//! A check of all routes for your own tests, and the tests of the adapters.
//!
//! A [`Harness`] walks the routes of your service. Each adapter runs the other tests on a small
//! service of its own.
//!
//! An adapter builds a service with [`ROUTES`] over the gate of a [`Fixture`], and sends it
//! requests through a [`Client`]. [`bypasses::refused`] tries to get past the gate in many ways.
//! [`alarm::codes_in_a_row`] signs in while a vigilance raises an alarm.

pub mod alarm;
pub mod bypasses;
mod fixture;
mod harness;
mod must_enroll;
mod paths;
mod steps;

use countersign::AccountId;
use std::collections::BTreeMap;
use std::future::Future;

use crate::device_cookie::DeviceCookie;
pub use fixture::Fixture;
pub use harness::{Harness, OpenRoutes, Report, Routes};
pub use must_enroll::must_enroll;

/// The body of a closed page.
pub const SECRET: &str = "the secret";

/// The routes of the service under test, and what they need.
///
/// Every route takes every method that the framework has a function for. A closed page and a fresh
/// page answer with [`SECRET`]. `/half` answers with `half`, and `/` with `hello ACCOUNT` for a
/// signed-in user and `hello` for others. `/enter/{kind}` takes the field `account` of a form, and
/// lets the account in by that first factor: `password`, `email`, `sso`, `passkey`, `token` or
/// `remembered`. `/leave` ends the sign-in. `/write` stores something in the session, without the
/// gate. `/secret/nested` and `/open` are services of their own: the first one is closed and
/// answers [`SECRET`] to every path, and the second one is public and answers `open`.
pub const ROUTES: [(&str, &str); 10] = [
    ("/", "public"),
    ("/enter/{kind}", "public"),
    ("/leave", "public"),
    ("/write", "public"),
    ("/open", "public service"),
    ("/half", "first factor"),
    ("/secret", "closed"),
    ("/secret/{id}", "closed"),
    ("/secret/nested", "closed service"),
    ("/fresh", "fresh: five minutes, with a second factor"),
];

/// A request to the service under test.
#[derive(Clone, Debug, Default)]
pub struct TestRequest {
    /// The method.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer of the service under test.
#[derive(Clone, Debug, Default)]
pub struct TestAnswer {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the gate refused the request. An adapter knows this from the answer itself.
    pub refused: bool,
}

/// Sends requests to the service under test.
pub trait Client {
    /// Sends a request.
    fn send(&self, request: TestRequest) -> impl Future<Output = TestAnswer>;
}

impl TestRequest {
    /// Makes a request without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// Makes a form.
    #[must_use]
    pub fn form(path: &str, body: &str) -> Self {
        let mut request = Self::new("POST", path);
        request.body = body.as_bytes().to_vec();
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl TestAnswer {
    /// Returns the body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the value of a line `name: value` of the fixture's pages.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let text = self.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        Some(line?.strip_prefix(": ")?.to_owned())
    }

    /// Whether the answer shows the secret.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.text().contains(SECRET)
    }
}

/// A browser, which keeps cookies.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Makes a browser without cookies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the header `cookie`.
    #[must_use]
    pub fn cookie_header(&self) -> String {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Returns the header without the cookies of known devices.
    #[must_use]
    pub fn session_header(&self) -> String {
        let mut sessions = self.clone();
        let devices = |name: &String| name.starts_with("__Host-device-");
        sessions.cookies.retain(|name, _| !devices(name));
        sessions.cookie_header()
    }

    /// Adds the cookies to a request.
    #[must_use]
    pub fn prepare(&self, request: TestRequest) -> TestRequest {
        match self.cookies.is_empty() {
            true => request,
            false => request.header("cookie", &self.cookie_header()),
        }
    }

    /// Stores and deletes cookies, as the answer says.
    pub fn receive(&mut self, answer: &TestAnswer) {
        let headers = answer.headers.iter();
        for (_, cookie) in headers.filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let is_deleted = attributes
                .split(';')
                .any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
            match is_deleted {
                true => self.cookies.remove(name.trim()),
                false => self
                    .cookies
                    .insert(name.trim().to_owned(), value.to_owned()),
            };
        }
    }

    /// Keeps only the cookies of known devices.
    pub(crate) fn keep_devices(&mut self) {
        self.cookies
            .retain(|name, _| name.starts_with("__Host-device-"));
    }

    /// Stores the token of an account as the token of another one.
    pub(crate) fn copy_token(&mut self, from: &str, to: &str) {
        let name = |account: &str| {
            let account = AccountId::new(account).ok()?;
            Some(DeviceCookie::of(&account).ok()?.name().to_owned())
        };
        if let (Some(from), Some(to)) = (name(from), name(to))
            && let Some(token) = self.cookies.get(&from).cloned()
        {
            self.cookies.insert(to, token);
        }
    }

    /// Sends a request with the cookies, and receives those of the answer.
    pub async fn send(&mut self, client: &impl Client, request: TestRequest) -> TestAnswer {
        let answer = client.send(self.prepare(request)).await;
        self.receive(&answer);
        answer
    }

    /// Loads a page.
    pub async fn get(&mut self, client: &impl Client, path: &str) -> TestAnswer {
        self.send(client, TestRequest::new("GET", path)).await
    }

    /// Sends a form.
    pub async fn post(&mut self, client: &impl Client, path: &str, body: &str) -> TestAnswer {
        self.send(client, TestRequest::form(path, body)).await
    }

    /// Enters by a first factor.
    pub async fn enter(&mut self, client: &impl Client, account: &str, kind: &str) -> TestAnswer {
        let (path, body) = (format!("/enter/{kind}"), format!("account={account}"));
        self.post(client, &path, &body).await
    }

    /// Returns the form of the code page with this code.
    pub async fn code_form(&mut self, client: &impl Client, code: &str) -> TestRequest {
        let page = self.get(client, "/two-factor/code").await;
        let field = |name| page.field(name).unwrap_or_default();
        let body = format!(
            "csrf={}&request={}&code={code}",
            field("csrf"),
            field("request")
        );
        TestRequest::form("/two-factor/code", &body)
    }

    /// Enters a code on the code page.
    pub async fn enter_code(&mut self, client: &impl Client, code: &str) -> TestAnswer {
        let form = self.code_form(client, code).await;
        self.send(client, form).await
    }
}
